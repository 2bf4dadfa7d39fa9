"""Events and the answers they must get: events/<function>/<case>.json, and <case>.answer.json beside it.

An answer file names what the answer has to contain; what it leaves out may be anything. `{"errorType": …}` stands for
an error of that class.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_ANSWER = ".answer.json"


@dataclass(frozen=True)
class Example:
    """One event of one function, with what its answer must contain."""

    function: str
    case: str
    path: Path
    event: dict[str, Any]
    answer: dict[str, Any]

    @property
    def name(self) -> str:
        """ingest/typical."""
        return f"{self.function}/{self.case}"

    @property
    def error(self) -> str | None:
        """The error's class name, where the answer is one."""
        return self.answer.get("errorType")


def examples(events: Path = ROOT / "events") -> list[Example]:
    """Every event by function and case. Raises FileNotFoundError for an event without an answer."""
    found = [path for path in sorted(events.glob("*/*.json")) if not path.name.endswith(_ANSWER)]
    return [
        Example(
            function=path.parent.name,
            case=path.stem,
            path=path,
            event=json.loads(path.read_text("utf-8")),
            answer=json.loads(path.with_name(path.stem + _ANSWER).read_text("utf-8")),
        )
        for path in found
    ]


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def differences(expected: object, actual: object, where: str = "answer") -> list[str]:
    """What `actual` lacks of `expected`: fields at any depth; lists have to be equal in length and order.

    A text that ought to be an object is read as JSON: so API Gateway has its bodies.
    """
    if isinstance(expected, Mapping):
        if isinstance(actual, str):
            return differences(expected, _decoded(actual), where)
        if not isinstance(actual, Mapping):
            return [f"{where} is {actual!r}, expected an object"]
        missing = [f"{where}.{name} is missing" for name in expected if name not in actual]
        inside = [
            difference
            for name, value in expected.items()
            if name in actual
            for difference in differences(value, actual[name], f"{where}.{name}")
        ]
        return [*missing, *inside]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            difference
            for position, (one, other) in enumerate(zip(expected, actual, strict=True))
            for difference in differences(one, other, f"{where}[{position}]")
        ]
    # JSON tells true from 1, Python's == does not.
    same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return [] if same else [f"{where} is {actual!r}, expected {expected!r}"]
