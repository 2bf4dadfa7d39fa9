"""Postal addresses of many countries are found to their end, and what only counts things is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize import address_parts
from plumbline.anonymize.addresses import find_addresses
from plumbline.anonymize.spans import merge


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in merge(find_addresses(text))]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("I live at 221B Baker Street, London NW1 6XE, UK.", "221B Baker Street, London NW1 6XE, UK"),
        ("i live at 12 main street, springfield, il 62704 and", "12 main street, springfield, il 62704"),
        ("moved to 55 penny lane liverpool l18 1de last week", "55 penny lane liverpool l18 1de"),
        ("Flat 3, 14 Rosebery Gardens, Leeds LS6 2AB.", "Flat 3, 14 Rosebery Gardens, Leeds LS6 2AB"),
        ("to Rose Cottage, Mill Lane, Little Snoring, NR21 0AA", "Rose Cottage, Mill Lane, Little Snoring, NR21 0AA"),
        ("350 W 42nd St Apt 5B, New York NY 10036", "350 W 42nd St Apt 5B, New York NY 10036"),
        ("123 5th Avenue, New York, NY 10011-1234", "123 5th Avenue, New York, NY 10011-1234"),
        ("PO Box 123, Springfield, IL 62701", "PO Box 123, Springfield, IL 62701"),
        ("PSC 3 Box 1200, APO AE 09021", "PSC 3 Box 1200, APO AE 09021"),
        ("he is in Redmond, WA 98052 now", "Redmond, WA 98052"),
        ("1 Yonge St, Toronto, ON M5V 2T6", "1 Yonge St, Toronto, ON M5V 2T6"),
        ("Shop 4, 250 Pitt St, Sydney NSW 2000, Australia", "Shop 4, 250 Pitt St, Sydney NSW 2000, Australia"),
        ("12, MG Road, Indiranagar, Bangalore - 560 038", "12, MG Road, Indiranagar, Bangalore - 560 038"),
        ("45 Orchard Road #12-03, Singapore 238879", "45 Orchard Road #12-03, Singapore 238879"),
        ("Hauptstraße 5, 10115 Berlin", "Hauptstraße 5, 10115 Berlin"),
        ("hauptstr. ist zu, Hauptstr. 12a\n80331 München\nDeutschland", "Hauptstr. 12a\n80331 München\nDeutschland"),
        ("Anschrift: Am Markt 3, 04109 Leipzig", "Am Markt 3, 04109 Leipzig"),
        ("Bahnhofstrasse 10\n8001 Zürich\nSwitzerland", "Bahnhofstrasse 10\n8001 Zürich\nSwitzerland"),
        ("12 rue de la Paix, 75002 Paris, France", "12 rue de la Paix, 75002 Paris, France"),
        ("12 bis, avenue Victor Hugo 69003 Lyon", "12 bis, avenue Victor Hugo 69003 Lyon"),
        ("Calle Mayor 5, 3º B, 28013 Madrid, España", "Calle Mayor 5, 3º B, 28013 Madrid, España"),
        ("Via Roma 10, 00184 Roma RM, Italia", "Via Roma 10, 00184 Roma RM, Italia"),
        ("Rua Augusta, 123, 01304-001 São Paulo - SP, Brasil", "Rua Augusta, 123, 01304-001 São Paulo - SP, Brasil"),
        ("Cra. 7 # 71-21, Bogotá, Colombia", "Cra. 7 # 71-21, Bogotá, Colombia"),
        ("Keizersgracht 123, 1015 CJ Amsterdam", "Keizersgracht 123, 1015 CJ Amsterdam"),
        ("Kungsgatan 12, 111 35 Stockholm", "Kungsgatan 12, 111 35 Stockholm"),
        ("Vestergade 12, 2. tv, 1456 København K", "Vestergade 12, 2. tv, 1456 København K"),
        ("Storgata 5, 0155 Oslo, Norge", "Storgata 5, 0155 Oslo, Norge"),
        ("Mannerheimintie 3 A 5, 00100 Helsinki", "Mannerheimintie 3 A 5, 00100 Helsinki"),
        ("ul. Marszałkowska 12/5, 00-590 Warszawa", "ul. Marszałkowska 12/5, 00-590 Warszawa"),
        ("1051 Budapest, Váci utca 12.", "1051 Budapest, Váci utca 12"),
        ("Str. Mihai Eminescu nr. 5, București", "Str. Mihai Eminescu nr. 5, București"),
        ("ул. Ленина, д. 5, кв. 12, Москва", "ул. Ленина, д. 5, кв. 12, Москва"),
        ("Atatürk Caddesi No: 45, Ankara, Turkey", "Atatürk Caddesi No: 45, Ankara, Turkey"),
        ("東京都千代田区丸の内1-9-1", "東京都千代田区丸の内1-9-1"),
        ("北京市朝阳区建国路88号", "北京市朝阳区建国路88号"),
        ("서울특별시 강남구 테헤란로 152", "서울특별시 강남구 테헤란로 152"),
        ("Our address is 795 Quince Coves, New Town, DE 81173. I've", "795 Quince Coves, New Town, DE 81173"),
        ("> 24 Clarke Avenue\n> Apt. 805\n> Pines Beach\n> thanks", "24 Clarke Avenue\n> Apt. 805"),
        ("my zip code is 35350", "35350"),
        ("Our depot (Ahornweg 12, 21073 Hamburg) is closed", "Ahornweg 12, 21073 Hamburg"),
        ("collect it at Flat 5, 12 Countess Close, please", "Flat 5, 12 Countess Close"),
        ("our shop is at 12 New Road since May", "12 New Road"),
        ("send it to 40 First Avenue please", "40 First Avenue"),
        ("Via Dante, 9 Appartamento 4, 20121 Milano", "Via Dante, 9 Appartamento 4, 20121 Milano"),
        ("to 44/2, Bapat Colony, Nagpur-440010 today", "44/2, Bapat Colony, Nagpur-440010"),
        ("Urbanización Los Olivos 42, 29600 Marbella", "Urbanización Los Olivos 42, 29600 Marbella"),
        ("Labská 4, 400 01 Ústí nad Labem", "Labská 4, 400 01 Ústí nad Labem"),
        ("221B BAKER STREET, LONDON NW1 6XE", "221B BAKER STREET, LONDON NW1 6XE"),
    ],
)
def test_finds_the_whole_address(text: str, address: str) -> None:
    assert found(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "10 Downloads, 3 Ways to fix this, 5 Star rating",
        "Firefox 70.0 for Windows 10 and Chrome 80 via Firefox 70",
        "2 TB Drive, 1 External Drive, 500 GB Hard Drive",
        "at com.foo.Bar.main(Bar.java:123)\n    at org.x.Main.run(Main.java:5)",
        "Mozilla/5.0 (Windows NT 10.0; Win64) Gecko/20100101 Firefox/69.0",
        "Intel(R) Core(TM) 7 CPU, 16384 MB RAM, NVIDIA Quadro 4000, Windows 10 Pro, Build 19041",
        "[2024-05-17 08:30:12] ERROR 5 Connection Pool, retry 3",
        "Apple M1 8GB ram, RX5 8GB",
        "1 hour drive, 2 way street, 3 lane road",
        "4 New Tabs, 2 Old Drives, version 12 New Features",
        "See Section 3 Part 2, Room 5, Building 7 for details",
        "Version 3 Build 12345 Release Candidate, United States",
        "Warning COM Event ID 10016, error code IN 404",
        "/home/12 Main/Street, C:\\5 Oak\\Road, x=12 Street",
        "issue 12, PR 22527, see section 5 Court of Appeal",
        "color #A8A8A8, background #A1B2C3",
        "The IP address is 3 Hops away",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


@given(
    st.text("Aa1 ,.\n5-#", max_size=300)
    | st.lists(
        st.sampled_from(["12", "Main", "Street", "rue", "de", "Straße", ",", "\n", "Apt", "IL", "62704", "UK"])
    ).map(" ".join)
)
def test_offsets_lie_in_the_text_whatever_it_is(text: str) -> None:
    for span in find_addresses(text):
        assert 0 <= span.start < span.end <= len(text)


def test_every_part_is_bounded() -> None:
    """An unbounded repeat could make time grow faster than the text."""
    patterns = [part.pattern for part in (*address_parts.WRITTEN, *address_parts.TYPED)]
    patterns += [value for name, value in vars(address_parts).items() if name.isupper() and hasattr(value, "finditer")]
    for pattern in patterns:
        plain = (
            pattern.pattern.replace("\\*", "").replace("\\+", "").replace("[ \\t\\u00a0]*", "").replace("[ \\t]*", "")
        )
        assert not any(sign in plain.replace("[\\t>|*?#", "") for sign in (")*", ")+", "]+", "\\w*", "\\d+", "\\s+"))
