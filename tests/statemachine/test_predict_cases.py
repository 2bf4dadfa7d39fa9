"""PredictCases as it is shipped: exports in, predictions and the day's summary out, whatever fails on the way."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import stack
from cli.predict_batch import BatchOptions, predict_at
from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import Reject
from plumbline.contracts.models import DatasetRef, ModelPointer
from plumbline.contracts.predictions import PredictedCase, SummarizeResult, TrendSummary, predictions_scope
from plumbline.contracts.runs import RunRow
from plumbline.find_exports import PREFIX
from plumbline.start_run import run_id_of
from tests.statemachine.pipeline import TASK, Pipeline, Row, csv_file, until
from tools.tiny_model import put_in_service
from tools.world_models import CATEGORIES

DATASET = DatasetRef(version="none", manifest_sha256="0" * 64, rows={}, train_per_class={})
FRUITS = ("apple", "banana", "cherry", "grape", "melon", "plum")  # no other text of a row holds one of them
WORDS = dict(zip(FRUITS, CATEGORIES, strict=True))
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


class Daily:
    """What a test does with PredictCases."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.registry = AwsModelRegistry(f"/{pipeline.stack.stack_name}/models/", pipeline.physical("LedgerTable"))

    def promote(self, words: Mapping[str, str], version: str = "daily-1") -> ModelPointer:
        """Put a tiny model into service."""
        data = S3ObjectStore(self.pipeline.physical("DataBucket"))
        return put_in_service(data, self.registry, version, CATEGORIES, words, DATASET)

    def upload(self, body: bytes, name: str, **metadata: str) -> str:
        """Put an export under daily/; the id of its run."""
        bucket, key = self.pipeline.physical("RawBucket"), f"{keys.DAILY}{name}"
        put = self.pipeline.aws["s3"].put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)
        return run_id_of(bucket, key, put["VersionId"], PREFIX)

    def start(self, **task: Any) -> str:
        """Start PredictCases; the execution's ARN."""
        arn: str = self.pipeline.aws["stepfunctions"].start_execution(
            stateMachineArn=self.pipeline.physical("PredictCases"), input=json.dumps(task)
        )["executionArn"]
        return arn

    def ended(self, arn: str) -> dict[str, Any]:
        """The execution, once it has ended."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.pipeline.aws["stepfunctions"].describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else found

        return until(look, "the end of PredictCases")

    def run(self, **task: Any) -> dict[str, Any]:
        """Start PredictCases and wait for its end."""
        return self.ended(self.start(**task))

    def result(self, **task: Any) -> SummarizeResult:
        """The output of an execution that succeeds."""
        found = self.run(**task)
        assert found["status"] == "SUCCEEDED", (found.get("error"), found.get("cause"))
        return SummarizeResult.model_validate_json(found["output"])

    def summary(self, day: str) -> TrendSummary:
        return TrendSummary.model_validate_json(self.pipeline.read(keys.trend_summary(day)))

    def predictions(self, day: str, run_id: str) -> dict[str, PredictedCase]:
        prefix = f"{keys.predictions_of(day)}{run_id}/"
        listed = self.pipeline.aws["s3"].list_objects_v2(Bucket=self.pipeline.physical("DataBucket"), Prefix=prefix)
        found = [
            case
            for entry in listed.get("Contents", [])
            if entry["Key"].endswith(".jsonl")
            for case in self.pipeline.lines(entry["Key"], PredictedCase)
        ]
        assert len({case.case_id for case in found}) == len(found)
        return {case.case_id: case for case in found}

    def row(self, run_id: str) -> RunRow:
        row = DynamoLedger(self.pipeline.physical("LedgerTable")).get_run(predictions_scope(TASK), run_id)
        assert row is not None
        return row


def _clear(pipeline: Pipeline) -> None:
    """Delete whatever lies under daily/: an export that is gone waits for nothing."""
    bucket = pipeline.physical("RawBucket")
    for entry in pipeline.aws["s3"].list_objects_v2(Bucket=bucket, Prefix=keys.DAILY).get("Contents", []):
        pipeline.aws["s3"].delete_object(Bucket=bucket, Key=entry["Key"])


@pytest.fixture
def daily(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daily]:
    """PredictCases with a tiny model in service and nothing under daily/."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", pipeline.stack.endpoint)
    clients._client.cache_clear()
    _clear(pipeline)
    daily = Daily(pipeline)
    daily.promote(WORDS)
    yield daily
    _clear(pipeline)
    clients._client.cache_clear()


def rows(name: str, count: int, says: tuple[str, ...] = FRUITS) -> list[Row]:
    return [Row(f"{name}-{n}", says=says[n % len(says)]) for n in range(count)]


def test_a_new_export_is_predicted_and_its_day_summed_up(daily: Daily) -> None:
    sent = [*rows("happy", 60), Row("happy-unsure", says="weather")]
    run_id = daily.upload(csv_file(sent), "happy.csv")
    result = daily.result(day="2026-05-01")
    assert (result.cases, result.failed, result.abstained, result.left) == (61, 0, 1, 0)
    predicted = daily.predictions("2026-05-01", run_id)
    assert {row.case_id for row in sent} == predicted.keys()
    for row in sent[:-1]:
        assert predicted[row.case_id].category == WORDS[row.says]
    unsure = predicted["happy-unsure"]
    assert (unsure.category, unsure.abstained, len(unsure.alternatives)) == (None, True, 3)
    summary = daily.summary("2026-05-01")
    assert summary.categories == dict.fromkeys(CATEGORIES, 10)
    assert summary.model_versions == {"daily-1": 61}
    assert (daily.row(run_id).status, daily.row(run_id).outcomes["predicted"]) == ("SUCCEEDED", 61)
    assert result.exports == (keys.predicted_export("2026-05-01", run_id),)
    # Once predicted, an export does not wait any more.
    assert daily.result(day="2026-05-02").exports == ()


def test_a_day_without_exports_has_a_summary_that_says_so(daily: Daily) -> None:
    result = daily.result(day="2026-05-03")
    assert (result.cases, result.exports, result.drifted) == (0, (), False)
    assert daily.summary("2026-05-03").exports == 0


def test_only_new_and_changed_cases_are_predicted_and_a_day_adds_up_over_executions(daily: Daily) -> None:
    first = rows("again", 12)
    daily.upload(csv_file(first), "monday.csv")
    daily.result(day="2026-05-04")
    changed = Row("again-0", says="banana")
    run_id = daily.upload(csv_file([changed, *first[1:], Row("again-new", says="melon")]), "tuesday.csv")
    result = daily.result(day="2026-05-04")
    assert {c: p.category for c, p in daily.predictions("2026-05-04", run_id).items()} == {
        "again-0": "Security Awareness",
        "again-new": "Software Defect",
    }
    summary = daily.summary("2026-05-04")
    assert (summary.exports, summary.cases, summary.unchanged, result.cases) == (2, 14, 11, 14)
    assert sum(summary.model_versions.values()) == 14


def test_labels_and_predictions_do_not_take_each_others_cases_for_done(daily: Daily) -> None:
    body = csv_file(rows("both", 6))
    labeled = daily.pipeline.run(body, "both.csv").check_succeeded()
    assert labeled.summary.ingest.new == 6
    daily.upload(body, "both.csv")
    assert daily.result(day="2026-05-05").cases == 6
    again = daily.pipeline.run(body, "both-again.csv").check_succeeded()
    assert again.summary.ingest.unchanged == 6


def test_an_export_that_cannot_be_read_sinks_no_other_and_is_not_tried_again(daily: Daily) -> None:
    bad = daily.upload(b"\x00\x01 no table at all", "a-bad.csv")
    daily.upload(csv_file(rows("beside", 6)), "b-good.csv")
    result = daily.result(day="2026-05-06")
    summary = daily.summary("2026-05-06")
    assert (result.cases, result.failed, summary.exports) == (6, 0, 2)
    assert summary.export_errors == {"daily/a-bad.csv": "InvalidCaseFile"}
    row = daily.row(bad)
    assert (row.status, row.error) == ("FAILED", "InvalidCaseFile")
    assert "daily/a-bad.csv" in (row.cause or "")
    assert daily.result(day="2026-05-06").exports == ()
    assert daily.result(day="2026-05-06", key="daily/a-bad.csv").exports  # asked for by name it is


def test_a_store_that_fails_for_a_moment_is_asked_again(daily: Daily) -> None:
    """The first attempts meet a dead address; the variable is mended while the state machine retries."""
    daily.upload(csv_file(rows("retried", 6)), "retried.csv")
    with daily.pipeline.environment("PredictShardFunction", AWS_ENDPOINT_URL_S3=NOWHERE):
        started = daily.start(day="2026-05-07")
        until(lambda: "StoreUnavailable" in daily.pipeline.logged() or None, "a first failure")
    found = daily.ended(started)
    assert found["status"] == "SUCCEEDED"


def test_a_shard_that_fails_is_counted_and_its_export_predicted_whole_the_next_time(daily: Daily) -> None:
    run_id = daily.upload(csv_file(rows("broken", 60)), "broken.csv")
    with daily.pipeline.environment("PredictShardFunction", AWS_ENDPOINT_URL_S3=NOWHERE):
        result = daily.result(day="2026-05-08")
    assert (result.cases, result.failed) == (60, 60)
    assert daily.summary("2026-05-08").failures == {"StoreUnavailable": 60}
    assert (daily.row(run_id).status, daily.row(run_id).error) == ("FAILED", "StoreUnavailable")
    # The next day's execution takes it up again, under the day on which it came.
    assert daily.result(day="2026-05-09").cases == 0
    summary = daily.summary("2026-05-08")
    assert (summary.cases, summary.failed, summary.failures) == (60, 0, {})
    assert len(daily.predictions("2026-05-08", run_id)) == 60
    assert daily.row(run_id).status == "SUCCEEDED"


def test_a_prediction_that_was_written_but_not_remembered_is_neither_lost_nor_doubled(daily: Daily) -> None:
    body = csv_file(rows("forgotten", 6))
    run_id = daily.upload(body, "forgotten.csv")
    with daily.pipeline.environment("PredictShardFunction", AWS_ENDPOINT_URL_DYNAMODB=NOWHERE):
        result = daily.result(day="2026-05-10")
    assert (result.cases, result.failed) == (6, 0)
    assert len(daily.predictions("2026-05-10", run_id)) == 6
    daily.upload(body, "forgotten-again.csv")
    assert daily.result(day="2026-05-11").cases == 0
    assert daily.summary("2026-05-11").unchanged == 6


def test_an_execution_that_breaks_off_is_taken_up_again_where_it_was(daily: Daily) -> None:
    """Predicted, but the summary never came to be: nothing is predicted twice."""
    run_id = daily.upload(csv_file(rows("torn", 60)), "torn.csv")
    with daily.pipeline.environment("SummarizePredictionsFunction", AWS_ENDPOINT_URL_S3=NOWHERE):
        found = daily.run(day="2026-05-12")
    assert (found["status"], found["error"]) == ("FAILED", "StoreUnavailable")
    assert daily.row(run_id).status == "RUNNING"
    assert daily.result(day="2026-05-13").cases == 0
    summary = daily.summary("2026-05-12")
    assert (summary.cases, summary.failed, summary.unchanged) == (60, 0, 0)
    assert len(daily.predictions("2026-05-12", run_id)) == 60


def test_without_a_model_in_service_the_execution_says_what_to_do(daily: Daily) -> None:
    daily.upload(csv_file(rows("waiting", 6)), "waiting.csv")
    parameters = daily.registry.parameters + TASK
    daily.pipeline.stack.client("ssm").delete_parameter(Name=parameters)
    found = daily.run(day="2026-05-14")
    assert (found["status"], found["error"]) == ("FAILED", "NoModelInService")
    assert "plumbline train" in found["cause"]
    daily.promote(WORDS)
    assert daily.result(day="2026-05-14").cases == 6


def test_a_broken_model_fails_the_cases_and_the_one_before_it_predicts_them(daily: Daily) -> None:
    daily.upload(csv_file(rows("model", 6)), "model.csv")
    pointer = daily.promote(WORDS, "daily-cut-short")
    daily.pipeline.aws["s3"].put_object(
        Bucket=daily.pipeline.physical("DataBucket"), Key=f"{pointer.prefix}model.onnx", Body=b"half"
    )
    result = daily.result(day="2026-05-15")
    assert (result.cases, result.failed) == (6, 6)
    assert daily.summary("2026-05-15").failures == {"ModelFileBroken": 6}
    daily.promote(WORDS)  # rolled back
    daily.result(day="2026-05-15")
    assert daily.summary("2026-05-15").model_versions == {"daily-1": 6}


def test_drift_sends_an_event_without_text(daily: Daily) -> None:
    events = daily.pipeline.aws["events"]
    bus = events.describe_event_bus(Name="default")["Arn"]
    events.create_archive(ArchiveName="drift", EventSourceArn=bus, EventPattern=json.dumps({"source": ["plumbline"]}))
    daily.upload(csv_file(rows("drifting", 200, says=("melon",))), "drifting.csv")
    assert daily.result(day="2026-05-16").drifted
    shares, confidence = daily.summary("2026-05-16").drift
    assert (shares.of, shares.cases, shares.drifted) == ("class_shares", 200, True)
    assert shares.value is not None
    assert shares.value > shares.threshold
    assert confidence.of == "confidence"
    assert events.describe_archive(ArchiveName="drift")["EventCount"] == 1
    events.delete_archive(ArchiveName="drift")


def test_no_text_of_an_export_is_logged_or_leaves_the_raw_bucket_unmasked(daily: Daily) -> None:
    secret = "Gwendolyn-Harcastle@example.org"
    daily.upload(csv_file([Row("secret-1", says=f"apple for {secret}")]), "secret.csv")
    daily.result(day="2026-05-17")
    assert secret not in daily.pipeline.logged()
    bucket = daily.pipeline.physical("DataBucket")
    pages = daily.pipeline.aws["s3"].get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="predictions/")
    for entry in (entry for page in pages for entry in page["Contents"]):
        assert secret.encode() not in daily.pipeline.read(entry["Key"])


def test_the_command_uploads_follows_shows_and_downloads(
    daily: Daily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "home"))
    where = stack.read(daily.pipeline.stack.stack_name)
    console = Console(width=80, record=True, force_terminal=False, file=io.StringIO())
    bad = daily.upload(b"\x00\x01 no table at all", "command-bad.csv")
    (tmp_path / "command.csv").write_bytes(csv_file(rows("command", 60)) + b"no-text,,,\r\n")
    assert predict_at(where, BatchOptions(file=tmp_path / "command.csv"), console) == 0
    text = console.export_text()
    for words in (
        "Uploaded command.csv",
        "60 cases predicted",
        "like those of the labels",
        "1 row rejected: 1 no text",
        "Predictions",
    ):
        assert words in text
    assert "command-bad.csv" not in text  # waits, and is no error of this file
    rejects, path = sorted((tmp_path / "home" / "predictions").rglob("*.jsonl"), key=lambda found: len(found.suffixes))[
        ::-1
    ]
    assert Reject.model_validate_json(rejects.read_bytes()).reason == "no text"
    # The day has this file twice, and the second upload brings nothing new.
    assert predict_at(where, BatchOptions(file=tmp_path / "command.csv"), console) == 0
    text = console.export_text()
    assert "command.csv: 0 cases predicted; 60 cases unchanged" in text
    assert "this file" in text
    lines = [PredictedCase.model_validate_json(line) for line in path.read_bytes().splitlines()]
    assert len({line.case_id for line in lines}) == 60
    # Everything that waits: the export that cannot be read, and why.
    assert predict_at(where, BatchOptions(as_json=True), console) == 1
    told = json.loads(capsys.readouterr().out)
    [export] = told["exports"]
    assert (export["key"], export["run_id"], export["error"]) == ("daily/command-bad.csv", bad, "InvalidCaseFile")
    assert export["predicted"] == 0
    assert (told["files"], told["rejects"]) == ([], [])
    assert predict_at(where, BatchOptions(), console) == 0
    assert "No export was waiting" in console.export_text()
