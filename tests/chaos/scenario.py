"""What a scenario of `make chaos` is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from local.disturbing import CallFault, InvocationFault
from tests.statemachine.pipeline import Pipeline, Row

_LETTERS = str.maketrans("0123456789", "abcdefghij")
# Uploads the file and gives the ids of the runs that must come of it.
Drive = Callable[[Pipeline, bytes, str, Mapping[str, str]], list[str]]


@dataclass(frozen=True)
class Scenario:
    """A small case file, what goes wrong while it is labeled, and how the run has to end.

    `rules` and `jobs` are the model's faults (docs/faults.md), `calls` and `invocations` those of the embedded AWS; all
    are drawn by `seed`. `says` puts words into single cases, by position. `failed` and `dropped` cases are expected,
    the others are labeled; with `some_left` any number of them may be left. With `again` the file then comes a second
    time, with no fault, and what was left is labeled: all but `stays` cases.
    """

    name: str
    fault: str
    cases: int = 8
    mode: Literal["on_demand", "batch"] = "on_demand"
    rules: Sequence[Mapping[str, Any]] = ()
    jobs: Sequence[Mapping[str, Any]] = ()
    calls: Sequence[CallFault] = ()
    invocations: Sequence[InvocationFault] = ()
    seed: int = 1
    says: Mapping[int, str] = field(default_factory=dict)
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    budget: float | None = None
    """Times what Ingest takes the cases to cost, where half of them cost three times that (`DEAR`)."""
    evict: Literal["", "stored", "under way"] = ""
    """Which replies the store forgets each time when `calls` acts."""
    failed: int = 0
    dropped: int = 0
    some_left: bool = False
    fails_with: str = ""
    """The error of a run that fails as a whole."""
    again: bool = False
    stays: int = 0
    drive: Drive | None = None

    @property
    def canary(self) -> str:
        """A word of the cases' texts that no log may hold."""
        return "zyx" + self.name.replace("-", "").translate(_LETTERS)

    def rows(self) -> list[Row]:
        """Its case file."""
        return [
            Row(f"chaos-{self.name}-{n}", says=f"{self.canary} {self.says.get(n, '')}".strip())
            for n in range(self.cases)
        ]


# Half of the cases are read at the third ask only: they cost some three times what Ingest takes a case to cost.
DEAR: tuple[Mapping[str, Any], ...] = ({"do": "junk", "attempt": 0, "share": 0.6}, {"do": "junk", "attempt": 1})
