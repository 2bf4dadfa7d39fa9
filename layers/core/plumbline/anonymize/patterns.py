"""Recognisers that are one regular expression each: addresses, numbers, keys, tokens, passwords, user names.

Nothing here needs more than the standard library. A recogniser's value is its group `value`, else the whole match; a
match in which `value` took no part only steps over text that must not be searched.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plumbline.anonymize import checks
from plumbline.anonymize.spans import Span


@dataclass(frozen=True)
class Recognizer:
    """Finds one type of entity. `hints`: the text must hold one of them (lower case), else it is not searched."""

    type: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    hints: tuple[str, ...] = ()

    def find(self, text: str) -> Iterator[Span]:
        """The spans of this recogniser's values in the text."""
        group: str | int = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            value = match[group]
            if value and (self.check is None or self.check(value)):
                yield Span(*match.span(group), self.type)


_I = re.IGNORECASE
_START = r"(?<![A-Za-z0-9_])"
_END = r"(?![A-Za-z0-9_])"
# What joins a key and its value in JSON, environment files, code and prose.
_IS = r"""["'\]]?[ \t]{0,3}(?:[:=]{1,2}>?|\b(?:is|was)\b)[ \t]{0,3}"""
_QUOTE = r"""["'`]?"""


def _token(pattern: str, *hints: str) -> Recognizer:
    return Recognizer("TOKEN", re.compile(_START + pattern), hints=hints)


_ADDRESSES = (
    Recognizer(
        "EMAIL",
        # First alternative: step over user:password@ of a URL, it is no address (see _URLS).
        re.compile(
            r"://[^\s/?#]{1,256}@"
            r"|(?<![\w.%+-])(?P<value>\w[\w.%+'-]{0,63}"
            r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![A-Za-z0-9])"
        ),
        checks.is_email,
        ("@",),
    ),
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

_NUMBERS = (
    Recognizer("CARD", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])"), checks.is_card),
    # Behind "card" any number of that length: a mistyped one points at its owner, too.
    Recognizer(
        "CARD",
        re.compile(
            _START + r"(?:card|cc|visa|mastercard|amex|maestro)(?:[ ]?(?:number|no|num|nr|#))?\.?(?:[ ]is)?[ :=#?]{1,3}"
            r"(?P<value>\d(?:[ -]?\d){11,18})(?![\w-])",
            _I,
        ),
        hints=("card", "cc", "visa", "amex", "maestro"),
    ),
    Recognizer(
        "IBAN",
        re.compile(_START + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?" + _END),
        checks.is_iban,
    ),
    Recognizer(
        "IBAN",
        re.compile(
            _START + r"iban(?:\s+(?:is|number|no))?\W{1,4}(?P<value>[A-Z]{2}\d{2}[A-Z0-9 -]{11,40}[A-Z0-9])", _I
        ),
        checks.is_iban,
    ),
    Recognizer("SSN", re.compile(r"(?<![\w-])(\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4})(?![\w-])"), checks.is_ssn),
)

_AWS = (
    Recognizer(
        "ARN",
        re.compile(
            _START
            + r"arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,20}:(?:\d{12}|aws)?:[^\s\"'`<>,;)\]}]{1,512}(?<![.:!?])"
        ),
        hints=("arn:aws",),
    ),
    Recognizer(
        "AWS_ACCOUNT",
        re.compile(
            _START
            + r"(?:account|acct|owner)(?:[ _-]?(?:id|ids|number|num|no|#)\b)?\.?"
            + r"[\"']?[ \t]{0,3}(?:\(aws\))?[:=#(]{0,2}(?:[ \t]{0,3}(?:is|was)\b)?[ \t]{0,3}[\"']?"
            + r"(?P<value>\d{12}|\d{4}[- ]\d{4}[- ]\d{4})(?![\w-])",
            _I,
        ),
        hints=("acc", "owner"),
    ),
    Recognizer(
        "AWS_ACCOUNT",
        re.compile(r"(?<!\w)(?P<value>\d{12})(?=\.(?:dkr\.ecr|signin\.aws|execute-api)\b)"),
        hints=(".dkr.ecr", ".signin.aws"),
    ),
    Recognizer("AWS_ACCOUNT", re.compile(r"amazonaws\.com/(?P<value>\d{12})(?=/)"), hints=("amazonaws.com/",)),
    Recognizer(
        "KEY",
        re.compile(_START + r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|APKA|ASCA)[A-Z0-9]{16}" + _END),
    ),
)

# Shapes that the vendors publish for secret scanning.
_VENDOR_TOKENS = (
    _token(r"gh[pousr]_[A-Za-z0-9]{30,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token(r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat_"),
    _token(r"gl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,255}", "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"),
    _token(r"xox[abeoprs]-[\w-]{10,255}", "xox"),
    _token(r"xapp-\d-[\w-]{10,255}", "xapp-"),
    Recognizer(
        "TOKEN", re.compile(r"hooks\.slack\.com/(?:services|workflows)/(?P<value>[\w/]{20,255})"), hints=("slack",)
    ),
    _token(r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}", "_live_", "_test_"),
    _token(r"whsec_[A-Za-z0-9+/=]{20,255}", "whsec_"),
    _token(r"sk-[A-Za-z0-9_-]{20,255}", "sk-"),
    _token(r"AIza[\w-]{35}", "aiza"),
    _token(r"ya29\.[\w-]{20,1024}", "ya29."),
    _token(r"(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{40,1024}|hf_[A-Za-z0-9]{30,64})", "npm_", "pypi-", "hf_"),
    _token(r"SG\.[\w-]{16,32}\.[\w-]{16,64}", "sg."),
    _token(r"(?:AC|SK)[0-9a-f]{32}" + _END, "ac", "sk"),
    _token(r"(?:dop|doo|dor)_v1_[a-f0-9]{64}", "_v1_"),
    _token(r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", "shp"),
    _token(r"eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}(?:\.[\w-]{0,4096})?", "eyj"),
    Recognizer(
        "TOKEN",
        re.compile(_START + r"(?:bearer|basic)[ \t]{1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,4096})", _I),
        checks.is_secret,
        ("bearer", "basic"),
    ),
    Recognizer(
        "KEY",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:.{0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY"
            r"(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]{0,20000})",
            re.DOTALL,
        ),
        hints=("private key",),
    ),
)

_URLS = (
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
            _I,
        ),
        checks.is_secret,
        ("=",),
    ),
    Recognizer(
        "PASSWORD",
        re.compile(r"[?&;](?:password|passwd|pwd|pass)=(?P<value>[^&\s#\"'<>`)\]]{3,256})", _I),
        hints=("pass", "pwd"),
    ),
)

# dbPassword, DB_PASS, admin_pwd …; "pass" alone only at the start of a word ("compass" is none).
_PASSWORD = (
    # Not MySQL's "(using password: YES)", not a test log's "PASS: name".
    rf"{_START}(?<!using )(?!pass[ \t]{{0,3}}:[ \t]{{0,3}}[^\"'])"
    r"(?:[a-z0-9_-]{0,40}?(?:password|passwd|passphrase|passcode)|(?:[a-z0-9_-]{0,40}[_-]|db|user)?(?:pwd|pass))"
)

_SECRETS = (
    Recognizer(
        "KEY",
        re.compile(
            _START + r"[a-z0-9_-]{0,40}?(?:(?:secret|private|access|api|auth|encryption|signing|account|subscription"
            r"|licen[sc]e|product)[ _-]{0,2}(?:access[ _-]?)?key|secret)(?:[ _-]?id)?"
            rf"{_IS}{_QUOTE}(?P<value>[A-Za-z0-9/+=_.-]{{8,512}})(?<!\.)",
            _I,
        ),
        checks.is_secret,
        ("key", "secret"),
    ),
    Recognizer(
        "TOKEN",
        re.compile(
            rf"{_START}[a-z0-9_-]{{0,40}}?token{_IS}{_QUOTE}(?P<value>[A-Za-z0-9/+=_.~-]{{8,4096}})(?<!\.)",
            _I,
        ),
        checks.is_secret,
        ("token",),
    ),
    Recognizer(
        "PASSWORD",  # "password": "x", and SQL's IDENTIFIED BY 'x'
        re.compile(
            rf"(?:{_PASSWORD}[\"'\]]?[ \t]{{0,3}}(?::?=>?|:)|identified by|with password)[ \t]{{0,3}}"
            r"([\"'`])(?P<value>(?:(?!\1)[^\n]){3,128})\1",
            _I,
        ),
        checks.is_password_value,
        ("pass", "pwd", "identified by"),
    ),
    Recognizer(
        "PASSWORD",  # DB_PASS=x, and `password: x` when x ends the line
        re.compile(
            rf"{_PASSWORD}[ \t]{{0,3}}(?::?=>?|:(?=[ \t]{{0,3}}\S{{3,128}}[ \t]*$))[ \t]{{0,3}}"
            r"(?P<value>[^\s\"'`,;<>&]{3,128})(?<![.)])",
            _I | re.MULTILINE,
        ),
        checks.is_password_value,
        ("pass", "pwd"),
    ),
    Recognizer(
        "PASSWORD",  # "my password is x", "password to the portal: x"
        re.compile(
            _START + r"(?<!using )(?:password|passphrase|passcode|pwd)(?:[ \t]{1,3}(?!is\b|was\b)[a-z]{1,15}){0,4}"
            r"(?:[ \t]{1,3}(?:is|was|to)(?:[ \t]{1,3}now)?[ \t]{0,2}:?|[ \t]{0,3}:)[ \t]{1,3}[\"'`]?"
            r"(?P<value>[^\s\"'`,;<>]{4,128}?)(?=[\"'`,;]|[.!?)]*(?:\s|$))",
            _I,
        ),
        checks.is_password_in_prose,
        ("passw", "passp", "passc", "pwd"),
    ),
    Recognizer(
        "USERNAME",
        re.compile(
            rf"{_START}(?:user[ _-]?(?:name|id)|login(?:[ _-]?(?:name|id))?|[a-z0-9]{{1,20}}[_-]user|sign-?in name)"
            rf"{_IS}{_QUOTE}(?P<value>\w[\w.@+-]{{1,62}}\w)",
            _I,
        ),
        checks.is_user,
        ("user", "login", "sign"),
    ),
    Recognizer(
        "USERNAME",
        re.compile(
            rf"{_START}(?:user[ \t]{{0,2}}[=:]{{1,2}}[ \t]{{0,2}}{_QUOTE}|create user [\"'`])"
            r"(?P<value>\w[\w.@+-]{1,62}\w)",
            _I,
        ),
        checks.is_user,
        ("user",),
    ),
    # Home folders: the account's name is a person's more often than not.
    Recognizer(
        "USERNAME",
        re.compile(r"(?:\b[A-Za-z]:\\{1,2}Users\\{1,2}|/Users/|/home/)(?P<value>[^\s\\/:*?\"'<>|\[\]()]{2,64})", _I),
        checks.is_user,
        ("users", "/home/"),
    ),
)

RECOGNIZERS: tuple[Recognizer, ...] = (*_ADDRESSES, *_NUMBERS, *_AWS, *_VENDOR_TOKENS, *_URLS, *_SECRETS)


def find_patterns(text: str) -> Iterator[Span]:
    """Every recogniser's spans; they may overlap and stand in any order."""
    lower = text.lower()
    for recognizer in RECOGNIZERS:
        if not recognizer.hints or any(hint in lower for hint in recognizer.hints):
            yield from recognizer.find(text)
