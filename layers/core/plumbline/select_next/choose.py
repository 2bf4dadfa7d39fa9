"""Which cases of a backlog to label next, in one pass over it: memory grows with the number chosen, not with the cases.

Two kinds of choice. A share is explored: drawn at random from the whole backlog, whatever the classifier thinks, so
that its labels are a fair sample (they estimate prevalence without bias) and a class that the classifier does not know
is found all the same. The rest goes where labels are missing: each time the case with the most expected gain, which is
its chance of a short class times how short that class still is. What a chosen case is expected to be is taken off the
shortage at once, so that no class takes all, and choosing ends when the shortage is expected to be filled.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from plumbline.fingerprint import NearDuplicates
from plumbline.ticket import ticket

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plumbline.ports import Vectors
    from plumbline.select_next.chances import Classifier

EXPLORE_SHARE: Final = 0.15
_SPARE: Final = 1.25  # kept of each class beyond what may be chosen, for near-duplicates to fall out of
_OVERFILL: Final = 1.1  # some of what is expected does not come


class Block(NamedTuple):
    """Some cases of the backlog, of one shard: ids, fingerprints and lengths in the vectors' order."""

    shard: str
    case_ids: Sequence[str]
    fingerprints: Sequence[str]
    vectors: "Vectors"
    tokens: Sequence[int] = ()


class Candidate(NamedTuple):
    """A case that may be chosen. `ticket` is its place in a random order; no two cases share one."""

    ticket: int
    case_id: str
    shard: str
    fingerprint: str
    chances: "NDArray[np.float64]"
    tokens: int = 0


@dataclass(frozen=True)
class Choice:
    """What was chosen: first what is explored, then what is expected to gain, the most useful first."""

    explored: tuple[Candidate, ...]
    gaining: tuple[Candidate, ...]
    backlog: int
    near_duplicates: int


@dataclass
class _Kept:
    """The best candidates of a class seen so far: a heap with the worst of them on top."""

    room: int
    heap: list[tuple[float, Candidate]] = field(default_factory=list)

    @property
    def bar(self) -> float:
        """The chance that a further candidate has to have."""
        return self.heap[0][0] if len(self.heap) == self.room else -1.0

    def offer(self, chance: float, candidate: Candidate) -> None:
        # Of equal chances the ticket decides, so that the order of the backlog does not.
        if len(self.heap) < self.room:
            heapq.heappush(self.heap, (chance, candidate))
        else:
            heapq.heappushpop(self.heap, (chance, candidate))


def choose(
    backlog: Iterable[Block],
    classifier: "Classifier",
    *,
    short: Sequence[float],
    count: int,
    seed: str,
    near: NearDuplicates,
    explore_share: float = EXPLORE_SHARE,
) -> Choice:
    """At most `count` cases of the backlog; `short` is how many labels each of the classifier's classes misses.

    Reads the backlog once. The same backlog, in any order, seed and classifier give the same choice. `near` holds what
    is labeled, and is added to: near-duplicates of it and of each other are passed over, but for explored cases.
    """
    scan = _Scan(classifier, short, count, seed, round(count * explore_share))
    for block in backlog:
        scan.read(block)
    return scan.choice(near)


class _Scan:
    """One pass over the backlog: what may be explored, and the best cases of each short class."""

    def __init__(self, classifier: "Classifier", short: Sequence[float], count: int, seed: str, explore: int) -> None:
        self._classifier = classifier
        self._short = {index: float(missing) for index, missing in enumerate(short) if missing > 0}
        self._count, self._explore, self._seed = (count, explore, seed) if self._short else (0, 0, seed)
        room = int(_SPARE * count) + explore + 1
        self._best = {index: _Kept(room) for index in self._short}
        # By the negative ticket: the smallest tickets stay.
        self._drawn: list[tuple[int, Candidate]] = []
        self._backlog = 0

    def read(self, block: Block) -> None:
        """Look at some cases; few of a long backlog get past the bars."""
        self._backlog += len(block.case_ids)
        if not self._count or not block.case_ids:
            return
        chances = self._classifier.chances(block.vectors)
        tickets = [ticket(self._seed, case_id) for case_id in block.case_ids]

        def candidate(row: int) -> Candidate:
            return Candidate(
                tickets[row],
                block.case_ids[row],
                block.shard,
                block.fingerprints[row],
                chances[row].copy(),  # a row alone, not a view that holds its whole block
                block.tokens[row] if block.tokens else 0,
            )

        for row, lot in enumerate(tickets):
            if len(self._drawn) < self._explore:
                heapq.heappush(self._drawn, (-lot, candidate(row)))
            elif self._explore and -lot > self._drawn[0][0]:
                heapq.heapreplace(self._drawn, (-lot, candidate(row)))
        for index, kept in self._best.items():
            for promising in (chances[:, index] >= kept.bar).nonzero()[0].tolist():
                kept.offer(float(chances[promising, index]), candidate(promising))

    def choice(self, near: NearDuplicates) -> Choice:
        """The cases to label; `near` gets their fingerprints."""
        explored = tuple(candidate for _, candidate in sorted(self._drawn, reverse=True))
        for candidate in explored:
            near.add(candidate.fingerprint)
        gaining, duplicates = self._gaining(explored, near)
        return Choice(explored, tuple(gaining), self._backlog, duplicates)

    def _gaining(self, explored: Sequence[Candidate], near: NearDuplicates) -> tuple[list[Candidate], int]:
        missing = {index: _OVERFILL * short for index, short in self._short.items()}
        for candidate in explored:
            _take_off(missing, candidate)
        queues = {index: sorted(kept.heap) for index, kept in self._best.items()}
        seen, chosen, duplicates = {candidate.ticket for candidate in explored}, list[Candidate](), 0
        while len(chosen) < self._count - len(explored):
            for queue in queues.values():
                while queue and queue[-1][1].ticket in seen:
                    queue.pop()
            gains = [
                (queues[index][-1][0] * missing[index] / self._short[index], -index)
                for index in queues
                if queues[index] and missing[index] > 0
            ]
            if not gains:
                break
            _, candidate = queues[-max(gains)[1]].pop()
            seen.add(candidate.ticket)
            if near.add(candidate.fingerprint):
                chosen.append(candidate)
                _take_off(missing, candidate)
            else:
                duplicates += 1
        return chosen, duplicates


def _take_off(missing: dict[int, float], candidate: Candidate) -> None:
    for index in missing:
        missing[index] -= float(candidate.chances[index])
