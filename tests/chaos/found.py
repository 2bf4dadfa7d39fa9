"""What was found after a scenario."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Found:
    """What became of a scenario. `repaid` answers were made once more; `wasted` are those of them for which nothing
    can be said: their first answer was stored. The rest were answered, and before that was stored the worker was
    killed, the store failed or the test took it away: nobody could know of it."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    repaid: int = 0
    lost: int = 0
    doubled: int = 0
    wasted: int = 0
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.problems.append(otherwise)
