"""Made-up texts of any length, whose time a detector should need in proportion to it. The same at every run."""

import base64
import random
from collections.abc import Callable, Iterator

_TEXT = (
    "the printer stopped after an update and nobody here could open the report so we tried again with another "
    "browser which shows a blank page until the service restarts please tell us what else to check"
)
_WORDS = _TEXT.split()
_PEOPLE = ("Maria Olsen", "Tom Becker", "Aisha Rahman", "Pavel Novak", "Grace Kimura")


def made_up(shape: str, size: int) -> str:
    """A text of this shape (one of SHAPES) with `size` characters."""
    parts: list[str] = []
    length = 0
    for part in SHAPES[shape](random.Random(0)):
        parts.append(part)
        length += len(part)
        if length >= size:
            break
    return "".join(parts)[:size]


def _stack_trace(chance: random.Random) -> Iterator[str]:
    while True:
        line = chance.randrange(1, 2000)
        place = f"com.example.{chance.choice(('billing', 'reports', 'http'))}.Worker$Task{chance.randrange(50)}.run"
        yield f"\tat {place}(Worker{chance.randrange(9)}.java:{line})\n"


def _prose(chance: random.Random) -> Iterator[str]:
    while True:
        words = chance.choices(_WORDS, k=chance.randrange(6, 18))
        name = f" {chance.choice(_PEOPLE)} asked twice." if chance.random() < 0.1 else ""
        yield f"{' '.join(words).capitalize()}.{name}{chance.choice((' ', ' ', chr(10)))}"


def _base64(chance: random.Random) -> Iterator[str]:
    while True:
        yield base64.b64encode(chance.randbytes(57)).decode() + "\n"


def _one_line(chance: random.Random) -> Iterator[str]:
    while True:
        yield f'{{"level":"info","step":{chance.randrange(10**6)},"text":"{" ".join(chance.choices(_WORDS, k=8))}"}},'


def _many_at(chance: random.Random) -> Iterator[str]:
    while True:
        number = chance.randrange(10**6)
        yield chance.choice((f"user{number}@host{number}.example ", f"@name{number} ", "@@ ", f"a@{number} "))


def _many_digits(chance: random.Random) -> Iterator[str]:
    while True:
        yield str(chance.randrange(10 ** chance.randrange(1, 17))) + chance.choice((" ", "-", ".", "\n", ""))


def _odd_characters(chance: random.Random) -> Iterator[str]:
    while True:
        name = chance.choice(_PEOPLE)
        yield f"\u202a{name[:2]}\u200b{name[2:]}\u202c&nbsp;caf\u00c3\u00a9 "
        yield f"\U0001f469\u200d\U0001f4bb \u0410\u0432{chance.randrange(99)}\n"


def _quoted_html(chance: random.Random) -> Iterator[str]:
    while True:
        name, depth = chance.choice(_PEOPLE), chance.randrange(1, 6)
        yield f"{'> ' * depth}On Monday {name} &lt;a{depth}@host.example&gt; wrote:<br><p>Hi <b>{name[:4]}</b></p>\n"


def _typed_placeholders(chance: random.Random) -> Iterator[str]:
    while True:
        yield f"[NAME_{chance.randrange(1, 999)}] asked [PHONE_{chance.randrange(1, 99)}] and [KEY_0], "


SHAPES: dict[str, Callable[[random.Random], Iterator[str]]] = {
    "stack trace": _stack_trace,
    "prose": _prose,
    "base64": _base64,
    "one long line": _one_line,
    "many @": _many_at,
    "many digits": _many_digits,
    "odd characters": _odd_characters,
    "quoted HTML": _quoted_html,
    "typed placeholders": _typed_placeholders,
}
