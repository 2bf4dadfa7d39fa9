"""The expressions of postal addresses: what may stand in one, before one and behind one. Every repeat is bounded."""

import re
from typing import NamedTuple

from plumbline.anonymize import address_words as words
from plumbline.anonymize.expressions import Expression

LINE_START = r"\r?\n[ \t>|*?#\u00a0-]{0,8}"
SPACE = r"[ \t\u00a0]"
# Between two parts: a comma or the like, or the end of a line with what stands before a quoted or a listed line.
SEP = rf"(?:{SPACE}*(?:[,;|\u2022\u00b7]|{LINE_START}|[\u2013\u2014-](?={SPACE})|<br ?/?>|\\n){SPACE}*){{1,3}}"
GAP = rf"(?:{SEP}|{SPACE}{{1,3}})"
UPPER = r"[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff]"
INSIDE = (
    r"(?:de|la|le|les|du|del|della|di|da|do|dos|of|the|den|der|am|an|upon|on|sur|en|op|aan|by|and|bei|im|in|under|al|el"
    r"|y|e|nad|pod|bij|l\u00e8s)"
)
TOWN = rf"{UPPER}[\w.'\u2019-]{{0,30}}(?:[ \t/-]{UPPER}[\w.'\u2019-]{{0,30}}|[ \t]{INSIDE}(?=[ \t])){{0,4}}"
PLAIN_TOWN = rf"{UPPER}[^\W\d]{{1,30}}(?:[ ]{UPPER}[^\W\d]{{1,30}}){{0,2}}"  # without hyphens
ANY_TOWN = r"[^\W\d_][\w.'\u2019-]{0,30}(?:[ \t][^\W\d_][\w.'\u2019-]{0,30}){0,3}"
END = r"(?![\w@]|[.:/\\=-]\w)"
UK = r"(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2})"
UK_SHAPE = r"(?:[A-Z]{1,2}\d[A-Z\d]{0,2} \d[A-Z]{2})"  # areas that nobody gave out yet, typing errors
CA = r"(?:[ABCEGHJ-NPRSTVXY]\d[A-Z][ -]?\d[A-Z]\d)"
LETTERED = (
    rf"(?:{UK}|{UK_SHAPE}|{CA}|\d{{4}} ?(?![KMGTP]B)[A-Z]{{2}}|[A-Z]\d\d ?[A-Z0-9]{{4}}"
    r"|(?:LV|MD|AD|L|LT|BB|VG|KY)-?\d{3,5})"
)
GROUPED = r"(?:\d{5}-\d{3,4}|\d{2}-\d{3}|\d{4}-\d{3}|\d{3}-\d{4}|\d{3} \d{2}|\d{3} \d{3})"
LONG = r"(?:(?:[A-Z]{1,3}-)\d{4,6}|\d{5,6})"
SHORT = r"(?!(?:19|20)\d\d(?!\d))\d{4}"  # no year
PLAIN = rf"(?:{LONG}|{SHORT})"
POSTCODE = rf"(?:{LETTERED}|{GROUPED}|{PLAIN}){END}"
AUSTRALIA = rf"(?:NSW|VIC|QLD|SA|WA|TAS|ACT|NT){GAP}\d{{4}}{END}"
US = rf"(?:{words.US_STATES})[ \t,.]{{1,3}}\d{{5}}(?:-\d{{4}})?{END}"
COUNTRY = rf"(?i:{words.COUNTRIES})(?![\w-])"
STATE = rf"(?:{words.STATES})(?![\w'\u2019])"


# Apt. 5, Suite 100-B, kv. 12; 2nd floor, 2. tv, 3º B; #12-03
UNIT = (
    rf"{GAP}(?i:(?:{words.UNITS})\b\.?{SPACE}?(?:n[o\u00ba\u00b0]?\.?{SPACE})?[#:]?{SPACE}?"
    rf"[A-Z]?[-/]?\d{{0,5}}[-/]?(?:\d{{1,4}}|[A-Z])?)(?<![\s.]){END}"
)
FLOOR = (
    rf"{GAP}(?i:\d{{1,3}}(?:st|nd|rd|th|er|e|\.|\u00ba|\u00aa)[ \t]?(?:floor|fl|\u00e9tage|stock|og|em|emelet|piso|etg"
    r"|sal|tv|th|mf)\b\.?)"
)
DOOR = rf"{GAP}\d{{1,2}}[\u00ba\u00aa\u00b0][ \t-]?(?:[A-Z]|izq|dcha|dto|esq)?\b\.?|{GAP}\#[ \t]?[\w-]{{1,8}}{END}"
COMPASS = rf"{GAP}(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\b\.?(?![\w])"
DUTCH = r"\d{4} ?(?![KMGTP]B)[A-Z]{2}"


class Part(NamedTuple):
    """What may follow in an address: its kind, the points it gives once, and its expression with what separates it."""

    kind: str
    points: int
    pattern: Expression


def _parts(town: str, flags: re.RegexFlag) -> tuple[Part, ...]:
    """In the order in which they are tried."""
    rows = (
        ("unit", 1, rf"{UNIT}|{FLOOR}|{DOOR}"),
        ("", 0, COMPASS),
        # Springfield, IL 62704
        ("region", 2, rf"{GAP}(?:{town}{GAP})?{US}"),
        # 111 22 Stockholm / 1012 AB Amsterdam / 28013 Madrid, SE-1000 Town
        ("region", 2, rf"{SEP}(?:[A-Z]{{1,3}}[- ])?(?:{GROUPED}|{DUTCH}){GAP}{town}"),
        ("code", 1, rf"(?:{SEP}{PLAIN}|{GAP}(?:{GROUPED}|{DUTCH}|{LONG})){GAP}{town}"),
        # Little Snoring, NR21 0AA / Toronto ON M5V 2T6 / Sydney NSW 2000
        ("region", 2, rf"{GAP}(?:{town}{GAP}){{0,2}}(?:{STATE}{GAP})?(?:{LETTERED}){END}"),
        ("region", 2, rf"{GAP}(?:{town}{GAP})?{AUSTRALIA}"),
        # Kanpur-208001
        ("region", 2, rf"{SEP}{PLAIN_TOWN}[ ]?[-\u2013][ ]?[1-9]\d{{5}}{END}"),
        # Mumbai - 400001, Pune 411 001
        ("code", 1, rf"(?:{SEP}{town}{GAP}{PLAIN}|{GAP}{town}{GAP}(?:{GROUPED}|{LONG})){END}"),
        ("country", 1, rf"{GAP}(?:{town}{GAP})?{COUNTRY}(?:{GAP}{POSTCODE})?"),
        ("code", 1, rf"{SEP}{town}{SEP}[A-Z]{{2}}[ \t]\d{{5}}{END}"),
        ("state", 1, rf"{SEP}{STATE}"),
        ("code", 1, rf"(?:{SEP}{POSTCODE}|{GAP}(?:{GROUPED}|{LONG}){END})"),
    )
    return tuple(Part(kind, points, Expression(pattern, flags)) for kind, points, pattern in rows)


WRITTEN = _parts(TOWN, re.RegexFlag(0))
TYPED = _parts(ANY_TOWN, re.IGNORECASE)  # behind a street in small letters
LONE_TOWN = Expression(rf"{GAP}(?P<town>{TOWN})")
CLAUSE_ENDS = Expression(r"[ \t]*(?:[,.;:!?)\]\"'\r\n]|$|(?:and|but|or|in|which|where|und|et|y|e)\b)")

NUMBER = Expression(
    r"(?<![\w.:/\\=$\u20ac\u00a3#@%+~^&*<{}\[\]-])(?<![A-Za-z]>)\d{1,6}"
    r"(?:[-/\u2013]\d{1,4}[A-Za-z]?|[ ]?[A-Za-z](?=[ ,\r\n.])(?:[ ]\d{1,3})?"
    r"|[A-Za-z])?(?![\w%\u00b0\u20ac$@=(])(?![.:/\\-]\w)"
)
RIGHT = Expression(
    r"(?:[ ]?(?:bis|ter|quater)\b)?,?[ \t]{1,2}((?:(?:[^\W\d_][\w.'\u2019/-]{0,30}|\d{1,3}(?:st|nd|rd|th"
    r"|[a-z]?[ .]de))[ \t]{1,2}){0,5}[^\W\d_][\w.'\u2019/-]{0,30})"
)
DOTTED = Expression(rf"\.(?={SPACE}(?i:{words.UNITS})\b|\r?\n)")  # Váci utca 12. Apt. 5
BEHIND = Expression(r"[ \t]{1,2}\d{1,4}[A-Za-z]?(?:[/-]\d{1,4})?\.?(?![\w%]|[.:/-]\w)")
INTRODUCED = Expression(
    r"(?P<sure>(?<!ip )(?<!mail )(?<!e-mail )(?<!mac )(?<!web )(?<!memory )(?<!url )(?<!\w)"
    r"(?:address(?:es)?|adresse?|anschrift|direcci[o\u00f3]n|domicilio|domicile|indirizzo|endere[c\u00e7]o|adres"
    r"|osoite|morada|"
    r"\u0430\u0434\u0440\u0435\u0441|lakc\u00edm|c\u00edm)"
    r"(?:[ \t](?:line[ \t]?\d|(?:of|for)[ \t][\w .'\u2019&-]{1,40}?))?[ \t]{0,2}"
    r"(?:[ \t](?:is|was|to|it is|has changed to|changed to|ist|est|es|\u00e8|\u00e9)(?:[ \t](?:now|at))?:?|:|="
    r"|-)\s{0,12}"
    r"|\b(?:liv(?:e|es|ed|ing)|resid(?:e|es|ed|ing)|wohn(?:e|t|haft)|habite|vivo|vive|abito|moro)[ \t]"
    r"(?:at|on|in|au|\u00e0|en|a|na|no|der|die|:)[ \t]{1,2}(?:the[ \t])?)$"
    r"|(?:ship(?:ped|ping|s)?|deliver(?:ed|y|ies)?|sent|send|mail(?:ed)?|post(?:ed)?|parcel|package|invoice|bill(?:ed"
    r"|ing)?|moved?|"
    r"moving|relocated?|located|based|situated|visit|office|house|home|flat|apartment|headquarters|location|property"
    r"|store|"
    r"shop|street|stra\u00dfe|deliver|collect(?:ed)?|pick(?:ed)?[ -]?up|drops? (?:you )?off)"
    r"[ \t]?(?:\w{1,10}[ \t]){0,2}?(?:is|are|was|at|to|from|in|on|:|is at|are at|is on)[ \t]{1,3}(?:the[ \t])?$"
    r"|\b(?:at|near)[ \t]{1,2}(?:the[ \t])?$",
    re.IGNORECASE,
)
BOX = Expression(
    r"\b(?:P\.?[ ]?O\.?[ ]?Box|Post Office Box|Postfach|Casella Postale|Apartado(?: de Correos| Postal)?|Caixa Postal"
    r"|Bo\u00eete Postale|"
    r"B\.?P\.?(?=[ ]\d)|Postbus|Postboks|Skrytka pocztowa|Locked Bag|GPO Box|Private Bag|(?:PSC|CMR"
    r"|Unit)[ ]\d{1,5},?[ ]Box)"
    r"[ ]?(?:n[o\u00ba\u00b0]?\.?[ ]?|#[ ]?)?[A-Z]?\d{1,6}\b",
    re.IGNORECASE,
)
US_END = Expression(rf"(?<![\w.-])(?P<state>{words.US_STATES})[ \t,.]{{1,3}}(?P<zip>\d{{5}})(?:-\d{{4}})?{END}")
FORCES = Expression(r"\b[ADF]PO[ \t,]{1,3}A[AEP][ \t,]{1,3}\d{5}(?:-\d{4})?(?![\w-])", re.IGNORECASE)
CORNER = Expression(
    rf"\b(?:the )?(?i:corner|intersection) of (?:\d{{1,6}} )?{TOWN}(?: \d{{1,6}})?\.? and (?:\d{{1,6}} )?{TOWN}"
)
POSTED = Expression(
    rf"(?<![\w.#&=/-])(?:(?P<area>[A-Z]{{1,2}})\d[A-Z\d]? \d(?![KMGT]B)[ABD-HJLNP-UW-Z]{{2}}|{CA}){END}"
)
NAMED_CODE = Expression(
    r"(?<!\w)(?:zip(?:[ -]?code)?|post[ -]?code|postal[ -]code|plz|postleitzahl|code postal|c[o\u00f3]digo postal|cep"
    r"|pin ?code)"
    rf"(?:[ \t]{{1,2}}(?:is|was|ist|est|es))?[ \t]{{0,2}}[:=]?[ \t]{{0,3}}(?P<value>(?:{LETTERED}|{GROUPED}"
    rf"|\d{{5}}(?:-\d{{4}})?|{PLAIN}))(?![\w-])",
    re.IGNORECASE,
)
SCRIPTS = Expression(
    r"(?:\u3012?\d{3}-?\d{4}[ ]?)?[\u3400-\u9fff]{1,8}[\u7701\u5e02\u533a\u5340\u53bf\u7e23\u90fd\u9053\u5e9c\u770c"
    r"\u90e1][\u3400-\u9fff\u3040-\u30ff0-9\uff10-\uff19 \u2010-\u2015\u2212\uff0d\u30fc-]{0,30}"
    r"[0-9\uff10-\uff19]{1,5}(?:[\u53f7\u865f\u756a\u4e01\u5ba4\u697c\u6a13\u5ee8][\u3400-\u9fff0-9-]{0,20}"
    r"|[-\u2010-\u2015\u2212\uff0d][0-9\uff10-\uff19-]{1,10})"
    r"|(?:[\uac00-\ud7a3]{1,8}(?:\uc2dc|\ub3c4|\uad6c|\uad70|\ub3d9|\uc74d"
    r"|\uba74)[ ]){1,4}[\uac00-\ud7a30-9]{1,12}(?:\ub85c|\uae38)[ ]?\d{1,4}(?:-\d{1,4})?"
)
# In front of a street: Flat 5, / Unit 12B, / 1051 Budapest, / a second number.
HEAD = Expression(
    rf"(?<![\w.-])(?:(?:(?i:{words.UNITS})\b\.?{SPACE}?\#?\d{{0,5}}(?:\d|[A-Z](?!\w))(?:{SEP}|{SPACE})"
    rf"|(?:[A-Z]{{1,2}}-)?\d{{4,6}},?{SPACE}{UPPER}[\w.-]{{1,30}}{SEP}|\d{{1,6}}[ ,]{{1,2}})){{1,3}}$"
    rf"|(?<!\w)(?i:{words.UNITS})\b\.?(?:{SPACE}?(?i:no|nr|n[\u00ba\u00b0])\.?)?{SPACE}{{0,2}}\#?$"
)
