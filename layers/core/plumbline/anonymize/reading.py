"""A text as a person reads it: what cannot be seen taken out, look-alikes read as what they look like.

Recognisers see this reading; whoever calls them sees places in the text as it is. So an address with a zero-width
space in it, a number in full-width digits and a name with a Cyrillic letter are found like any other, and nothing of
the text itself is changed. Linear time, and no work for plain ASCII without markup.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right

# Control characters, soft hyphen, zero-width and bidirectional marks, variation selectors, tags, fillers.
_UNSEEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef"
)
# UTF-8 that was read as Windows-1252 or Latin-1: "Ã©" for "é".
_MANGLED = (
    "[\u00c2-\u00c5][\x80-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
_BLOCK_TAG = r"</?(?:p|br|div|td|th|tr|li|ul|ol|table|tbody|blockquote|h[1-6])[ ]?/?>"
_INLINE_TAG = r"</?(?:b|i|u|s|em|strong|span|font|small|mark|a)>"
_ODD = re.compile(
    rf"(?P<mangled>{_MANGLED})|(?P<unseen>[{_UNSEEN}]+)|(?P<marks>[^\W\d_][\u0300-\u036f]+)"
    r"|(?P<entity>&(?:[A-Za-z]{2,8}|#\d{2,6}|#[xX][0-9A-Fa-f]{2,5});)"
    rf"|(?P<block>(?i:{_BLOCK_TAG}))|(?P<inline>(?i:{_INLINE_TAG}))"
)
# What ASCII can hold of it.
_MAY_BE_ODD = re.compile("[<&\x00-\x08\x0e-\x1f\x7f]")
_DASHES = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
_FORMS = ("<wide>", "<narrow>", "<font>", "<noBreak>", "<compat> 0020")
# Letters of Greek and Cyrillic that look like a Latin one (Unicode's confusables, those of one letter each).
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u04cf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u03b1\u03bf\u03bd\u03c1\u03c5\u03b9\u03ba\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0261",
    "aeopcyxijshdqwlABEKMHOPCTYXIJSaovpuikABEZHIKMNOPTYXg",
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")


class Reading:
    """What a text reads as, in `text`, and where its characters stand in the text itself."""

    def __init__(self, raw: str) -> None:
        self.text = raw
        # By run of characters: where it begins here and in the text itself, and where it ends there. A run is longer
        # there than here only when it is one character here.
        self._here, self._there, self._until = [0], [0], [len(raw)]
        if raw.isascii() and not _MAY_BE_ODD.search(raw):
            return
        self._read(raw)
        if not self.text.isascii():
            self.text = _WORD.sub(_in_one_script, self.text.translate(_PLAIN))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text itself what stands here at start…end (not empty) stands."""
        first, last = bisect_right(self._here, start) - 1, bisect_right(self._here, end - 1) - 1
        ends_a_run = end == (self._here[last + 1] if last + 1 < len(self._here) else len(self.text))
        until = self._until[last] if ends_a_run else self._there[last] + end - self._here[last]
        return self._there[first] + start - self._here[first], until

    def find(self, place: int) -> int:
        """Where the character at this place of the text itself stands here; of what is not here, what follows it."""
        run = bisect_left(self._there, place) - 1
        if run < 0:
            return 0
        end = self._here[run + 1] if run + 1 < len(self._here) else len(self.text)
        return min(self._here[run] + place - self._there[run], end)

    def _read(self, raw: str) -> None:
        parts: list[str] = []
        length = end = 0
        self._here, self._there, self._until = [], [], []
        for odd in _ODD.finditer(raw):
            shown = _shown(odd)
            if shown == odd[0]:
                continue
            length = self._add(parts, raw[end : odd.start()], length, end, odd.start())
            length = self._add(parts, shown, length, odd.start(), odd.end())
            end = odd.end()
        self._add(parts, raw[end:], length, end, len(raw))
        self.text = "".join(parts)

    def _add(self, parts: list[str], run: str, length: int, start: int, end: int) -> int:
        """Note a run of characters; how long the reading is with it."""
        if run:
            parts.append(run)
            self._here.append(length)
            self._there.append(start)
            self._until.append(end)
        return length + len(run)


def _shown(odd: re.Match[str]) -> str:
    """One character or none; the same as before where it is nothing special after all."""
    value = odd[0]
    kind = odd.lastgroup
    if kind == "entity":
        character = html.unescape(value)
        return character if len(character) == 1 else value
    if kind == "marks":
        return unicodedata.normalize("NFC", value)[0]
    if kind == "mangled":
        return _unmangled(value)
    return "\n" if kind == "block" else ""


def _unmangled(pair: str) -> str:
    for encoding in ("cp1252", "latin-1"):
        try:
            return pair.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return pair


class _Plain(dict[int, int]):
    """For `str.translate`: a character in its plainest form, where that is one character, too. Filled as asked."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        form = unicodedata.decomposition(character)
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            plain = ord("0") + digit
        elif character in _DASHES:
            plain = ord("-")
        elif form.startswith(_FORMS) and len(form.split()) == 2:  # noqa: PLR2004 - the form's name and one character
            plain = int(form.split()[1], 16)
        else:
            plain = code
        self[code] = plain
        return plain


_PLAIN = _Plain()


def _in_one_script(word: re.Match[str]) -> str:
    """A word with Latin letters among its look-alikes of other scripts in Latin letters; other words as they are."""
    value = word[0]
    return value if value.isascii() or not _LATIN.search(value) else value.translate(_LOOK_ALIKES)
