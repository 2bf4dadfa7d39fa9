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
_BLANK = re.compile(r"[ \t]*\n[ \t]*")
_GAPS = re.compile(r"\n{3,}")
_BLOCKS = frozenset(
    (
        *("p", "div", "br", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"),
        *("section", "article", "header", "footer", "body"),
    )
)
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
    out: list[str] = []
    hidden: str | None = None
    preformatted = False
    first, *pieces = markup.split("<")
    out.append(_SPACES.sub(" ", first))
    for piece in pieces:
        if hidden == "!--":
            _, ended, rest = piece.partition("-->")
            hidden, name = (None, "") if ended else (hidden, "")
        elif hidden is None and piece.startswith("!--"):
            _, ended, rest = piece.partition("-->")
            hidden, name = (None if ended else "!--"), ""
        else:
            tag, ended, rest = piece.partition(">")
            match = _TAG_NAME.match(tag)
            name = match.group(1).lower() if match else ""
            if not ended or not (match or tag.startswith(("!", "?"))):
                rest, name = "<" + piece, ""
            if name in _HIDDEN and hidden in (None, name):
                hidden = None if tag.startswith("/") else name
            preformatted = not tag.startswith("/") if name == "pre" else preformatted
        if hidden:
            continue
        if name in _BLOCKS:
            out.append("\n")
        elif name == "li" and not piece.startswith("/"):
            out.append("\n- ")
        elif name in ("td", "th"):
            out.append(" ")
        out.append(rest if preformatted else _SPACES.sub(" ", rest))
    text = html.unescape("".join(out)).replace("\xa0", " ")
    return _GAPS.sub("\n\n", _BLANK.sub("\n", text)).strip()
