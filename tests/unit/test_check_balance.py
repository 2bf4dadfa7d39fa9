"""CheckBalance: the verdict, what is picked, how it is split."""

import hashlib
import json
import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline import keys
from plumbline.check_balance import check_balance
from plumbline.check_balance.pick import Picked
from plumbline.check_balance.pool import Candidate
from plumbline.check_balance.write import assign_splits
from plumbline.collate import collate
from plumbline.contracts.datasets import DatasetManifest, DatasetRow
from plumbline.contracts.runs import BalanceResult, BalanceTask, CollateTask, ReportTask, RunRow, TrainingOutcome
from plumbline.jsonl import read_models, write_models
from plumbline.parse import parse
from plumbline.report.finish import finish
from tests import builders as b
from tests.fakes import MemoryLedger, MemorySpend, MemoryStore

BILLING, DEFECT, EDUCATION = b.CATEGORIES


def fingerprint(name: str) -> str:
    """A fingerprint that is near no other."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def labeled_run(
    data: MemoryStore,
    ledger: MemoryLedger,
    cases: dict[str, tuple[str, str]],
    *,
    run_id: str = "run-1",
    minutes: int = 0,
    fingerprints: dict[str, str] | None = None,
) -> None:
    """A run through Parse and Collate. `cases`: id → (category, runner-up)."""
    run = b.run(run_id=run_id, started_at=b.NOW + timedelta(minutes=minutes))
    prints = fingerprints or {}
    b.store_cases(
        data, *(b.case(c, f"text of {c} in {run_id}", prints.get(c, fingerprint(c))) for c in cases), run_id=run_id
    )
    replies = [b.reply(case_id, b.answer(category, other)) for case_id, (category, other) in cases.items()]
    write_models(data, keys.replies(run_id, "00000"), replies)
    parse(b.shard_task().model_copy(update={"run": run}), data=data, prompt=b.prompt())
    b.store_index(data, *(b.index(case_id) for case_id in cases), run_id=run_id)
    ledger.put_run(RunRow(run_id=run_id, task=run.task, status="RUNNING", source=run.key, started_at=run.started_at))
    task = CollateTask(run=run, ingest=b.ingest_result(len(cases)))
    collate(task, data=data, ledger=ledger, spend=MemorySpend(), prompt=b.prompt(), minutes_per_case=5)


def balance(data: MemoryStore, ledger: MemoryLedger, target: int = 3, run_id: str = "run-1") -> BalanceResult:
    task = BalanceTask(run=b.run(target_per_class=target, run_id=run_id))
    return check_balance(task, data=data, ledger=ledger, prompt=b.prompt())


def many(each: int, *categories: str) -> dict[str, tuple[str, str]]:
    return {f"{category[0]}{n}": (category, "none") for category in categories or b.CATEGORIES for n in range(each)}


def manifest_of(data: MemoryStore, result: BalanceResult) -> DatasetManifest:
    assert result.manifest_key is not None
    return DatasetManifest.model_validate_json(data.read(result.manifest_key))


def test_enough_of_every_class_is_balanced_and_the_files_are_what_the_manifest_says() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(25))
    result = balance(data, ledger, target=20)
    assert (result.verdict, result.missing, result.selected) == ("balanced", {}, 60)

    manifest = manifest_of(data, result)
    assert manifest.per_class == dict.fromkeys(b.CATEGORIES, 20)
    assert [file.split for file in manifest.files] == ["train", "validation", "test"]
    assert [file.per_class for file in manifest.files] == [dict.fromkeys(b.CATEGORIES, n) for n in (16, 2, 2)]
    rows = []
    for file in manifest.files:
        content = data.read(file.key)
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert len(content) == file.bytes
        rows += list(read_models(data, file.key, DatasetRow))
    assert len({row.case_id for row in rows}) == 60
    assert rows[0].text.startswith("subject of ")
    assert (manifest.run_ids, manifest.model_ids, manifest.prompts) == (("run-1",), ("local.test",), (b.REF,))


def test_the_manifest_keeps_the_class_counts_before_balancing() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(6, BILLING) | many(3, DEFECT, EDUCATION))
    manifest = manifest_of(data, balance(data, ledger, target=3))
    assert manifest.per_class == {BILLING: 3, DEFECT: 3, EDUCATION: 3}
    assert manifest.pool_per_class == {BILLING: 6, DEFECT: 3, EDUCATION: 3}


def test_a_class_below_the_target_is_short_by_so_many_and_says_how_many_more_cases_it_takes() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(6, BILLING) | many(3, DEFECT))
    result = balance(data, ledger, target=5)
    assert result.verdict == "short"
    assert result.missing == {DEFECT: 2, EDUCATION: 5}
    assert result.more_cases_needed == {DEFECT: 6, EDUCATION: None}  # a third of all cases were defects
    assert manifest_of(data, result).verdict == "short"


def test_no_label_at_all_is_empty_and_writes_nothing() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, {})
    result = balance(data, ledger)
    assert (result.verdict, result.manifest_key, result.dataset_version) == ("empty", None, None)
    assert not [key for key in data.objects if key.startswith("datasets/")]


def test_the_most_confident_labels_are_picked_first() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    sure = {f"sure{n}": (BILLING, "none") for n in range(3)}
    close = {f"close{n}": (BILLING, DEFECT) for n in range(3)}
    labeled_run(data, ledger, close | sure)
    manifest = manifest_of(data, balance(data, ledger, target=3))
    ids = {row.case_id for file in manifest.files for row in read_models(data, file.key, DatasetRow)}
    assert ids == set(sure)


def test_near_duplicates_are_left_out_and_do_not_count_towards_the_target() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(3), fingerprints=dict.fromkeys(["B0", "B1", "B2"], fingerprint("B0")))
    result = balance(data, ledger, target=3)
    assert (result.verdict, result.missing, result.near_duplicates) == ("short", {BILLING: 2}, 2)


def test_labels_of_earlier_runs_count_and_the_newest_label_of_a_case_wins() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, {"A": (BILLING, "none"), "B": (BILLING, "none")}, run_id="run-0", minutes=-5)
    labeled_run(data, ledger, {"A": (DEFECT, "none"), "C": (EDUCATION, "none")})
    result = balance(data, ledger, target=1)
    assert {c.category: (c.this_run, c.accepted) for c in result.counts} == {
        BILLING: (0, 1),
        DEFECT: (1, 1),
        EDUCATION: (1, 1),
    }
    assert result.verdict == "balanced"
    assert manifest_of(data, result).run_ids == ("run-0", "run-1")


def test_the_same_labels_give_the_same_dataset_byte_for_byte() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(8))
    first = balance(data, ledger, target=5)
    before = {key: value for key, value in data.objects.items() if key.endswith(".jsonl")}
    assert balance(data, ledger, target=5) == first
    assert {key: value for key, value in data.objects.items() if key.endswith(".jsonl")} == before


def test_finishing_closes_the_row_and_completes_the_summary() -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(3))
    verdict = balance(data, ledger)
    task = ReportTask(run=b.run(), balance=verdict, training=TrainingOutcome(job_name="job"))
    finish(task, data=data, ledger=ledger, render=lambda summary: f"<p>{summary.status}</p>")
    row = ledger.get_run("root_cause", "run-1")
    assert row is not None
    assert (row.status, row.verdict, row.outcomes["labeled"]) == ("SUCCEEDED", "balanced", 9)
    assert data.read(keys.report("run-1")) == b"<p>SUCCEEDED</p>"
    summary = json.loads(data.read(keys.summary("run-1")))
    assert (summary["training_job"], summary["balance"]["verdict"]) == ("job", "balanced")


@settings(max_examples=50)
@given(st.integers(0, 60), st.randoms())
def test_splits_are_stratified_disjoint_and_do_not_depend_on_order(each: int, rng: random.Random) -> None:
    candidates = [Candidate(f"{c}{n}", c, 0.9, "0" * 16, "h", "r", "s") for c in ("x", "y") for n in range(each)]
    splits = assign_splits(Picked(tuple(candidates), Counter(), Counter(), 1))
    for category in ("x", "y"):
        sizes = [
            sum(1 for i, s in splits.items() if i[0] == category and s == split) for split in ("test", "validation")
        ]
        assert sizes[0] == sizes[1]
        assert sum(sizes) < max(each, 1)
        if each >= 3:
            assert sizes[0] >= 1
    rng.shuffle(candidates)
    assert assign_splits(Picked(tuple(candidates), Counter(), Counter(), 1)) == splits


def test_a_case_in_the_test_set_mostly_stays_there_when_the_dataset_grows() -> None:
    def test_ids(size: int) -> set[str]:
        candidates = tuple(Candidate(f"case-{n}", "x", 0.9, "0" * 16, "h", "r", "s") for n in range(size))
        splits = assign_splits(Picked(candidates, Counter(), Counter(), 1))
        return {case_id for case_id, split in splits.items() if split == "test"}

    small, large = test_ids(1000), test_ids(1100)
    assert len(small & large) / len(small) > 0.85


@pytest.mark.parametrize("each", [1, 2])
def test_a_class_too_small_to_split_keeps_its_cases_for_training(each: int) -> None:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, many(each))
    manifest = manifest_of(data, balance(data, ledger, target=1))
    assert manifest.files[0].rows == 3
