"""Checks that tell a real card, account or address from digits that only look like one. Pure Python, no I/O."""

import re

from plumbline.anonymize.name_words import word_set

# Issuer prefixes with their lengths (ISO/IEC 7812; the networks' published ranges).
_CARD = re.compile(
    r"4\d{12}|4\d{15}|4\d{18}"  # Visa
    r"|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}"  # Discover, UnionPay
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:1800|2131)\d{11}"  # JCB
    r"|(?:50|5[6-9]|6\d)\d{10,17}"  # Maestro
)
_IBAN_LENGTHS = range(15, 35)
_NATIONAL_DIGITS, _PAPER_DIGITS, _REFERENCE_DIGITS, _PLATE_SIGNS = 6, 5, 6, range(4, 18)
_MIXED_PAPER = (3, 5)  # digits, and signs, of a paper's number that has letters, too
_BIRTH_YEARS = (1900, 2030)
_ISO_DATE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?(?!\d)|\d\d?([-./])\d\d?\2(?:19|20)\d\d(?!\d)")
_PLAIN_DATE = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d")
_BLANKED = re.compile(r"[*x•.#_-]+|<.*>|\$?\{.*\}|\$[A-Za-z_]+|%.*%|\[.*\]", re.IGNORECASE)
_NOT_A_VALUE = word_set(
    "null none nil true false empty required optional string password passwd secret token changed reset invalid "
    "incorrect wrong expired correct missing undefined unknown hidden redacted masked yes no your my"
)
# What stands behind "user", "user name" or "login" without being one, and accounts that name nobody.
_NOT_A_USER = word_set(
    "a an and any are as at be been but by can case cannot could did do does doing done empty field for from had has "
    "have he here how i if in incorrect input invalid is issue it its like login match me missing must my name needed "
    "no none not null of on only optional or page password please prompt required same screen shows so still string "
    "that the their then there they this to too true false undefined unique unknown used user username valid value "
    "was we what when where which who why will with working wrong you your "
    "admin administrator root guest public default all ubuntu ec2-user runner runneradmin test nobody www-data "
    "shared vagrant pi home app node centos jenkins"
)

# What a variable that holds a user's name is made of: `req.body.username`, `user.name`.
_ROOTS = word_set(
    "req request res response self this os process props ctx context params window document env environ config session "
    "event evt args opts options state settings kwargs payload row obj"
)
_ATTRIBUTES = _ROOTS | word_set(
    "user users user_name username userid user_id name names login value email mail id uid account profile body data "
    "auth identity principal owner author current_user currentuser first_name firstname last_name lastname full_name "
    "fullname display_name displayname form customer client member input field text nickname handle"
)

# What stands before "at example dot com" when a site is meant and no mailbox.
_BEFORE_AT = word_set(
    "a all an and anything are arrive arrived available be blog bought browse buy call chat check click code contact "
    "data "
    "demo docs documentation download downloads else everything failed failing find forum found go goes happen "
    "happened happening happens hosted in info is it items just live lives located log login look looked looking "
    "looks me more my now our via with on online only or order ordered out page pages portal post posted published "
    "read register "
    "registered "
    "reported run running see shop shopping show sign site something start stay stop store stuck support team that "
    "the them there things this time to today us verified visit was we website were while work worked working works "
    "you your"
)
_SCHEMES = word_set("openssh.com libssh.org")
_FILE_ENDINGS = word_set("png jpg jpeg gif svg webp ico js mjs ts tsx jsx css py rb java json html dll exe so")


def digits(text: str) -> str:
    """Only the decimal digits."""
    return "".join(char for char in text if char in "0123456789")


def is_email(text: str) -> bool:
    """An address of a person or a mailbox; no file name such as icon@2x.png no git remote, and none of the names of
    SSH's algorithms, which look like addresses."""
    local, _, domain = text.rpartition("@")
    if local == "git" or domain in _SCHEMES:
        return False
    return re.split(r"[.,]", domain)[-1].strip().lower() not in _FILE_ENDINGS


def is_spelt_out_email(text: str) -> bool:
    """`jane at example dot com`, and not "look at example dot com": the word before "at" is no everyday one."""
    local, domain = re.split(r"\s+(?:at|arroba)\s+", text, maxsplit=1, flags=re.IGNORECASE)
    return " " in domain and len(local) > 1 and local.casefold() not in _BEFORE_AT


def is_spaced_email(text: str) -> bool:
    """`jane @ example.com`, and not "my @example.com address"."""
    before, _, after = text.partition("@")
    local = before.strip()
    if local != before and after[0].isalnum() and local.isalpha():
        return False  # "from @example.com addresses"
    return is_email(text) and local.casefold() not in _BEFORE_AT


def is_card(text: str) -> bool:
    """A payment card number: an issuer's prefix and length, and the Luhn check digit (ISO/IEC 7812-1)."""
    number = digits(text)
    if not _CARD.fullmatch(number) or len(set(number)) == 1:
        return False
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(number))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """An international bank account number: check digits by ISO 7064 mod 97-10 (ISO 13616)."""
    number = re.sub(r"[\s-]", "", text).upper()
    if len(number) not in _IBAN_LENGTHS or not number.isascii() or not number.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def is_ssn(text: str) -> bool:
    """A US social security or taxpayer number, outside what is never given out (area 000, 666; group or serial 0)."""
    area, group, serial = re.split(r"[- ]", text)
    return area not in ("000", "666") and group != "00" and serial != "0000"


def is_national_number(text: str) -> bool:
    """What stands behind the name of a national number: six digits at least, and no date."""
    return len(digits(text)) >= _NATIONAL_DIGITS and not _ISO_DATE.match(text)


def is_paper_number(text: str) -> bool:
    """The number of a passport or a driving licence: five digits, or with letters fewer, and no date."""
    if _ISO_DATE.match(text):
        return False
    signs = [char for char in text if char.isalnum()]
    mixed = any(map(str.isalpha, signs)) and len(signs) >= _MIXED_PAPER[1]
    return len(digits(text)) >= (_MIXED_PAPER[0] if mixed else _PAPER_DIGITS)


def is_reference(text: str) -> bool:
    """The number of an order, a parcel or a customer: six digits at least, and no date."""
    return len(digits(text)) >= _REFERENCE_DIGITS and not (_ISO_DATE.match(text) or _PLAIN_DATE.fullmatch(text))


def is_plate(text: str) -> bool:
    """A licence plate or a vehicle's number: letters and digits, four to 17 of them."""
    signs = [char for char in text if char.isalnum()]
    return len(signs) in _PLATE_SIGNS and any(map(str.isdigit, signs)) and any(map(str.isalpha, signs))


def is_birth_date(text: str) -> bool:
    """A date that a living person can be born on, as far as a year is in it."""
    years = re.findall(r"(?<!\d)(?:19|20)\d\d", text)
    return all(_BIRTH_YEARS[0] <= int(year) <= _BIRTH_YEARS[1] for year in years)


def is_password_value(text: str) -> bool:
    """What stands behind `password:` or `password=` and is not blanked out, a variable or a remark."""
    return not _BLANKED.fullmatch(text) and text.strip(".,;:!?").casefold() not in _NOT_A_VALUE


def is_user(text: str) -> bool:
    """A user name that can point at a person: no function word, no account that every machine has, no variable."""
    folded = text.casefold()
    if folded in _NOT_A_USER or text.isdigit() or _BLANKED.fullmatch(text):
        return False
    first, *others = folded.split(".")
    return not others or not (first in _ROOTS or _ATTRIBUTES.issuperset((first, *others)))
