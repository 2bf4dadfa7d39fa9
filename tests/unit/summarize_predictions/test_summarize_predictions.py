"""A day's summary: counts that add up, over executions and failures; the word about drift; closed rows."""

from datetime import date
from pathlib import Path

import pytest

from plumbline import keys
from plumbline.contracts.errors import BrokenInvariant, EventsUnavailable
from plumbline.contracts.models import CARD_FILE
from plumbline.contracts.predictions import (
    ExportPredicted,
    PredictionRun,
    PredictShardTask,
    SummarizeResult,
    SummarizeTask,
    TrendSummary,
    predictions_scope,
)
from plumbline.contracts.runs import ShardFailure
from plumbline.predict_shard import Models, predict_shard
from plumbline.summarize_predictions import DRIFT_EVENT, summarize_predictions
from tests import builders as b
from tests import predicting as p
from tests.fakes import MemoryEventBus, MemoryLedger

SCOPE = predictions_scope(p.TASK)


class Batch:
    """The data bucket, ledger and bus that executions of PredictCases work on."""

    def __init__(self, folder: Path) -> None:
        self.data, self.ledger, self.bus, self.models = p.store(), MemoryLedger(), MemoryEventBus(), Models(folder)

    def export(
        self, run: PredictionRun, *shards: list[str], failed: tuple[int, ...] = (), **ingest: int
    ) -> ExportPredicted:
        """Predict an export of shards of texts; those in `failed` leave an error instead."""
        cases = [[p.anonymized(f"{run.run_id}-{n}-{m}", t) for m, t in enumerate(s)] for n, s in enumerate(shards)]
        for number, shard in enumerate(p.put_shards(self.data, run, *cases)):
            if number in failed:
                self.fail(run, shard)
            else:
                self.predict(run, shard)
        new = sum(map(len, shards))
        unchanged = ingest.get("unchanged", 0)
        return ExportPredicted(run=run, ingest=b.ingest_result(new + unchanged, new=new, **ingest))

    def predict(self, run: PredictionRun, shard: str) -> None:
        predict_shard(
            PredictShardTask(run=run, shard=shard),
            data=self.data,
            ledger=self.ledger,
            models=self.models,
            abstain_below=0.5,
            now=p.NOW,
        )

    def fail(self, run: PredictionRun, shard: str) -> None:
        failure = ShardFailure(shard=shard, error="Sandbox.Timedout")
        self.data.write(keys.shard_failure(run.run_id, shard), failure.model_dump_json().encode())

    def summarize(self, *exports: ExportPredicted, day: date = p.DAY, floor: float = 0.2) -> SummarizeResult:
        return summarize_predictions(
            SummarizeTask(day=day, batch_id="batch-1", exports=exports),
            task_name=p.TASK,
            data=self.data,
            ledger=self.ledger,
            events=self.bus,
            drift_threshold=floor,
            now=p.NOW,
        )

    def summary(self, day: date = p.DAY) -> TrendSummary:
        return TrendSummary.model_validate_json(self.data.read(keys.trend_summary(day.isoformat())))


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path / "models")


def check(summary: TrendSummary) -> None:
    """What holds of every summary."""
    predicted = sum(summary.model_versions.values())
    assert summary.cases == predicted + summary.failed
    assert sum(summary.categories.values()) + summary.abstained == predicted
    assert sum(sum(day.values()) for day in summary.categories_per_day.values()) == sum(summary.categories.values())
    assert sum(summary.failures.values()) == summary.failed


def test_every_new_case_is_predicted_or_failed(batch: Batch) -> None:
    export = batch.export(
        p.run(), ["invoice", "invoice", "crash"], ["how", "weather"], ["crash"], failed=(2,), unchanged=4, rejected=2
    )
    result = batch.summarize(export)
    summary = batch.summary()
    check(summary)
    assert (summary.cases, summary.unchanged, summary.rejected, summary.failed) == (6, 4, 2, 1)
    assert summary.categories == {"Billing Inquiry": 2, "Software Defect": 1, "Customer Education": 1}
    assert summary.categories_per_day == {"2026-05-02": summary.categories}
    assert (summary.abstained, summary.abstained_share) == (1, 0.2)
    assert summary.failures == {"Sandbox.Timedout": 1}
    assert (result.cases, result.failed, result.abstained) == (6, 1, 1)


def test_an_export_of_which_cases_failed_is_left_for_the_next_execution(batch: Batch) -> None:
    run = p.run()
    batch.summarize(batch.export(run, ["invoice"], ["crash"], failed=(1,)))
    row = batch.ledger.rows[SCOPE, run.run_id]
    assert (row.status, row.error, row.day) == ("FAILED", "Sandbox.Timedout", p.DAY)
    assert "1 of 2" in (row.cause or "")
    # The next day it is whole, in the summary of its own day.
    batch.predict(run, "00001")
    export = ExportPredicted(run=run, ingest=b.ingest_result(2))
    batch.summarize(export, day=date(2026, 5, 3))
    assert (batch.summary().failed, batch.summary().cases, batch.summary(date(2026, 5, 3)).cases) == (0, 2, 0)
    assert batch.ledger.rows[SCOPE, run.run_id].status == "SUCCEEDED"


def test_a_second_execution_adds_to_the_day_and_a_repeat_changes_nothing(batch: Batch) -> None:
    first = batch.export(p.run("a"), ["invoice", "crash"])
    batch.summarize(first)
    second = batch.export(p.run("b"), ["how"])
    batch.summarize(second)
    summary = batch.summary()
    check(summary)
    assert (summary.exports, summary.cases) == (2, 3)
    batch.summarize(second)
    assert batch.summary() == summary
    batch.summarize()
    assert batch.summary() == summary


def test_an_export_that_could_not_be_read_is_named(batch: Batch) -> None:
    unread = ExportPredicted(run=p.run("bad"), error="InvalidCaseFile")
    batch.summarize(batch.export(p.run("good"), ["invoice"]), unread)
    summary = batch.summary()
    assert (summary.exports, summary.cases, summary.export_errors) == (2, 1, {"daily/bad.csv": "InvalidCaseFile"})
    assert (SCOPE, "predict-bad") not in batch.ledger.rows  # RecordFailure has written its row


def test_a_shard_that_left_neither_predictions_nor_an_error_is_lost_and_counted(batch: Batch) -> None:
    run = p.run()
    p.put_shards(batch.data, run, [p.anonymized("x", "invoice")])
    batch.summarize(ExportPredicted(run=run, ingest=b.ingest_result(1), error="States.ItemReaderFailed"))
    assert batch.summary().failures == {"ShardLost": 1}
    assert batch.ledger.rows[SCOPE, run.run_id].error == "States.ItemReaderFailed"


def test_what_a_failed_shard_had_written_is_remembered(batch: Batch) -> None:
    run = p.run()
    export = batch.export(run, ["invoice"])
    batch.ledger.hashes.clear()
    batch.fail(run, "00000")
    batch.summarize(export)
    assert (batch.summary().cases, batch.summary().failed) == (1, 0)
    assert batch.ledger.hashes == {(SCOPE, "predict-a-0-0"): "hash-predict-a-0-0-7"}


def test_counts_that_cannot_be_are_an_error(batch: Batch) -> None:
    run = p.run()
    export = batch.export(run, ["invoice", "crash"])
    with pytest.raises(BrokenInvariant, match=run.run_id):
        batch.summarize(export.model_copy(update={"ingest": b.ingest_result(3)}))


def test_a_shard_that_fails_when_taken_up_again_with_fewer_new_cases_counts_only_its_own(batch: Batch) -> None:
    """Another export brought some of the cases meanwhile, so that the shards of the second attempt hold others."""
    run = p.run()
    first = [p.anonymized(f"c{n}", "invoice") for n in range(4)]
    for shard in p.put_shards(batch.data, run, first[:3], first[3:]):
        batch.predict(run, shard)
    batch.ledger.hashes.clear()
    p.put_shards(batch.data, run, first[2:])  # c0 and c1 are the other export's now; 00000 still names c0, c1 and c2
    batch.fail(run, "00000")
    batch.summarize(ExportPredicted(run=run, ingest=b.ingest_result(4, new=2, unchanged=2)))
    summary = batch.summary()
    check(summary)
    assert (summary.cases, summary.failed, summary.categories) == (2, 1, {"Billing Inquiry": 1})
    assert batch.ledger.hashes == {(SCOPE, "c2"): "hash-c2-7"}
    row = batch.ledger.rows[SCOPE, run.run_id]
    assert (row.status, row.outcomes["failed"]) == ("FAILED", 1)


def test_a_changed_case_is_not_predicted_by_what_was_said_of_it_before(batch: Batch) -> None:
    run = p.run()
    batch.export(run, ["invoice"])
    p.put_shards(batch.data, run, [p.anonymized("predict-a-0-0", "the invoice again")])
    batch.fail(run, "00000")
    batch.summarize(ExportPredicted(run=run, ingest=b.ingest_result(1)))
    assert batch.summary().failures == {"Sandbox.Timedout": 1}


def test_an_export_that_another_execution_is_ingesting_anew_sinks_no_summary(batch: Batch) -> None:
    batch.summarize(batch.export(p.run("a"), ["invoice", "crash"]))
    p.put_shards(batch.data, p.run("a"), [p.anonymized("predict-a-0-1", "crash")])
    batch.summarize(batch.export(p.run("b"), ["how"]))
    summary = batch.summary()
    check(summary)
    assert (summary.exports, summary.cases, summary.failed) == (2, 2, 0)


def test_an_empty_day_has_figures_that_say_so(batch: Batch) -> None:
    result = batch.summarize()
    summary = batch.summary()
    assert (summary.exports, summary.cases, summary.drift, summary.mean_confidence) == (0, 0, (), None)
    assert (result.exports, result.drifted) == ((), False)


def test_drift_is_said_once_a_batch_of_news_without_text(batch: Batch) -> None:
    export = batch.export(p.run(), *[["a crash"] * 50] * 4)
    result = batch.summarize(export)
    assert result.drifted
    [(kind, detail)] = batch.bus.sent
    assert kind == DRIFT_EVENT
    assert (detail["task"], detail["day"], detail["summary_key"]) == (p.TASK, "2026-05-02", result.summary_key)
    assert detail["drift"][0]["statistic"] == "population stability index"
    assert batch.summary().drift_model == p.POINTER.version
    assert "a crash" not in str(detail)
    batch.summarize()  # nothing new: nobody is told again
    assert len(batch.bus.sent) == 1


def test_few_cases_do_not_drift_by_chance(batch: Batch) -> None:
    assert not batch.summarize(batch.export(p.run(), ["invoice", "crash", "how", "crash"])).drifted
    assert not batch.bus.sent


def test_without_the_models_card_there_is_no_drift_and_a_summary_all_the_same(batch: Batch) -> None:
    export = batch.export(p.run(), ["crash"] * 40)
    del batch.data.objects[f"{p.POINTER.prefix}{CARD_FILE}"]
    assert not batch.summarize(export).drifted
    assert (batch.summary().drift, batch.summary().cases) == ((), 40)


class _DeafBus(MemoryEventBus):
    def send(self, detail_type: str, detail: object) -> None:
        raise EventsUnavailable("EventBridge was not reached")


def test_an_export_is_closed_only_when_everything_else_is_done(batch: Batch) -> None:
    export = batch.export(p.run(), ["crash"] * 50, ["crash"] * 50)
    batch.bus = _DeafBus()
    with pytest.raises(EventsUnavailable):
        batch.summarize(export)
    assert not batch.ledger.rows
    batch.bus = MemoryEventBus()
    batch.summarize(export)
    assert len(batch.bus.sent) == 1
    assert batch.ledger.rows[SCOPE, "predict-a"].status == "SUCCEEDED"
