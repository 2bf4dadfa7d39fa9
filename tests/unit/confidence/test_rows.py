"""The labels of a run that have gold: near-duplicates in one group, and what was learned of them after the run."""

import random
from collections.abc import Mapping

import numpy as np
import pytest

from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.confidence import rows
from plumbline.confidence.later import judged_shares, neighbour_shares, neighbours_of_run
from plumbline.confidence.rows import grouped, rows_of_run
from plumbline.contracts.confidence import Calibration, Later, Signals, Weights
from plumbline.contracts.evaluation import Judged
from plumbline.contracts.labels import Label, Lineage, Outcome
from plumbline.contracts.selection import CaseVector
from plumbline.fingerprint import MAX_DISTANCE, NearDuplicates, hamming
from plumbline.gold import Told
from plumbline.jsonl import write_models
from plumbline.review.cases import candidates_of_run
from plumbline.select_next.vectors import pack
from tests import builders as b
from tests.fakes import MemoryStore

BILLING, DEFECT, _ = b.CATEGORIES
NEAR = {"a": BILLING, "b": BILLING, "c": DEFECT, "d": DEFECT}  # a to c point one way, d the other
DIRECTION = {"a": (1.0, 0.0), "b": (1.0, 0.05), "c": (1.0, 0.2), "d": (-1.0, 0.0)}


def outcomes(labels: Mapping[str, str]) -> list[Outcome]:
    return [
        Outcome(case_id=i, outcome="labeled", shard="00000", content_hash=f"hash-{i}", category=c, fingerprint="0" * 16)
        for i, c in labels.items()
    ]


def a_run(labels: Mapping[str, str], *, selected: bool) -> MemoryStore:
    """A run's labels and, where cases were selected, their vectors."""
    data = MemoryStore()
    lineage = Lineage(prompt=b.REF, model_id="m", run_id="run-1")
    write_models(data, keys.outcomes("run-1"), outcomes(labels))
    signals = Signals(runner_up=False)
    write_models(
        data,
        keys.labels("run-1", "00000"),
        [Label(case_id=i, category=c, confidence=0.9, signals=signals, lineage=lineage) for i, c in labels.items()],
    )
    vectors = zip(labels, pack(np.array([DIRECTION[i] for i in labels], dtype=np.float32)), strict=True)
    packed = [
        CaseVector(case_id=i, content_hash=f"hash-{i}", fingerprint="0" * 16, tokens=1, vector=v) for i, v in vectors
    ]
    if selected:
        data.write(keys.selection("run-1"), b"{}")
        write_models(data, keys.vectors("run-1", "00000"), packed)
    return data


def judge(case_id: str, category: str, score: int, content: str) -> Judged:
    return Judged(
        case_id=case_id, content_hash=content, category=category, score=score, explanation="", judge_model_id="j",
        judge=b.REF,
    )  # fmt: skip


def test_rows_have_what_a_judge_and_the_neighbours_say_and_how_the_case_was_drawn() -> None:
    data = a_run(NEAR, selected=True)
    write_models(data, keys.judged("run-1"), [judge("a", BILLING, 2, "hash-a")])
    gold = {"a": Told(DEFECT, "review", fair=False), "b": Told(BILLING, "export")}
    [one, other] = rows_of_run("run-1", gold, b.CATEGORIES, data)
    assert (one.right, one.fair, one.signals.judged) == (False, False, 0.25)
    assert (other.right, other.fair, other.signals.judged) == (True, True, None)
    assert one.signals.neighbours_for == pytest.approx(1 / 3)  # of b, c and d


def test_a_queue_goes_by_the_confidence_that_a_calibration_makes_of_all_that_is_known() -> None:
    data = a_run(NEAR, selected=False)
    write_models(data, keys.judged("run-1"), [judge("a", BILLING, 3, "hash-a"), judge("b", BILLING, 5, "hash-b")])
    later = Later(weights=Weights(intercept=0.0, by_feature={"judged": 4.0}), cases=40)
    calibration = Calibration(
        task="root_cause", prompt=b.REF, model_id="m", fitted_at=b.NOW, cases=60, weights={}, intercept=1.0,
        auroc=None, calibration_error=0.0, accuracy=wilson(40, 60), later=later,
    )  # fmt: skip
    found = candidates_of_run("run-1", data, with_signals=True, calibration=calibration)
    assert {one.case_id: one.confidence for one in found} == {"a": 0.5, "b": 0.8808, "c": 0.7311, "d": 0.7311}
    assert [one.disagreed for one in found] == [False] * 4
    write_models(data, keys.judged("run-1"), [judge("a", BILLING, 2, "hash-a")])
    assert [one.case_id for one in candidates_of_run("run-1", data, with_signals=True) if one.disagreed] == ["a"]


def test_a_judges_score_counts_for_the_very_label_and_content_that_it_saw() -> None:
    data = MemoryStore()
    scores = [judge("a", BILLING, 5, "hash-a"), judge("b", DEFECT, 5, "hash-b"), judge("c", DEFECT, 1, "another")]
    write_models(data, keys.judged("run-1"), scores)
    assert judged_shares("run-1", outcomes(NEAR), data) == {"a": 1.0}
    assert judged_shares("run-2", outcomes(NEAR), data) == {}


def test_neighbours_are_the_nearest_others_by_cosine() -> None:
    vectors = np.array([DIRECTION[i] for i in NEAR], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = list(NEAR.items())
    assert neighbour_shares(vectors, labels, vectors, labels, count=1) == [1.0, 1.0, 0.0, 1.0]
    assert neighbour_shares(vectors, labels, vectors, labels) == pytest.approx([1 / 3] * 4)
    assert neighbour_shares(vectors[:1], labels[:1], vectors[:1], labels[:1]) == [None]
    assert neighbour_shares(vectors[:1], [("new", BILLING)], vectors, labels, count=2) == [1.0]


def test_a_run_without_vectors_has_no_neighbours() -> None:
    assert neighbours_of_run("run-1", outcomes(NEAR), a_run(NEAR, selected=False)) == {}
    found = neighbours_of_run("run-1", outcomes({"a": BILLING}), a_run(NEAR, selected=True))
    assert found == {"a": pytest.approx(1 / 3)}


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
