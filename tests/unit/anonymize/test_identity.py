"""Numbers of papers and dates of birth are found behind the word that says so, and only there."""

import pytest

from plumbline.anonymize.recognizers import identity
from plumbline.anonymize.spans import merge


def found(text: str) -> list[tuple[str, str]]:
    spans = merge(span for recognizer in identity.RECOGNIZERS for span in recognizer.find(text))
    return [(span.type, text[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("I was born on 12 March 1985.", "BIRTH_DATE", "12 March 1985"),
        ("DOB: 03/12/1985", "BIRTH_DATE", "03/12/1985"),
        ("d.o.b. 1985-03-12", "BIRTH_DATE", "1985-03-12"),
        ("date of birth (dd/mm/yyyy): 12/03/85", "BIRTH_DATE", "12/03/85"),
        ('"birth_date": "1985-03-12"', "BIRTH_DATE", "1985-03-12"),
        ("my birthday is March 12th, 1985", "BIRTH_DATE", "March 12th, 1985"),
        ("birthday on 5th of May", "BIRTH_DATE", "5th of May"),
        ("Geburtsdatum: 12.03.1985", "BIRTH_DATE", "12.03.1985"),
        ("née le 3 mars 1990", "BIRTH_DATE", "3 mars 1990"),
        ("nacido el 3 de marzo de 1990", "BIRTH_DATE", "3 de marzo de 1990"),
        ("passport number X1234567", "PASSPORT", "X1234567"),
        ("Passport no: 123456789", "PASSPORT", "123456789"),
        ("my passport is AB 1234567 and", "PASSPORT", "AB 1234567"),
        ("Reisepass Nr. C01X00T47", "PASSPORT", "C01X00T47"),
        ("passport AB1234", "PASSPORT", "AB1234"),
        ("Passport: K-8812", "PASSPORT", "K-8812"),
        ("driver's license number is 2270-66-1551", "LICENCE", "2270-66-1551"),
        ("driving licence: MORGA657054SM9IJ", "LICENCE", "MORGA657054SM9IJ"),
        ("Führerschein B072RRE2I55", "LICENCE", "B072RRE2I55"),
        ("license plate is AB12 CDE", "PLATE", "AB12 CDE"),
        ("my number plate: ab12 cde", "PLATE", "ab12 cde"),
        ("Kennzeichen B-XY 1234", "PLATE", "B-XY 1234"),
        ("immatriculation AB-123-CD", "PLATE", "AB-123-CD"),
        ("my SIN is 046 454 286", "NATIONAL_ID", "046 454 286"),
        ("NHS number 943 476 5919", "NATIONAL_ID", "943 476 5919"),
        ("NINO: AB 12 34 56 C", "NATIONAL_ID", "AB 12 34 56 C"),
        ("PESEL 44051401359", "NATIONAL_ID", "44051401359"),
        ("codice fiscale: RSSMRA85T10A562S", "NATIONAL_ID", "RSSMRA85T10A562S"),
        ("tax id: 12-3456789", "NATIONAL_ID", "12-3456789"),
        ("social security number is 078051120", "SSN", "078051120"),
        ("last four of my ssn 7845", "SSN", "7845"),
    ],
)
def test_finds(text: str, kind: str, value: str) -> None:
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "released on 12 March 1985, updated 2024-05-17",
        "the bug was reborn, unborn 1985-03-12",
        "passport expired on 2020-01-02; passport.js 0.4.1",
        "passport expired 2020, passport 1234, passport is A1",
        "pass: 12345, passes 123456",
        "license key, driver version 27.20.100.8681",
        "sin 12345678, pan 1234567, PIN code 4567",
        "the social network 2024, identity provider 12345678",
        "registration of 123456 users",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []
