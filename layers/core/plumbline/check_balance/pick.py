"""Which labels go into the dataset: the most confident of each class, no near-duplicates, the same every time."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.check_balance.pool import Candidate, Pool
from plumbline.fingerprint import NearDuplicates


@dataclass(frozen=True)
class Picked:
    """The chosen candidates, how many each class got, and how many near-duplicates each class lost."""

    candidates: tuple[Candidate, ...]
    per_class: Counter[str]
    duplicates: Counter[str]
    target: int

    def version(self) -> str:
        """The dataset's name: 12 hex digits over its target and content, so that the same set has the same name."""
        digest = hashlib.sha256(f"{self.target}\x1e".encode())
        for c in sorted(self.candidates, key=lambda c: c.case_id):
            digest.update(f"{c.case_id}\x1f{c.category}\x1f{c.content_hash}\x1f{c.run_id}\x1e".encode())
        return digest.hexdigest()[:12]


def pick(pool: Pool, categories: Sequence[str], target: int) -> Picked:
    """Up to `target` candidates a class, by confidence and then by a hash of the case id.

    Classes take turns, one candidate each, so that of two near-duplicates with different labels no class always wins.
    Every candidate is looked at, also beyond the target, so that the counts of near-duplicates are the pool's.
    """
    queues = {name: sorted(pool.candidates[name], key=_order) for name in categories}
    index = NearDuplicates()
    chosen: list[Candidate] = []
    per_class: Counter[str] = Counter()
    duplicates: Counter[str] = Counter()
    for turn in range(max((len(queue) for queue in queues.values()), default=0)):
        for name, queue in queues.items():
            if turn >= len(queue):
                continue
            if not index.add(queue[turn].fingerprint):
                duplicates[name] += 1
            elif per_class[name] < target:
                chosen.append(queue[turn])
                per_class[name] += 1
    return Picked(candidates=tuple(chosen), per_class=per_class, duplicates=duplicates, target=target)


def _order(candidate: Candidate) -> tuple[float, bytes]:
    return -candidate.confidence, stable_hash(candidate.case_id)


def stable_hash(text: str) -> bytes:
    """An order that looks random and is the same on every machine."""
    return hashlib.sha256(text.encode()).digest()
