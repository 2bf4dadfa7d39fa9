"""Machines that point at a person or a company: IP addresses, network cards, names of hosts."""

from plumbline.anonymize import technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

_HEX = r"[0-9A-Fa-f]"
_DOTTED = r"\d{1,3}(?:\.\d{1,3}){3}"

RECOGNIZERS = (
    Recognizer(
        "IP",
        # Not a part of a longer dotted number or of a word.
        Expression(rf"(?<![\w.]){_DOTTED}(?!\.?\w)|(?<![\w.]){_DOTTED}(?=\.in-addr\.arpa)"),
        hints=("0.0",),
        around=technical_checks.is_address,
    ),
    Recognizer(
        "IP",  # 203[.]0[.]113[.]7, as those write who do not want it clicked
        Expression(r"(?<![\w.])\d{1,3}(?:\[?\.\]?\d{1,3}){3}(?![\w.])"),
        hints=("[.]",),
        around=technical_checks.is_address,
    ),
    Recognizer(
        "IP",  # 2001:db8::1, ::ffff:203.0.113.7, fe80::a00:27ff:fe4e:66a1%eth0
        Expression(
            rf"(?<![\w:.])(?=[0-9A-Fa-f:.]{{0,45}}\d){_HEX}{{0,4}}(?::{_HEX}{{0,4}}){{1,7}}"
            rf"(?:(?<=:){_DOTTED})?(?:%[\w.-]{{1,32}})?(?![\w:])"
        ),
        hints=(":",),
        around=technical_checks.is_address,
    ),
    Recognizer(
        "MAC",  # six bytes; not a part of a fingerprint, which has more
        Expression(
            rf"(?<!\w)(?<!\b{_HEX}{{2}}[:-])(?P<value>{_HEX}{{2}}([:-]){_HEX}{{2}}(?:\2{_HEX}{{2}}){{4}})"
            rf"(?!\w|[:-]{_HEX}{{2}}\b)"
        ),
        hints=(":", "-"),
        around=technical_checks.is_mac,
    ),
    Recognizer(
        "MAC",  # 001a.2b3c.4d5e
        Expression(rf"(?<![\w.]){_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}(?![\w]|\.\w)"),
        hints=(".",),
        around=technical_checks.is_mac,
    ),
    Recognizer(
        "MAC",  # MAC: 001A2B3C4D5E, MAC=00:1a:2b:…:08:00 (a firewall's: both cards and the protocol)
        Expression(
            r"(?<![A-Za-z0-9])(?:mac|mac[ _-]?addr(?:ess)?|bssid|hw-?addr|physical address)[\"']?"
            rf"[ \t]{{0,3}}(?:[:=]|is\b)?[ \t\"']{{0,3}}(?P<value>{_HEX}{{12}}"
            rf"|{_HEX}{{2}}(?:([:-]){_HEX}{{2}}){{5,19}})"
            r"(?![\w:])",
            ANY_CASE,
        ),
        hints=("mac", "bssid", "hw", "physical"),
    ),
)
