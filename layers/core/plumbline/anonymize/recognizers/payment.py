"""Cards and bank accounts."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import ANY_CASE, END, START, Recognizer

RECOGNIZERS = (
    Recognizer("CARD", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])"), checks.is_card),
    # Behind "card" any number of that length: a mistyped one points at its owner, too.
    Recognizer(
        "CARD",
        re.compile(
            START + r"(?:card|cc|visa|mastercard|amex|maestro)(?:[ ]?(?:number|no|num|nr|#))?\.?(?:[ ]is)?[ :=#?]{1,3}"
            r"(?P<value>\d(?:[ -]?\d){11,18})(?![\w-])",
            ANY_CASE,
        ),
        hints=("card", "cc", "visa", "amex", "maestro"),
    ),
    Recognizer(
        "IBAN",
        re.compile(START + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?" + END),
        checks.is_iban,
    ),
    Recognizer(
        "IBAN",
        re.compile(
            START + r"iban(?:\s+(?:is|number|no))?\W{1,4}(?P<value>[A-Z]{2}\d{2}[A-Z0-9 -]{11,40}[A-Z0-9])", ANY_CASE
        ),
        checks.is_iban,
    ),
)
