"""Phone numbers are told from order numbers, dates and versions."""

import pytest

from plumbline.anonymize.phones import find_phones


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_phones(text)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("call +44 20 7946 0958 now", "+44 20 7946 0958"),
        ("+1-212-555-0123 is mine", "+1-212-555-0123"),
        ("dial 0044 20 7946 0958", "0044 20 7946 0958"),
        ("(212) 555-0123", "(212) 555-0123"),
        ("212.555.0123 x45", "212.555.0123 x45"),
        ("ring (020) 7946 0958 today", "(020) 7946 0958"),
        ("it is 020 7946 0958", "020 7946 0958"),
        ("my phone number is 2125550123", "2125550123"),
        ("Thanks,\nJane\n02079460958", "02079460958"),
        ("+49 (0)30 901820", "+49 (0)30 901820"),
        ("(0116) 4960837", "(0116) 4960837"),
        ("+44(0)117 496 0999", "+44(0)117 496 0999"),
        ("001-234-567-8900x1234", "001-234-567-8900x1234"),
        ("+1 (555) 0100-22 ext. 5", "+1 (555) 0100-22 ext. 5"),
        ("Durchwahl: 089/1234567, ext 12", "089/1234567, ext 12"),
        ("ring 1-800-FLOWERS", "1-800-FLOWERS"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("024 971 50 30 office", "024 971 50 30"),
        ("mobile\\,+447700 208 815-Fax", "+447700 208 815"),
        ("Regards,\nJane\n029 2018323", "029 2018323"),
    ],
)
def test_finds(text: str, number: str) -> None:
    assert found(text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "order 2125550123 has not come",
        "on 2024-05-17 or 17.05.2024 10:30",
        "version 10.0.19045.3693",
        "192.168.100.200 and 10.0.0.1/24",
        "took 1234567 ms, 98.6543210 %",
        "4111 1111 1111 1111",
        "lines 100-200 and 300-4000",
        "id=02079460958 #2079460958",
        "a1b2c3d4 0123456789abcdef",
        "1715934612123",
        "during sync 1715934612123, Status text: OK 1715934612123",
        "entering 10.175.0.1, connection to (192.168.1.0/24)",
        "Chrome (96.0.4664.55), build (22000.1098)",
        "xx 06 06 06 06 06 and 052718 238 pm",
        "order 0123-456-789-0, ticket no. (212) 555-0123",
        "connmgr: +491.616 5:ProcessConnection.cc",
        "No. 01/10.06.2020",
        "call 911 in case of 3 errors",
        "contact us: 2023-07-17, 17/07/2023, score 0.5568627715\n0.5568627715\n",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []
