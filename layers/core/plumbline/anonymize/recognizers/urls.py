"""What a URL gives away."""

from plumbline.anonymize import technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

# Parameters whose value opens something or names somebody's session.
_PARAMETER = (
    r"(?:[a-z0-9_.-]{0,20}(?:token|api[_-]?key|secret|signature|credential|session(?:_?(?:id|key|data))?|nonce|otp|jwt)"
    r"|(?:auth|sub|subscription|private|enc|app|function)?[_-]?key|sig|auth|authorization|token_auth|code|sid"
    r"|jsessionid|phpsessid|assertion|samlresponse"
    r"|samlrequest"
    r"|ticket|invite|invitation|confirmation|verification|activation|reset|magic|hmac|authkey"
    r"|oobcode|state|session|skoid|x-amz-security-token|x-goog-signature)"
)

RECOGNIZERS = (
    # https://user:password@host: the two parts are masked, scheme and host stay readable.
    Recognizer("PASSWORD", Expression(r"://[^\s/?#:@]{0,128}:(?P<value>[^\s/?#]{1,128})@"), hints=("://",)),
    Recognizer("USERNAME", Expression(r"://(?P<value>[^\s/?#:@]{1,128})(?::[^\s/?#]{0,128})?@"), hints=("://",)),
    # Only the value of a telling query parameter is masked: the rest of a URL says what the case is about.
    Recognizer(
        "TOKEN",
        Expression(rf"(?:[?&;#]|%26|&amp;){_PARAMETER}(?:=|%3D)(?P<value>[^&;\s#\"'<>`)\]]{{6,4096}})", ANY_CASE),
        technical_checks.is_secret,
        ("=", "%3d"),
    ),
    Recognizer(
        "PASSWORD",
        Expression(
            r"(?:[?&;]|&amp;)(?:password|passwd|passphrase|pwd|pass|pw)=(?P<value>[^&;\s#\"'<>`)\]]{3,256})", ANY_CASE
        ),
        technical_checks.is_bare_password,
        ("pass", "pw"),
    ),
    Recognizer(
        "USERNAME",
        Expression(
            r"(?:[?&;]|&amp;)(?:user|user_?name|user_?id|login|uid|account)=(?P<value>\w[\w.@+%-]{1,126}\w)", ANY_CASE
        ),
        hints=("user", "login", "uid", "account"),
        around=technical_checks.is_account,
    ),
    Recognizer(
        "TOKEN",  # https://example.com/reset-password/<token>: whoever has the link, has the account
        Expression(
            r"://[^\s\"'<>?#]{1,300}/(?:reset|verify|confirm|activat|invit|unsubscrib|magic|token|share|join|session)"
            r"[a-z_-]{0,24}/(?P<value>[\w=.~-]{16,1024})(?<!\.)",
            ANY_CASE,
        ),
        technical_checks.is_secret,
        ("reset", "verify", "confirm", "activat", "invit", "unsubscrib", "magic", "token", "share", "join", "session"),
    ),
)
