"""The end of a predict-batch: its own figures, what is downloaded, and the exit code."""

import json
from datetime import date
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from cli.batch_results import conclude_batch
from cli.errors import CliError
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.api import Alternative
from plumbline.contracts.cases import Reject
from plumbline.contracts.predictions import (
    ExportPredicted,
    PredictedCase,
    PredictionRun,
    SummarizeResult,
    SummarizeTask,
    TrendSummary,
)
from plumbline.contracts.runs import RunRow
from plumbline.jsonl import write_models
from plumbline.summarize_predictions import summarize_predictions
from tests import predicting as p
from tests.builders import ingest_result
from tests.fakes import MemoryEventBus, MemoryLedger, MemoryStore

Categories = tuple[str | None, ...]


class Bucket:
    """Exports that were predicted, and summaries of them."""

    def __init__(self) -> None:
        self.memory = p.store()
        self.raw = MemoryStore()

    def export(self, name: str, *categories: str | None, failed: int = 0, **ingest: object) -> ExportPredicted:
        """One shard with a case for each category, None for an abstained one; the last `failed` got no prediction."""
        run = p.run(name)
        cases = [p.anonymized(f"{name}-{number}", "t") for number in range(len(categories))]
        [shard] = p.put_shards(self.memory, run, cases)
        known = zip(cases[: len(cases) - failed], categories, strict=False)
        predicted = [_predicted(run, case.case_id, str(case.content_hash), category) for case, category in known]
        write_models(self.memory, keys.predictions(run.day.isoformat(), run.run_id, shard), predicted)
        return ExportPredicted(run=run, ingest=ingest_result(len(categories)).model_copy(update=ingest))

    def rejects(self, name: str, *rows: Reject) -> None:
        write_models(self.raw, keys.rejects(p.run(name).run_id), rows)

    def summarized(self, *exports: ExportPredicted) -> SummarizeResult:
        """As the state machine's last state leaves it, for the commands to read."""
        result = summarize_predictions(
            SummarizeTask(day=p.DAY, batch_id="b", exports=exports), task_name=p.TASK, data=self.memory,
            ledger=MemoryLedger(), events=MemoryEventBus(), drift_threshold=0.2, now=p.NOW,
        )  # fmt: skip
        for name, memory in (("data", self.memory), ("raw", self.raw)):
            for key, body in memory.objects.items():
                S3ObjectStore(name).write(key, body)
        return result


def _predicted(run: PredictionRun, case_id: str, content_hash: str, category: str | None) -> PredictedCase:
    return PredictedCase(
        case_id=case_id,
        category=category,
        confidence=0.9 if category else 0.4,
        alternatives=(Alternative(category=p.CATEGORIES[1], confidence=0.1),),
        abstained=category is None,
        model_version=p.POINTER.version,
        content_hash=content_hash,
        case_date=date(2026, 5, 1),
        predicted_at=p.NOW,
        run_id=run.run_id,
    )


@pytest.fixture
def bucket(stack: Stack) -> Bucket:
    return Bucket()


BILLING, DEFECT = p.CATEGORIES[0], p.CATEGORIES[1]


def test_a_file_is_told_by_its_own_figures_whatever_the_day_had_before(
    bucket: Bucket, stack: Stack, console: Console
) -> None:
    bucket.summarized(
        bucket.export("early", BILLING, BILLING, BILLING, failed=1),
        ExportPredicted(run=p.run("broken"), error="InvalidCaseFile"),
    )
    result = bucket.summarized(bucket.export("late", DEFECT, None, unchanged=5))
    assert conclude_batch(stack, result, console, as_json=False) == 0  # what failed earlier is not this file's fault
    text = console.export_text()
    assert "late.csv: 2 cases predicted, 1 of them abstained\n" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["predicted", "2", "4"] in lines
    assert ["failed", "0", "1"] in lines
    assert ["unchanged", "5", "5"] in lines
    assert "Another export of the day, daily/broken.csv, failed with InvalidCaseFile." in text
    assert "failed:" not in text


def test_cases_of_this_file_that_failed_are_1(bucket: Bucket, stack: Stack, console: Console) -> None:
    result = bucket.summarized(bucket.export("a", BILLING, DEFECT, failed=1))
    assert conclude_batch(stack, result, console, as_json=False) == 1
    assert "failed: ShardLost 1; the next execution tries them again" in console.export_text()


def test_a_file_that_cannot_be_read_has_a_reason_and_no_figures(bucket: Bucket, stack: Stack, console: Console) -> None:
    bucket.summarized(bucket.export("early", BILLING))
    broken = p.run("broken")
    DynamoLedger("ledger").put_run(
        RunRow(run_id=broken.run_id, task=broken.ledger_task, status="FAILED", source=broken.key, started_at=p.NOW,
               error="InvalidCaseFile", cause="daily/broken.csv: the file is binary")
    )  # fmt: skip
    result = bucket.summarized(ExportPredicted(run=broken, error="InvalidCaseFile"))
    assert conclude_batch(stack, result, console, as_json=False) == 1
    text = console.export_text()
    assert "broken.csv: 0 cases predicted\n" in text
    assert "\ndaily/broken.csv: the file is binary\n" in text
    assert "Category" not in text
    assert "against the training" not in text


def test_rejected_rows_are_named_shown_and_downloaded(
    bucket: Bucket, stack: Stack, console: Console, home: Path
) -> None:
    reasons = {"no text": 6, "malformed row": 1}
    bucket.rejects("a", *(Reject(line=line, reason="no text") for line in range(2, 9)))
    result = bucket.summarized(bucket.export("a", BILLING, rejected=7, reject_reasons=reasons))
    assert conclude_batch(stack, result, console, as_json=False) == 0
    text = console.export_text()
    assert "7 rows rejected: 6 no text, 1 malformed row" in text
    assert "The first rejected rows\n  line 2: no text\n" in text
    folder = home / "predictions" / "2026-05-02"
    assert {path.name for path in folder.iterdir()} == {"predict-a.jsonl", "predict-a.rejects.jsonl"}
    assert len((folder / "predict-a.rejects.jsonl").read_bytes().splitlines()) == 7
    joined = text.replace("\n", "")
    assert f"Predictions {folder}/predict-a.jsonl" in joined
    assert f"Rejects     {folder}/predict-a.rejects.jsonl" in joined


def test_rejects_that_have_expired_are_said(bucket: Bucket, stack: Stack, console: Console) -> None:
    result = bucket.summarized(bucket.export("a", BILLING, rejected=1, reject_reasons={"no text": 1}))
    assert conclude_batch(stack, result, console, as_json=False) == 0
    assert "predict-a.rejects.jsonl is not there" in console.export_text()


def test_several_exports_are_summed_and_a_row_of_none_of_them_is_shown(
    bucket: Bucket, stack: Stack, console: Console
) -> None:
    bucket.rejects("a", Reject(line=2, reason="no text"))
    first = bucket.export("a", BILLING, rejected=1, reject_reasons={"no text": 1})
    assert conclude_batch(stack, bucket.summarized(first, bucket.export("b", DEFECT)), console, as_json=False) == 0
    text = console.export_text()
    assert "2 exports: 2 cases predicted" in text
    assert "A case counts once for each export that it was predicted in." in text
    assert "line 2" not in text  # of which file?


def test_json_has_each_exports_own_figures(
    bucket: Bucket, stack: Stack, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.summarized(bucket.export("early", BILLING))
    bucket.rejects("late", Reject(line=2, reason="no text"))
    export = bucket.export("late", DEFECT, None, rejected=1, reject_reasons={"no text": 1})
    assert conclude_batch(stack, bucket.summarized(export), Console(stderr=True), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exports"] == [
        {"key": "daily/late.csv", "run_id": "predict-late", "error": None, "predicted": 2, "abstained": 1, "failed": 0,
         "unchanged": 0, "rejected": 1, "reject_reasons": {"no text": 1}}
    ]  # fmt: skip
    assert TrendSummary.model_validate(told["summary"]).cases == 3
    assert told["rejects"] == [str(home / "predictions" / "2026-05-02" / "predict-late.rejects.jsonl")]


def test_a_result_that_is_gone_or_of_another_version_is_said(bucket: Bucket, stack: Stack, console: Console) -> None:
    result = bucket.summarized(bucket.export("a", BILLING))
    S3ObjectStore("data").write(result.summary_key, b'{"new": 1}')
    with pytest.raises(CliError, match="does not fit this version"):
        conclude_batch(stack, result, console, as_json=False)
    boto3.client("s3").delete_object(Bucket="data", Key=result.summary_key)
    with pytest.raises(CliError, match="a result is gone"):
        conclude_batch(stack, result, console, as_json=False)
