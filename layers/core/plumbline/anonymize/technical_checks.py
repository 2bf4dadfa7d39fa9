"""Checks that tell addresses, host names and secrets from versions, hashes and code. Pure Python, no I/O."""

import ipaddress
import math
import re
from collections import Counter

from plumbline.anonymize.checks import digits, is_card, is_password_value, is_user
from plumbline.anonymize.name_words import means_something_else, word_set

_BEFORE = 40  # how far a word may stand before the value that it explains
_VERSION_WORD = re.compile(
    r"(?:\b(?:v|ver|versions?|versione?n?|release|rev|build|driver|firmware|fw|section|sections|sec|chapter|clause|rfc"
    r"|paragraph|update[ds]?|upgraded?|installed|latest|current|python|java|jre|jdk|node|chrome|firefox|edge|safari"
    r"|opera|flash|reader|cudnn|cuda|opencv|dotnet|framework|app)(?:[ _-]?(?:is|was|to|from|number|no|version))*"
    r"[\"']?[ \t]*[.:=>(\"'*_#-]*[ \t]*"
    r"|§[ \t]?|[\w.]-v?|[A-Za-z][\w.-]*==|=>[ \t]*|[~^]|(?:>=|<=|[<>])[ \t]*|\b[A-Za-z][\w.+-]*/)$",
    re.IGNORECASE,
)
_ADDRESS_WORD = re.compile(
    r"(?:\bip|address|addr|client|server|host|from|peer|gateway|dns\d?|src|dst|inet|remote)\b", re.IGNORECASE
)
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_RANGE = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}[ ]?-[ ]?$")
# Resolvers that everybody may use: they say what a case is about, and belong to nobody who writes one.
_PUBLIC_IPS = word_set(
    "1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 4.2.2.1 4.2.2.2 "
    "2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe"
)
_SHORTEST_IPV6 = 7  # 2a00::1; shorter forms such as 1:: are code more often
_EUI64 = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7}")
_MAC_WORD = re.compile(
    r"(?:\bmac|ether|hw-?addr|lladdr|bssid|wi-?fi|bluetooth|physical|hardware|station|address)\b[^\n]{0,25}$",
    re.IGNORECASE,
)
_MAC_BYTES = 6
_CARD_CHARS, _ACCOUNT_DIGITS = 80, 6
_CARD_WORD = re.compile(
    r"\b(?:(?:credit|debit|bank|payment)[ -]?card|card|visa|master ?card|amex|cvv2?|cvc2?)\b", re.IGNORECASE
)
_CARD_NUMBER = re.compile(r"(?<![\w.])\d{4}([ -]?)\d{4,6}\1\d{4,5}(?:\1\d{1,7})?(?!\w)")
_ISO_DATE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?(?!\d)|\d\d?([-./])\d\d?\2(?:19|20)\d\d(?!\d)")
_LEAST_ENTROPY, _ENTROPY_SHARE = 2.5, 0.65  # of what as many signs can have, for short values
_LONG = 20  # a run of mixed letters of this length is no word
_SHORTEST_PLAIN_NUMBER = 4
# What stands behind `password =` in code instead of a password: calls, attributes, indexing, types, paths, URLs.
_CODE = re.compile(
    r".*[\w\])][(\[].*|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+[();]*|[$@&%][\w.{}:]+|[({\[<].*|.*[({]|[/~]\S*/\S*"
    r"|https?:.*"
    r"|(?:str(?:ing)?|(?:n?var)?char|text|bytes?|bool(?:ean)?|int(?:eger)?|object|any|optional|secretstr|credential\w*"
    r"|const|let|var|new|await|self|this|func(?:tion)?|def|input|prompt|getpass|env|std)\b[?!|;,)]*.*",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\b(?:enter|your|password|passphrase|must|forgot|required|invalid|confirm|field|min(?:imum)?|at least)\b"
    r"|^[#.\[][A-Za-z]",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"(?:[a-z]{2,15}|[A-Z]{2,15}|[A-Z][a-z]{1,14}|v?\d{1,4})(?:[-_./:](?:[a-z]{2,15}|[A-Z]{2,15}|[A-Z][a-z]{1,14}"
    r"|v?\d{1,4}))+"
    r"|[A-Za-z]?[a-z]{2,}(?:[A-Z][a-z]+)+|[a-z]{3,}(?:[A-Z][a-z]{1,})+"
)
_SIGNS = frozenset("!@#$%^&*+=?~")
_NO_PASSWORD = re.compile(
    r"https?:.*|//.*|[\w.-]+\.\w{1,5}(?::\d+)+|www\..*|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,5}|v?\d+(?:[.,:/-]\d+)+\S{0,3}"
    r"|\d+[-]?(?:st|nd|rd|th|x|k|m|s"
    r"|ms|min|am|pm|chars?|characters?"
    r"|digits?|days?|hours?|minutes?|times|bit|bits|mb|gb|factor)?\+?|[\w-]+/[\w/-]+|[A-Za-z]+['\u2019][a-z]+"
    r"|[A-Za-z]+[?!.=:*]+|2fa|mfa|sha-?\d+|md5|\w+[=]"
    r"|[A-Za-z]+=\S*|&\w+;.*|\*+\S*\*+|\S*[(){}\[\]<>]\S*",
    re.IGNORECASE,
)
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:[-'\u2019_/][^\W\d_]+)*")
_SHORTEST_GROUPED, _TOKEN_CHARS = 12, 200
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SENTENCE = re.compile(r"[,.]?[ ]+[a-z']+[ ,.]")
_SITE = re.compile(r"(?:https?://|www\.)[^\s\"'<>()]*$", re.IGNORECASE)
_NO_ACCOUNT = word_set(
    "uid string str varchar nvarchar text int integer bigint uuid guid char bool boolean object any email id name key "
    "number "
    "failed failure fail success successful succeeded ok error denied disabled enabled expired locked timeout pending "
    "active "
    "inactive unauthorized forbidden settings page button form screen dialog account session sa dbo postgres mysql "
    "mongo "
    "redis git oracle ec2 ftp www apache nginx daemon nobody sys system localsystem service anonymous n/a na self this "
    "null/none const let var optional required primary foreign unique"
)
_NO_HOME = word_set(
    "all-users defaultuser0 appdata username user users you yourname your-name your_name your_user youruser "
    "your_username "
    "yourusername me name myname myuser runneradmin vsts circleci travis gitlab-runner vscode codespace codespaces "
    "appuser hadoop docker git oracle postgres mysql www ftp deploy deployer build builder webapp web site wwwroot "
    "vagrant "
    "centos fedora debian opc azureuser ec2-user bitnami kali pi user1 someone somebody foo bar example index.html "
    "index "
    "index.php shared public default page jovyan sagemaker-user airflow spark coder gitpod linuxbrew"
)
_QUOTES = "\"'`\u201c\u201d\u00ab"


def is_address(text: str, start: int, end: int) -> bool:
    """An IP address that can point at somebody's machine, and no version or section number.

    Loopback and unspecified addresses, IPv4's link-local ones, netmasks and public resolvers are the same everywhere,
    help to understand a case, and stay. IPv6's link-local ones hold the machine's own number.
    """
    value = text[start:end].partition("%")[0].replace("[.]", ".")
    try:
        address = ipaddress.ip_address(_without_leading_zeros(value))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if len(value) < _SHORTEST_IPV6 or _EUI64.fullmatch(value) or value.casefold() in ("fe80::1", *_PUBLIC_IPS):
            return False
        return not (address.is_loopback or address.is_unspecified or _is_everywhere(address.ipv4_mapped))
    return not _is_everywhere(address) and not _is_version(text, start, end)


def _is_everywhere(address: ipaddress.IPv4Address | None) -> bool:
    if address is None:
        return False
    if address.is_loopback or address.is_unspecified or address.is_link_local or str(address) in _PUBLIC_IPS:
        return True
    return str(address).startswith(("255.", "0."))


def _without_leading_zeros(value: str) -> str:
    """010.001.002.003 as 10.1.2.3: some devices write them so."""
    if not _DOTTED.fullmatch(value):
        return value
    return ".".join(str(int(part)) for part in value.split("."))


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _BEFORE) : start].rpartition("\n")[2]
    if text[end : end + 1] == "-" and not _DOTTED.match(text, end + 1) and text[end + 1 : end + 2].isalnum():
        return True
    if _RANGE.search(before):
        return False
    return bool(_VERSION_WORD.search(before)) and not _ADDRESS_WORD.search(before)


def is_mac(text: str, start: int, end: int) -> bool:
    """A network card's address. Digits alone count behind a word for it: they are times and dates more often."""
    value = text[start:end]
    signs = [char for char in value if char.isalnum()]
    if len(set(signs)) == 1:
        return False  # broadcast, and "none"
    if any(char.isalpha() for char in signs) and any(char.isdigit() for char in signs):
        return True
    return bool(_MAC_WORD.search(text, max(0, start - _BEFORE), start))


def entropy(text: str) -> float:
    """Shannon's entropy of the text's signs, in bits a sign."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def is_routing_number(text: str) -> bool:
    """A US bank's routing number: nine digits with the American Bankers Association's check digit (weights 3, 7, 1)."""
    number = digits(text)
    weights = (3, 7, 1, 3, 7, 1, 3, 7, 1)
    if len(number) != len(weights) or len(set(number)) == 1:
        return False
    return sum(weight * int(digit) for weight, digit in zip(weights, number, strict=True)) % 10 == 0


def is_near_a_card(text: str, start: int, end: int) -> bool:
    """Whether a card's number or a word for a card stands in the same few lines."""
    around = text[max(0, start - _CARD_CHARS) : end + _CARD_CHARS]
    return bool(_CARD_WORD.search(around)) or any(is_card(match[0]) for match in _CARD_NUMBER.finditer(around))


def is_account_number(text: str) -> bool:
    """What stands behind the name of a bank account: six digits at least, and no date."""
    return len(digits(text)) >= _ACCOUNT_DIGITS and not _ISO_DATE.match(text)


def is_password(text: str) -> bool:
    """What stands in quotes behind `password:`; no label of a form, selector or variable."""
    return is_password_value(text) and not _LABEL.search(text) and not re.match(r"[$%]?[{(<]", text)


def is_bare_password(text: str) -> bool:
    """What stands without quotes behind `password=`, and is neither code nor the count of passed tests."""
    if not is_password_value(text) or _CODE.fullmatch(text):
        return False
    return not text.isdigit() or len(text) >= _SHORTEST_PLAIN_NUMBER


def is_stated(text: str, start: int, end: int) -> bool:
    """What stands behind "my password is". A plain word counts in quotes only: "my password is wrong"."""
    value = text[start:end]
    if not is_password_value(value):
        return False
    if _PLAIN_WORD.fullmatch(value):
        return text[start - 1 : start] in _QUOTES and text[end : end + 1] in _QUOTES
    return value.isdigit() or is_unlike_words(value)


def is_unlike_words(text: str) -> bool:
    """A token with digits, signs or inner capitals that no word, number, file name or time looks like."""
    if not is_password_value(text) or _NO_PASSWORD.fullmatch(text):
        return False
    if any(char.isdigit() for char in text) and any(char.isalpha() for char in text):
        return True
    return any(char in _SIGNS for char in text[:-1]) or bool(re.search(r"[a-z][A-Z]", text))


def is_secret(text: str) -> bool:
    """What stands behind "api key" or "token" and was made by chance: letters with digits, or long and mixed.

    Names of things (`db-credentials-v2`, `mySecretName`) are none. Entropy below 2.5 bits a sign is no key: of random
    strings of 16 hexadecimal digits one in 700 has less, while fillers (`000…`, `xxxxxxx1`) stay below.
    """
    if not is_password_value(text) or _IDENTIFIER.fullmatch(text) or _CODE.fullmatch(text):
        return False
    if entropy(text) < min(_LEAST_ENTROPY, _ENTROPY_SHARE * math.log2(len(text))):
        return False
    if any(char.isalpha() for char in text) and any(char.isdigit() for char in text):
        return True
    return len(text) >= _LONG and text.lower() != text and text.upper() != text


def is_grouped_key(text: str) -> bool:
    """A licence key in groups: twelve signs at least, digits among them, and no date or sentence."""
    signs = [char for char in text if char.isalnum()]
    if len(signs) < _SHORTEST_GROUPED or text.upper() != text:
        return False
    groups = re.split(r"[ -]", text)
    return sum(any(map(str.isdigit, group)) for group in groups) > 1 and len({*map(len, groups)}) < len(groups)


def is_account(text: str, start: int, end: int) -> bool:
    """A user name behind a key; no type, state, code or object's id, and no sentence behind "User:"."""
    value = text[start:end]
    if not is_user(value) or _UUID.fullmatch(value) or _CODE.fullmatch(value) or value.casefold() in _NO_ACCOUNT:
        return False
    if not value.isalpha():
        return True
    return not means_something_else(value) and not _SENTENCE.match(text, end)


def is_home(text: str, start: int, end: int) -> bool:
    """The name of a home folder's owner, where no site's page stands (https://example.com/home/page)."""
    value = text[start:end]
    if not is_user(value) or value.casefold() in _NO_HOME or "your" in value.casefold():
        return False
    token = text[max(0, start - _TOKEN_CHARS) : start]
    return not _SITE.search(token)
