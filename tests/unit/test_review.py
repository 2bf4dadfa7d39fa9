"""A case that a person has to see first: no stage shows it to a model, and every figure counts it."""

from pathlib import Path

import pytest

from plumbline import keys
from plumbline.check_balance import check_balance
from plumbline.classify import classify
from plumbline.collate import collate
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import NothingLabeled
from plumbline.contracts.labels import Outcome
from plumbline.contracts.predictions import (
    ExportPredicted,
    PredictedCase,
    PredictShardTask,
    SummarizeTask,
    TrendSummary,
)
from plumbline.contracts.runs import BalanceTask, CollateTask, RunRow, ShardFailure
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_models
from plumbline.parse import parse
from plumbline.predict_shard import Models, predict_shard
from plumbline.report.advice import next_steps
from plumbline.summarize_predictions import summarize_predictions
from tests import builders as b
from tests import predicting as p
from tests.fakes import FakeModel, MemoryEventBus, MemoryLedger, MemorySpend, MemoryStore

REASON = "Anonymization: policy PASSPORT, leftover EMAIL"


def withheld(case_id: str) -> AnonymizedCase:
    review = ("policy: PASSPORT", "leftover: EMAIL")
    return b.case(case_id).model_copy(update={"subject": "", "messages": (), "review": review, "content_hash": "h"})


def labeled(data: MemoryStore, *cases: AnonymizedCase) -> FakeModel:
    """The cases through Classify and Parse."""
    model = FakeModel(lambda _: b.answer("Billing Inquiry"))
    b.store_cases(data, *cases)
    b.store_index(data, *(b.index(case.case_id) for case in cases))
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    return model


def collated(data: MemoryStore, cases: int) -> tuple[dict[str, Outcome], RunSummary, MemoryLedger]:
    ledger = MemoryLedger()
    task = CollateTask(run=b.run(), ingest=b.ingest_result(cases))
    collate(task, data=data, ledger=ledger, spend=MemorySpend(), prompt=b.prompt(), minutes_per_case=5)
    outcomes = {o.case_id: o for o in read_models(data, keys.outcomes("run-1"), Outcome)}
    return outcomes, RunSummary.model_validate_json(data.read(keys.summary("run-1"))), ledger


def test_the_model_is_not_asked_and_the_outcome_says_why() -> None:
    data = MemoryStore()
    model = labeled(data, b.case("good"), withheld("seen-first"))
    outcomes, summary, ledger = collated(data, 2)
    assert len(model.requests) == 1
    assert "subject of good" in model.requests[0].model_dump_json()
    assert (outcomes["seen-first"].outcome, outcomes["seen-first"].reason) == ("needs_review", REASON)
    assert outcomes["good"].outcome == "labeled"
    assert summary.outcome_reasons == {f"needs_review: {REASON}": 1}
    assert list(ledger.hashes) == [(b.run().task, "good")]  # so that it comes up again at the next upload
    [review] = [step for step in next_steps(summary) if "personal data" in step.text]
    assert "1 case" in review.text


def test_a_run_of_nothing_but_such_cases_ends_well_and_one_whose_other_cases_all_failed_does_not() -> None:
    data = MemoryStore()
    assert labeled(data, withheld("a"), withheld("b")).requests == []
    assert collated(data, 2)[1].outcomes["needs_review"] == 2
    data = MemoryStore()
    b.store_cases(data, b.case("good"), withheld("seen-first"))
    b.store_index(data, b.index("good"), b.index("seen-first"))
    failure = ShardFailure(shard="00000", error="ModelAccessDenied")
    data.write(keys.shard_failure("run-1", "00000"), failure.model_dump_json().encode())
    with pytest.raises(NothingLabeled, match="all 1 new cases failed"):
        collated(data, 2)
    outcomes = {o.case_id: o.outcome for o in read_models(data, keys.outcomes("run-1"), Outcome)}
    assert outcomes == {"good": "failed", "seen-first": "needs_review"}


def test_a_label_left_by_an_earlier_try_does_not_count() -> None:
    data = MemoryStore()
    labeled(data, b.case("a"))
    b.store_cases(data, withheld("a"))  # anonymized again, under stricter settings
    assert collated(data, 1)[0]["a"].outcome == "needs_review"


def test_no_dataset_takes_it() -> None:
    data = MemoryStore()
    labeled(data, b.case("good"), withheld("seen-first"))
    _, _, ledger = collated(data, 2)
    run = b.run()
    ledger.put_run(
        RunRow(run_id=run.run_id, task=run.task, status="RUNNING", source=run.key, started_at=run.started_at)
    )
    result = check_balance(BalanceTask(run=run), data=data, ledger=ledger, prompt=b.prompt())
    assert sum(count.this_run for count in result.counts) == 1


def test_its_prediction_abstains_and_the_day_counts_it(tmp_path: Path) -> None:
    data, ledger, run = p.store(), MemoryLedger(), p.run()
    case = p.anonymized("seen-first", "").model_copy(update={"review": ("leftover: NUMBER",)})
    p.put_shards(data, run, [p.anonymized("one", "the invoice is wrong"), case])
    task = PredictShardTask(run=run, shard="00000")
    predict_shard(task, data=data, ledger=ledger, models=Models(tmp_path), abstain_below=0.5, now=p.NOW)
    one, seen = read_models(data, keys.predictions("2026-05-02", run.run_id, "00000"), PredictedCase)
    assert (one.category, one.needs_review) == ("Billing Inquiry", None)
    assert (seen.category, seen.abstained, seen.confidence, seen.alternatives) == (None, True, 0.0, ())
    assert seen.needs_review == "Anonymization: leftover NUMBER"

    export = ExportPredicted(run=run, ingest=b.ingest_result(2))
    summarize_predictions(
        SummarizeTask(day=p.DAY, batch_id="batch-1", exports=(export,)),
        task_name=p.TASK,
        data=data,
        ledger=ledger,
        events=MemoryEventBus(),
        drift_threshold=0.2,
        now=p.NOW,
    )
    summary = TrendSummary.model_validate_json(data.read(keys.trend_summary("2026-05-02")))
    assert (summary.cases, summary.failed, summary.abstained, summary.needs_review) == (2, 0, 1, 1)
    assert sum(summary.model_versions.values()) == 1
    assert summary.mean_confidence == one.confidence


def test_a_shard_of_nothing_but_such_cases_is_predicted(tmp_path: Path) -> None:
    data, run = p.store(), p.run()
    p.put_shards(data, run, [p.anonymized("a", "").model_copy(update={"review": ("policy: IBAN",)})])
    task = PredictShardTask(run=run, shard="00000")
    done = predict_shard(task, data=data, ledger=MemoryLedger(), models=Models(tmp_path), abstain_below=0.5, now=p.NOW)
    assert done.done == 1
