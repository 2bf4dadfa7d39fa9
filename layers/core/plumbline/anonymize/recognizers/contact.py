"""How to reach a person: e-mail addresses."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import Recognizer

RECOGNIZERS = (
    Recognizer(
        "EMAIL",
        # First alternative: step over user:password@ of a URL, it is no address (see urls).
        re.compile(
            r"://[^\s/?#]{1,256}@"
            r"|(?<![\w.%+-])(?P<value>\w[\w.%+'-]{0,63}"
            r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![A-Za-z0-9])"
        ),
        checks.is_email,
        ("@",),
    ),
)
