"""National identity numbers by their shape and check digits (python-stdnum, in the `nlp` layer).

A shape that little else has counts by its check digits alone. Bare runs of digits count with a word near them that
names the number: one in ten or eleven passes a check by chance. Numbers right behind such a word are found without
check digits, too (`recognizers.identity`): people mistype them.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stdnum import luhn, verhoeff
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cnpj, cpf
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.za import idnr as za_idnr

from plumbline.anonymize.spans import Span

_NEAR_CHARS = 60
_DIGITS = re.compile(r"\d\d[A-Z ./-]?\d")  # every shape has such
_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK"}


class _Shape(NamedTuple):
    """What a number looks like, the check it passes, and the words near it without which it is none."""

    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    near: re.Pattern[str] | None = None


def _shape(pattern: str, valid: Callable[[str], bool], near: str = "") -> _Shape:
    words = re.compile(rf"(?<![^\W_])(?:{near})(?![^\W_])", re.IGNORECASE) if near else None
    return _Shape(re.compile(rf"(?<![\w.,/=+#-])(?:{pattern})(?![\w@]|[-.,/]\w)"), valid, words)


def _is_aadhaar(number: str) -> bool:
    return number[0] in "23456789" and verhoeff.is_valid(re.sub(r"\D", "", number))


def _is_sin(number: str) -> bool:
    return number[0] not in "08" and luhn.is_valid(re.sub(r"\D", "", number))


def _is_nric(number: str) -> bool:
    """Singapore: the weighted sum of the digits names the last letter."""
    letters = _NRIC_LETTERS[number[0]]
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], _NRIC_WEIGHTS, strict=True))
    if number[0] in "TG":
        total += 4
    return letters[total % 11] == number[-1]


_SHAPES = (
    # Sure by themselves.
    _shape(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    _shape(r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", curp.is_valid),
    _shape(r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid),
    _shape(r"\d{8}-[A-HJ-NP-TV-Z]", dni.is_valid),
    _shape(r"[12] \d\d (?:0[1-9]|1[0-2]|[2-9]\d) (?:\d\d|2[AB]) \d{3} \d{3} \d\d", nir.is_valid),
    _shape(r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),
    _shape(r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", cnpj.is_valid),
    _shape(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", hetu.is_valid),
    _shape(r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid),
    _shape(r"756\.\d{4}\.\d{4}\.\d\d", ahv.is_valid),
    _shape(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),
    _shape(r"\d{6}-[1-8]\d{6}", rrn.is_valid),
    _shape(r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d{4}[\dX]", ric.is_valid),
    _shape(r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", rut.is_valid),
    _shape(r"[STFG]\d{7}[A-Z]", _is_nric),
    _shape(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d\d \d\d \d\d [A-D]", lambda _: True),  # NINO
    _shape(r"\d{6}/\d{4}", rc.is_valid),
    # Sure with a word near them.
    _shape(r"[12]\d{14}|[12]\d{5}[AB]\d{8}", nir.is_valid, r"nir|insee|s[e\u00e9]cu\w{0,10}|num[e\u00e9]ro"),
    _shape(r"\d{8}[A-HJ-NP-TV-Z]", dni.is_valid, "dni|nif|documento|identidad"),
    _shape(r"\d{4}[ -]?\d{4}[ -]?\d{4}", _is_aadhaar, "aadha+r|adhar|uidai|uid"),
    _shape(r"\d{3}[ -]?\d{3}[ -]?\d{3}", _is_sin, "sin|social insurance|nas"),
    _shape(r"\d{3} ?\d{3} ?\d{2,3}", tfn.is_valid, "tfn|tax file"),
    _shape(r"\d{3}[ -]?\d{3}[ -]?\d{4}", nhs.is_valid, "nhs|patient"),
    _shape(r"\d{11}", pesel.is_valid, "pesel"),
    _shape(r"\d\d ?\d{3} ?\d{3} ?\d{3}", idnr.is_valid, r"steuer\w{0,20}|tin|idnr|tax"),
    _shape(r"\d{9}", bsn.is_valid, "bsn|burgerservicenummer|sofinummer"),
    _shape(r"\d{6}-?\d{4}", cpr.is_valid, "cpr|personnummer"),
    _shape(r"\d{6} ?\d{5}", fodselsnummer.is_valid, r"f\u00f8dselsnummer|fodselsnummer|personnummer|norwegian"),
    _shape(r"\d{10}|\d{12}", personnummer.is_valid, "personnummer|swedish"),
    _shape(r"\d{13}", za_idnr.is_valid, "id|identity|south african?"),
    _shape(r"\d{13}", cnp.is_valid, "cnp|cod numeric"),
    _shape(r"\d{11}", ik.is_valid, "isikukood|asmens kodas|personal code"),
    _shape(r"\d{11}", cpf.is_valid, "cpf"),
)


def find_national_ids(text: str) -> Iterator[Span]:
    """Numbers that a state gave to a person, as far as check digits or the words near them prove it."""
    if not _DIGITS.search(text):
        return
    for shape in _SHAPES:
        if shape.near is not None and shape.near.search(text) is None:
            continue
        for match in shape.pattern.finditer(text):
            around = text[max(0, match.start() - _NEAR_CHARS) : match.start()]
            if (shape.near is None or shape.near.search(around)) and shape.valid(match[0]):
                yield Span(*match.span(), "NATIONAL_ID")
