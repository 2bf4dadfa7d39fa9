"""Numbers that a state gives to a person."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import Recognizer

RECOGNIZERS = (
    Recognizer("SSN", re.compile(r"(?<![\w-])(\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4})(?![\w-])"), checks.is_ssn),
)
