"""The order of a review queue, and what of it is a random sample."""

import hashlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.review import AskedCase
from plumbline.review.queue import Candidate, queue, sample
from plumbline.review.verdict import verdict
from tests import builders as b

BILLING, DEFECT, EDUCATION = b.CATEGORIES


def candidate(name: str, **changes: Any) -> Candidate:
    fields: dict[str, Any] = {
        "case_id": name,
        "shard": "00000",
        "content_hash": f"hash-{name}",
        "fingerprint": hashlib.sha256(name.encode()).hexdigest()[:16],
        "category": BILLING,
        "accepted": True,
        "confidence": 0.9,
        "close_call": False,
    }
    return Candidate(**(fields | changes))


def useful(candidates: list[Candidate], size: int, **options: Any) -> list[str]:
    chosen = queue(candidates, size, 1, **options)
    return [c.case_id for c, part in chosen.rows if part == "useful"]


def test_first_what_nobody_accepted_then_what_something_speaks_against_then_the_unsure_then_rare_classes() -> None:
    plain = [candidate(f"plain{n}") for n in range(30)]
    found = useful(
        [
            *plain,
            candidate("rare", category=EDUCATION),
            candidate("close", close_call=True),
            candidate("unsure", confidence=0.5),
            candidate("disagreed", disagreed=True),
            candidate("disagreed and unsure", disagreed=True, confidence=0.6),
            candidate("held", accepted=False, confidence=0.4),
            candidate("held and surer", accepted=False, confidence=0.48),
        ],
        20,
    )
    order = ["held", "held and surer", "disagreed and unsure", "disagreed", "unsure", "close", "rare"]
    drawn = {c.case_id for c, part in queue(plain, 20, 1).rows if part == "random"}
    assert not drawn & set(order)
    assert [name for name in found if name in order] == [name for name in order if name in found]
    assert found[:3] == order[:3]
    assert len(found) == 16


def test_of_near_duplicates_one_is_asked_also_when_the_other_is_of_the_random_part() -> None:
    alike = [candidate(f"twin{n}", fingerprint="0" * 16, confidence=0.1) for n in range(5)]
    others = [candidate(f"other{n}") for n in range(3)]
    chosen = queue([*alike, *others], 20, 1)
    names = [c.case_id for c, part in chosen.rows if part == "useful"]
    assert sum(name.startswith("twin") for name in names) <= 1
    assert chosen.near_duplicates >= 1


def test_known_cases_are_not_asked_again_but_stay_in_what_is_drawn_at_random() -> None:
    cases = [candidate(f"c{n}") for n in range(50)]
    known = frozenset(c.case_id for c in cases[:40])
    chosen = queue(cases, 25, 1, known)
    parts = Counter((part, c.case_id in known) for c, part in chosen.rows)
    assert parts["useful", True] == 0
    assert parts["random", True] > 0
    assert parts["random", True] + parts["random", False] == 5


def test_every_fifth_row_is_random_so_that_stopping_early_leaves_a_sample() -> None:
    rows = queue([candidate(f"c{n}") for n in range(200)], 50, 1).rows
    assert [part for _, part in rows] == ["useful", "useful", "useful", "useful", "random"] * 10


def test_a_larger_sample_of_the_same_seed_begins_with_the_smaller_and_another_seed_is_another_sample() -> None:
    cases = [candidate(f"c{n}") for n in range(100)] + [candidate("held", accepted=False)]
    small, large, other = (sample(cases, n, seed).rows for n, seed in ((10, 1), (40, 1), (10, 2)))
    assert large[:10] == small
    assert {c.case_id for c, _ in other} != {c.case_id for c, _ in small}
    assert sample(cases, 500, 1).population == 100
    assert "held" not in {c.case_id for c, _ in sample(cases, 500, 1).rows}


def test_the_random_part_estimates_the_accuracy_where_the_useful_part_does_not() -> None:
    """Wrong labels are unsure ones: the rows picked as useful are mostly wrong, the random ones as often as all."""
    cases = [candidate(f"c{n}", confidence=0.4 if n % 5 == 0 else 0.9) for n in range(5000)]
    asked, labels = [], []
    for found, part in queue(cases, 1000, 7).rows:
        wrong = found.confidence < 0.5
        asked.append(AskedCase(key="r", case_id=found.case_id, content_hash="h", model_label=BILLING, part=part))
        labels.append(
            GoldLabel(
                case_id=found.case_id,
                category=DEFECT if wrong else BILLING,
                source="review",
                labeled_at=b.NOW,
                run_id="run-1",
                content_hash="h",
            )
        )
    said = verdict(asked, labels, b.CATEGORIES)
    assert said.accuracy is not None
    assert said.useful is not None
    assert said.accuracy.accuracy.low <= 0.8 <= said.accuracy.accuracy.high
    assert said.useful.value < 0.1
    assert said.corrected == {(BILLING, DEFECT): sum(label.category == DEFECT for label in labels)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 10), st.integers(1, 40), st.integers(0, 3), st.randoms())
def test_a_queue_asks_each_case_once_and_does_not_depend_on_the_order_of_the_run(
    accepted: int, held: int, size: int, seed: int, rng: Any
) -> None:
    cases = [candidate(f"a{n}", confidence=n % 7 / 7) for n in range(accepted)]
    cases += [candidate(f"h{n}", accepted=False) for n in range(held)]
    chosen = queue(cases, size, seed)
    ids = [c.case_id for c, _ in chosen.rows]
    assert len(set(ids)) == len(ids)
    assert len(ids) == min(size, len(cases)) if accepted and size > 1 else len(ids) <= size
    assert all(c.accepted for c, part in chosen.rows if part == "random")
    rng.shuffle(cases)
    assert queue(cases, size, seed) == chosen


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_small_queue_still_has_a_random_row(size: int) -> None:
    parts = [part for _, part in queue([candidate(f"c{n}") for n in range(9)], size, 1).rows]
    assert (len(parts), parts.count("random")) == (size, 1)
