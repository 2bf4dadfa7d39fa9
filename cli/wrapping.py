"""Words for a terminal, broken between words: a command or a path stays whole, so that it can be copied."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_ENDS = (",", ".", ";", ")")


def say(console: Console, words: str, *, style: str = "", mark: str = "", mark_style: str = "", hang: int = 0) -> None:
    """Print the words behind a mark. On a terminal later lines are indented by `hang`; whoever reads a pipe wraps
    lines himself."""
    lines = f"{mark}{words}".split("\n")
    if console.is_terminal:
        lines = [part for line in lines for part in wrapped(line, console.width, hang)]
    for number, line in enumerate(lines):
        text = Text(line, style=style)
        if number == 0:
            text.stylize(mark_style or style, 0, len(mark))
        console.print(text, soft_wrap=True)


def wrapped(line: str, width: int, hang: int = 0) -> Iterator[str]:
    """The line in parts of at most `width` cells, except for a command, path or word that alone is longer.

    What indents the line indents its parts; those after the first by `hang` more.
    """
    indent = " " * (len(line) - len(line.lstrip(" ")))
    shown = indent
    begun = False
    for chunk in _chunks(line.lstrip(" ")):
        longer = f"{shown} {chunk}" if begun else f"{shown}{chunk}"
        if begun and cell_len(longer) > width:
            yield shown
            longer = f"{indent}{' ' * hang}{chunk}"
        shown, begun = longer, True
    yield shown


def _chunks(line: str) -> Iterator[str]:
    """What must not be broken: a word, what stands in backticks, a command from `plumbline` to the next stop."""
    chunk, until = "", ""
    for word in line.split(" "):
        chunk = f"{chunk} {word}" if until else word
        if until == "`":
            until = "" if "`" in word else "`"
        elif until:
            until = "" if word.endswith(_ENDS) else until
        elif word.count("`") % 2:
            until = "`"
        elif _begins_command(word) and not word.endswith(_ENDS):
            until = "stop"
        if not until:
            yield chunk
    if until:
        yield chunk


def _begins_command(word: str) -> bool:
    bare = word.lstrip("(")
    return bare.startswith("PLUMBLINE_HOME=") or bare.rpartition("/")[2] == "plumbline"
