"""How to reach a person: e-mail addresses, also those that were disguised from machines."""

from plumbline.anonymize import checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

# What is not seen but stands inside addresses that were copied from web pages: zero-width characters, soft hyphen.
_UNSEEN = "\u00ad\u200b-\u200f\u2060\ufeff"
# The signs that look like @ (fullwidth, small) and like a full stop (fullwidth, ideographic, halfwidth).
_AT = "@\uff20\ufe6b"
_STOP = ".\uff0e\u3002\uff61"
_LABEL = rf"[^\W_](?:[\w{_UNSEEN}-]{{0,62}}[\w{_UNSEEN}])?"
_TLD = rf"(?:[^\W\d_][^\W\d_{_UNSEEN}]{{1,23}}|xn--[a-z0-9-]{{2,40}})"
# Endings of the domains that people write in words; any word could follow "dot" otherwise.
_COMMON_TLD = (
    "(?:com|org|net|edu|gov|mil|int|info|biz|name|io|co|me|app|dev|tech|xyz|online|email|eu|uk|us|ca|au|nz|ie|in|de|at"
    "|ch|fr|be|nl|lu|es|pt|it|gr|pl|cz|sk|hu|ro|bg|si|hr|rs|se|no|dk|fi|is|ee|lv|lt|ru|ua|tr|il|za|ng|ke|eg|ae|sa|pk"
    "|cn|jp|kr|tw|hk|sg|my|th|vn|id|ph|br|mx|ar|cl|pe|ve)"
)
_DOT_WORD = r"(?:[ \t]{1,2}(?:dot|punkt)[ \t]{1,2}|[ \t]?[\[({<][ \t]?(?:dot|punkt|\.)[ \t]?[\])}>][ \t]?)"
_ANY_DOT = rf"(?:{_DOT_WORD}|[ \t]?\.[ \t]?)"
_AT_SIGN = r"[ \t]?[\[({<][ \t]?(?:at|arroba|ät|@)[ \t]?[\])}>][ \t]?|[ \t]?[_*-]at[_*-][ \t]?"
_OPENING, _CLOSING = ("(", "( ", "[", "[ ", "{", "{ ", "<"), (")", "]", "}", ">")
_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_PART = r"[^\W_][\w+-]{0,40}"

RECOGNIZERS = (
    Recognizer(
        "EMAIL",
        # First alternative: step over user:password@ of a URL, it is no address (see urls).
        Expression(
            rf"://[^\s/?#]{{1,256}}@"
            rf"|(?<![\w.%+-])(?P<value>(?:\"[^\"\s@]{{1,62}}\"|\w[\w.%+'{_UNSEEN}-]{{0,63}})"
            rf"[{_UNSEEN}]{{0,4}}(?:[{_AT}]|%40)[{_UNSEEN}]{{0,4}}"
            rf"(?>(?:{_LABEL}[{_STOP}]){{1,8}}{_TLD}))(?![^\W_]|:\d{{1,4}}\.\d)"
        ),
        checks.is_email,
        ("@", "\uff20", "\ufe6b", "%40"),
    ),
    Recognizer(
        "EMAIL",  # with an address instead of a domain: jane@[203.0.113.7]
        Expression(r"(?<![\w.%+-])\w[\w.%+'-]{0,63}@\[(?:IPv6:)?[0-9a-fA-F.:]{7,45}\]"),
        hints=("@[",),
    ),
    Recognizer(
        "EMAIL",  # jane @ example.com, jane99 @example.com, jane@ example.com, jane@example . com, jane@example,com
        Expression(
            rf"(?<![\w.%+@/-])(?P<value>\w[\w.%+-]{{0,63}}+"
            rf"(?:(?:[ \t]{{1,2}}@[ \t]{{0,2}}|@[ \t]{{1,2}})(?:{_NAME}\.){{1,4}}"
            rf"|@(?:{_NAME}(?:\.|,|[ \t]{{1,2}}\.[ \t]{{1,2}})){{1,4}}){_COMMON_TLD})(?![\w-]|\.\w)",
            ANY_CASE,
        ),
        checks.is_spaced_email,
        ("@",),
    ),
    Recognizer(
        "EMAIL",  # jane(at)example.com, jane.doe [at] mail [dot] example [dot] com
        Expression(
            rf"(?<![\w.%+-])(?P<value>{_PART}(?:(?:{_DOT_WORD}|\.){_PART}){{0,3}}(?:{_AT_SIGN})"
            rf"(?:{_PART}{_ANY_DOT}){{1,4}}{_COMMON_TLD})(?![^\W_])",
            ANY_CASE,
        ),
        hints=(*(f"{sign}{at}" for sign in _OPENING for at in ("at", "ät", "@", "arroba")), "_at_", "-at-", "*at*"),
    ),
    Recognizer(
        "EMAIL",  # jane dot doe at example dot com
        Expression(
            rf"(?<![\w.%+-])(?=[^\n]{{1,160}}?{_DOT_WORD})"
            rf"(?P<value>{_PART}(?:(?:{_DOT_WORD}|\.){_PART}){{0,3}}[ \t]{{1,2}}(?:at|arroba)[ \t]{{1,2}}"
            rf"(?:{_PART}(?:{_DOT_WORD}|\.)){{1,4}}{_COMMON_TLD})(?![^\W_])",
            ANY_CASE,
        ),
        checks.is_spelt_out_email,
        (" dot ", " punkt ", *(f"dot{sign}" for sign in _CLOSING), *(f"dot {sign}" for sign in _CLOSING)),
    ),
)
