"""Message texts as people wrote them: HTML undone, line breaks unified, control characters out."""

import html
import re

_HTML_START = re.compile(
    r"<(?:!doctype|html|head|body|p|div|span|table|br|ul|ol|h[1-6]|style|font|b|strong|i|em|a|meta|pre|blockquote)\b",
    re.IGNORECASE,
)
_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"\s+")
_LINE_END = re.compile(r"[ \t]+\n")
_GAPS = re.compile(r"\n{3,}")
_BLOCKS = frozenset(
    (
        *("p", "div", "br", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"),
        *("section", "article", "header", "footer", "body"),
    )
)
_COMMENT = "!--"
_HIDDEN = frozenset(("script", "style", "head", "title"))


def clean(text: str, *, is_html: bool = False) -> str:
    """The text without surrounding space and control characters, its line breaks as `\\n`.

    HTML becomes plain text: where `is_html` says so, or where the text begins with a usual tag and ends with `>`.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", text).strip()
    if is_html or (text.startswith("<") and text.endswith(">") and _HTML_START.match(text)):
        return html_to_text(text)
    return text


def html_to_text(markup: str) -> str:
    """The readable text of an HTML fragment: blocks on lines of their own, list items with a dash, scripts left out.

    Linear in the input's length whatever the input, which the standard library's parser is not (66,000 unclosed tags
    keep it busy for minutes). A `<` that opens no tag is text.
    """
    first, *pieces = markup.split("<")
    reading = _Reading(first)
    for piece in pieces:
        reading.take(piece)
    text = html.unescape("".join(reading.out)).replace("\xa0", " ")
    return _GAPS.sub("\n\n", _LINE_END.sub("\n", text)).strip()


class _Reading:
    """HTML read piece by piece, a piece being what follows a `<`."""

    def __init__(self, before: str) -> None:
        self.out: list[str] = [_SPACES.sub(" ", before)]
        self._hidden = ""  # the element or comment whose content is passed over
        self._preformatted = False

    def take(self, piece: str) -> None:
        """Add the piece's readable part."""
        if self._hidden == _COMMENT or (not self._hidden and piece.startswith(_COMMENT)):
            _, ended, rest = piece.partition("-->")
            self._hidden = "" if ended else _COMMENT
            self._say("", rest)
            return
        tag, ended, rest = piece.partition(">")
        match = _TAG_NAME.match(tag)
        if not ended or not (match or tag.startswith(("!", "?"))):
            self._say("", "<" + piece)
            return
        name, closing = match.group(1).lower() if match else "", tag.startswith("/")
        if name in _HIDDEN and self._hidden in ("", name):
            self._hidden = "" if closing else name
        if name == "pre":
            self._preformatted = not closing
        before = "\n" if name in _BLOCKS else " " if name in ("td", "th") else ""
        self._say("\n- " if name == "li" and not closing else before, rest)

    def _say(self, before: str, text: str) -> None:
        if self._hidden:
            return
        if before:
            self.out.append(before)
        if not self._preformatted:
            text = _SPACES.sub(" ", text)
            text = text.lstrip(" ") if self.out[-1].endswith("\n") else text
        if text:
            self.out.append(text)
