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
        "call 911 in case of 3 errors",
        "contact us: 2023-07-17, 17/07/2023, score 0.5568627715\n0.5568627715\n",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []
