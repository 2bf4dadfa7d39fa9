"""National numbers are found by their check digits, and numbers that only look like them are left."""

import pytest

pytest.importorskip("stdnum", reason="the nlp extra is not installed")

from plumbline.anonymize.national_ids import find_national_ids


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_national_ids(text)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("IT: RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("MX BOXW310820HNERXN09.", "BOXW310820HNERXN09"),
        ("ES X1234567L", "X1234567L"),
        ("FR 2 55 08 14 168 025 38", "2 55 08 14 168 025 38"),
        ("mon numéro est le 295109912611193", "295109912611193"),
        ("BR 390.533.447-05", "390.533.447-05"),
        ("FI 131052-308T", "131052-308T"),
        ("SE 880320-0016", "880320-0016"),
        ("CH 756.9217.0769.85", "756.9217.0769.85"),
        ("CN 360426199101010071", "360426199101010071"),
        ("CL 12.531.909-2", "12.531.909-2"),
        ("SG S1234567D and no more", "S1234567D"),
        ("CZ 710319/2745", "710319/2745"),
        ("UK AB 12 34 56 C", "AB 12 34 56 C"),
        ("the aadhaar card says 2341 2341 2346", "2341 2341 2346"),
        ("my NHS details: 943 476 5919", "943 476 5919"),
        ("for PESEL purposes it is 44051401359", "44051401359"),
        ("BSN of my wife: 111222333", "111222333"),
    ],
)
def test_finds(text: str, number: str) -> None:
    assert found(text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "RSSMRA85T10A562T, 390.533.447-06, 131052-308U, 880320-0017, S1234567A",  # wrong check digits
        "order 44051401359, ticket 111222333, took 943 476 5919 ns",  # right ones, of nothing that is told
        "at 2024-05-17 08:30:12.123, 140281278590741, 1715934612123",
        "version 10.0.19045.3693, sha 3f1c9e0b7a5d4c2e8f6a1b0c9d8e7f6a5b4c3d2e",
        "part BG 12 34 56 C",
        "",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []
