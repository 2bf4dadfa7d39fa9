"""The labels of a run that have gold: near-duplicates in one group, and what was learned of them after the run."""

import random

import pytest

from plumbline.confidence import rows
from plumbline.confidence.rows import grouped
from plumbline.fingerprint import MAX_DISTANCE, NearDuplicates, hamming


def test_near_duplicates_have_the_first_ones_name() -> None:
    rng = random.Random(2)
    centres = [rng.getrandbits(64) for _ in range(8)]
    prints = [
        (str(n), f"{rng.choice(centres) ^ sum(1 << bit for bit in rng.sample(range(64), rng.randrange(12))):016x}")
        for n in range(200)
    ]
    firsts: list[tuple[str, str]] = []
    groups = grouped(prints)
    for case_id, fingerprint in prints:
        twin = next((i for i, other in firsts if hamming(fingerprint, other) <= MAX_DISTANCE), None)
        assert groups[case_id] == (twin or case_id)
        if twin is None:
            firsts.append((case_id, fingerprint))
    assert 8 < len(firsts) < 200
    assert grouped([("a", None), ("b", None)]) == {"a": "a", "b": "b"}


def test_they_are_found_by_the_index_and_not_each_by_comparing_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Watched(NearDuplicates):
        def earliest(self, fingerprint: str) -> int | None:
            asked.append(fingerprint)
            return super().earliest(fingerprint)

    monkeypatch.setattr(rows, "NearDuplicates", Watched)
    prints = [(str(n), f"{n << 40:016x}") for n in range(5)]
    grouped(prints)
    assert asked == [fingerprint for _, fingerprint in prints]
