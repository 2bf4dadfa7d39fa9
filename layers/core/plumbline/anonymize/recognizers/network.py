"""Machines that point at a person: IP addresses."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import Recognizer

RECOGNIZERS = (
    Recognizer(
        "IP",
        # Not after "v", "version " or "Chrome/": those are versions. Not a part of a longer dotted number.
        re.compile(
            r"(?<![\w.])(?<!\d-)(?<![A-Za-z]/)(?<!version )(?<!Version )(?<!ver )(?<!ver\. )(?<!release )"
            r"\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)(?!-\w)"
        ),
        checks.is_personal_ip,
    ),
    Recognizer(
        "IP",
        re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*\d)[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"),
        checks.is_personal_ip,
        (":",),
    ),
)
