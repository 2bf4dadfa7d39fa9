"""What a URL gives away."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

RECOGNIZERS = (
    # https://user:password@host: the two parts are masked, scheme and host stay readable.
    Recognizer("PASSWORD", re.compile(r"://[^\s/?#:@]{0,128}:(?P<value>[^\s/?#]{1,128})@"), hints=("://",)),
    Recognizer("USERNAME", re.compile(r"://(?P<value>[^\s/?#:@]{1,128})(?::[^\s/?#]{0,128})?@"), hints=("://",)),
    # Only the value of a telling query parameter is masked: the rest of a URL says what the case is about.
    Recognizer(
        "TOKEN",
        re.compile(
            r"[?&;#](?:[a-z0-9_-]{0,20}token|[a-z0-9_-]{0,20}api[_-]?key|key|[a-z0-9_-]{0,12}secret|sig|[a-z0-9_-]{0,12}"
            r"signature|auth|authorization|code|session(?:_?id)?|sid|jsessionid|phpsessid|x-amz-credential|ticket|otp)"
            r"=(?P<value>[^&\s#\"'<>`)\]]{6,4096})",
            ANY_CASE,
        ),
        checks.is_secret,
        ("=",),
    ),
    Recognizer(
        "PASSWORD",
        re.compile(r"[?&;](?:password|passwd|pwd|pass)=(?P<value>[^&;\s#\"'<>`)\]]{3,256})", ANY_CASE),
        hints=("pass", "pwd"),
    ),
)
