"""Which cases of a run a person should look at."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from plumbline.contracts.review import Part
from plumbline.fingerprint import NearDuplicates

RANDOM_EVERY: Final = 5  # of a queue, every fifth row is of the random part
_STEPS: Final = 20  # confidences that differ by less than a twentieth are alike


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case with a label that people may judge. `category` is empty for the answer none-of-these."""

    case_id: str
    shard: str
    content_hash: str
    fingerprint: str
    category: str
    accepted: bool
    confidence: float
    close_call: bool
    disagreed: bool = False


@dataclass(frozen=True)
class Chosen:
    """The cases of a sheet in the order of its rows, and how many accepted labels the random ones stand for."""

    rows: tuple[tuple[Candidate, Part], ...]
    population: int
    near_duplicates: int = 0


def sample(candidates: Sequence[Candidate], size: int, seed: int) -> Chosen:
    """A simple random sample of the accepted labels: the accuracy over it is an estimate of the run's.

    Near-duplicates stay in, as they are in what is estimated. A larger sample of the same seed begins with the smaller.
    """
    accepted = [candidate for candidate in candidates if candidate.accepted]
    drawn = heapq.nsmallest(size, accepted, key=lambda candidate: _ticket(candidate.case_id, seed))
    return Chosen(tuple((candidate, "random") for candidate in drawn), len(accepted))


def queue(candidates: Sequence[Candidate], size: int, seed: int, known: frozenset[str] = frozenset()) -> Chosen:
    """The most useful first, with every fifth row a random one.

    The rule: first what nobody accepted (needs_review: low confidence, fits no category), then labels that something
    speaks against (gold that came along; of votes, neighbours or a judge the larger part), then the others. Within
    each, the less confident first (in steps of .05), then close calls, then the class with fewer labels in this run,
    then by lot. Cases in `known` have a person's label, and a near-duplicate of a row above tells nothing new: both are
    left out.

    What is picked so is wrong more often than others, so no accuracy can be read off it. The random rows are drawn
    first, from all accepted labels, and stand between the others in the order they were drawn: wherever reviewing
    stops, those done are a random sample.
    """
    draw = sample(candidates, max(1, round(size / RANDOM_EVERY)), seed)
    taken = {candidate.case_id for candidate, _ in draw.rows}
    classes = Counter(candidate.category for candidate in candidates)
    rest = [c for c in candidates if c.case_id not in taken and c.case_id not in known]
    rest.sort(key=lambda c: _order(c, classes, seed))
    seen = NearDuplicates()
    for candidate, _ in draw.rows:
        seen.add(candidate.fingerprint)
    useful: list[Candidate] = []
    duplicates = 0
    for candidate in rest:
        if len(useful) + len(draw.rows) >= size:
            break
        if seen.add(candidate.fingerprint):
            useful.append(candidate)
        else:
            duplicates += 1
    return Chosen(tuple(_woven(useful, [c for c, _ in draw.rows])), draw.population, duplicates)


def _order(candidate: Candidate, classes: Counter[str], seed: int) -> tuple[int, int, bool, int, bytes]:
    tier = 0 if not candidate.accepted else 1 if candidate.disagreed else 2
    step = int(candidate.confidence * _STEPS)
    lot = _ticket(candidate.case_id, seed)
    return tier, step, not candidate.close_call, classes[candidate.category], lot


def _woven(useful: Sequence[Candidate], drawn: Sequence[Candidate]) -> Iterator[tuple[Candidate, Part]]:
    """Four useful ones, a random one, and so on; what is left of either follows."""
    waiting, others = iter(drawn), iter(useful)
    while block := list(islice(others, RANDOM_EVERY - 1)):
        yield from ((candidate, "useful") for candidate in block)
        yield from ((candidate, "random") for candidate in islice(waiting, 1))
    yield from ((candidate, "random") for candidate in waiting)


def _ticket(case_id: str, seed: int) -> bytes:
    """A place in a random order that is the same on every machine."""
    return hashlib.sha256(f"{seed}\x1f{case_id}".encode("utf-8", "surrogatepass")).digest()
