"""Keys and tokens with a shape of their own."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import ANY_CASE, END, START, Recognizer


def _token(pattern: str, *hints: str) -> Recognizer:
    return Recognizer("TOKEN", re.compile(START + pattern), hints=hints)


# Shapes that the vendors publish for secret scanning.
RECOGNIZERS = (
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
    _token(r"(?:AC|SK)[0-9a-f]{32}" + END, "ac", "sk"),
    _token(r"(?:dop|doo|dor)_v1_[a-f0-9]{64}", "_v1_"),
    _token(r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", "shp"),
    _token(r"eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}(?:\.[\w-]{0,4096})?", "eyj"),
    Recognizer(
        "TOKEN",
        re.compile(START + r"(?:bearer|basic)[ \t]{1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,4096})", ANY_CASE),
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
