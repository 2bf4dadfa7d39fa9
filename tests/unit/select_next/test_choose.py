"""Which cases are chosen: short classes first, a fair sample beside them, nothing twice, the same every time."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from plumbline.fingerprint import NearDuplicates
from plumbline.select_next.chances import Classifier, fit
from plumbline.select_next.choose import Block, Choice, choose

CLASSES = 3
CERTAIN = Classifier(20 * np.eye(CLASSES, dtype=np.float64), np.zeros(CLASSES))
SHARES = (0.80, 0.15, 0.05)


def _fingerprint(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"  # consecutive numbers differ in many bits


def _backlog(size: int = 1000, block: int = 50, shares: Sequence[float] = SHARES) -> list[Block]:
    of = np.random.default_rng(3).choice(CLASSES, size, p=shares)
    return [
        Block(
            shard=f"{start // block:05d}",
            case_ids=[f"case-{n}-class-{of[n]}" for n in range(start, start + block)],
            fingerprints=[_fingerprint(n) for n in range(start, start + block)],
            vectors=np.eye(CLASSES, dtype=np.float32)[of[start : start + block]],
        )
        for start in range(0, size, block)
    ]


def _choose(backlog: Sequence[Block], short: Sequence[float], count: int, **options: object) -> Choice:
    given = {"seed": "run-1", "near": NearDuplicates(), "explore_share": 0.15} | options
    return choose(iter(backlog), CERTAIN, short=short, count=count, **given)  # type: ignore[arg-type]  # of tests only


def _classes(choice: Choice) -> Counter[int]:
    return Counter(int(candidate.case_id[-1]) for candidate in choice.gaining)


def test_labels_go_where_they_are_missing_and_stop_when_the_quota_is_expected_to_be_full() -> None:
    choice = _choose(_backlog(), short=(0, 20, 20), count=100, explore_share=0)
    assert _classes(choice) == {1: 23, 2: 23}  # a tenth more than is missing
    assert choice.backlog == 1000


def test_one_class_does_not_take_all_of_a_small_budget() -> None:
    choice = _choose(_backlog(), short=(100, 100, 100), count=30, explore_share=0)
    assert _classes(choice) == {0: 10, 1: 10, 2: 10}


def test_the_class_that_is_shorter_goes_first() -> None:
    chosen = _classes(_choose(_backlog(), short=(10, 0, 40), count=20, explore_share=0))
    assert chosen[2] >= 10
    assert chosen[1] == 0


def test_what_is_explored_is_a_fair_sample_of_the_whole_backlog() -> None:
    choice = _choose(_backlog(4000), short=(0, 0, 500), count=1000, explore_share=0.5)
    assert len(choice.explored) == 500
    drawn = Counter(int(candidate.case_id[-1]) for candidate in choice.explored)
    for index, share in enumerate(SHARES):
        assert drawn[index] / 500 == pytest.approx(share, abs=0.04)


def test_no_case_is_chosen_twice() -> None:
    choice = _choose(_backlog(), short=(50, 50, 50), count=200)
    ids = [candidate.case_id for candidate in (*choice.explored, *choice.gaining)]
    assert len(ids) == len(set(ids)) <= 200


def test_the_choice_depends_on_the_seed_and_not_on_the_order_of_the_backlog() -> None:
    forward = _choose(_backlog(), short=(5, 20, 20), count=60)
    backward = _choose(_backlog()[::-1], short=(5, 20, 20), count=60)
    assert _ids(forward) == _ids(backward)
    assert _ids(forward) != _ids(_choose(_backlog(), short=(5, 20, 20), count=60, seed="run-2"))


def _ids(choice: Choice) -> list[str]:
    return [candidate.case_id for candidate in (*choice.explored, *choice.gaining)]


def test_near_duplicates_of_what_is_labeled_or_chosen_are_passed_over() -> None:
    [block] = _backlog(50, shares=(0, 0, 1))
    twins = block._replace(fingerprints=[_fingerprint(n // 2) for n in range(50)])
    near = NearDuplicates()
    near.add(_fingerprint(0))
    choice = _choose([twins], short=(0, 0, 50), count=50, explore_share=0, near=near)
    assert len(choice.gaining) == 24
    assert choice.near_duplicates == 26


def test_nothing_is_chosen_where_nothing_is_short_or_nothing_is_there() -> None:
    assert _choose(_backlog(), short=(0, 0, 0), count=50) == Choice((), (), 1000, 0)
    assert _choose([], short=(9, 9, 9), count=50) == Choice((), (), 0, 0)


def test_the_backlog_is_read_once_and_only_the_best_are_held() -> None:
    blocks = _backlog(5000)
    held: list[int] = []

    def stream() -> Iterator[Block]:
        yield from blocks
        held.append(1)

    choice = choose(stream(), CERTAIN, short=(5, 5, 5), count=15, seed="s", near=NearDuplicates())
    assert held == [1]
    assert choice.backlog == 5000


def test_chances_come_from_descriptions_at_first_and_from_labels_then() -> None:
    random = np.random.default_rng(5)
    centers = np.eye(CLASSES, 16, dtype=np.float32)
    blind = fit(np.zeros((0, 16), dtype=np.float32), [], centers)
    assert blind.chances(centers).argmax(axis=1).tolist() == [0, 1, 2]
    # The descriptions say the opposite of what the labels show: enough labels win.
    labels = np.arange(300) % CLASSES
    vectors = centers[labels] + random.normal(0, 0.1, (300, 16)).astype(np.float32)
    learned = fit(vectors, labels.tolist(), centers[::-1])
    assert (learned.chances(vectors).argmax(axis=1) == labels).mean() > 0.95
    assert learned.chances(vectors).sum(axis=1) == pytest.approx(1)


def test_a_class_without_labels_is_found_by_its_description() -> None:
    random = np.random.default_rng(6)
    centers = np.eye(CLASSES, 16, dtype=np.float32)
    labels = np.arange(40) % 2
    vectors = centers[labels] + random.normal(0, 0.1, (40, 16)).astype(np.float32)
    learned = fit(vectors, labels.tolist(), centers)
    third = centers[[2] * 10] + random.normal(0, 0.1, (10, 16)).astype(np.float32)
    assert learned.chances(third)[:, 2].min() > learned.chances(vectors)[:, 2].max()
