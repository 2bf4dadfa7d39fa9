"""Batch jobs over loopback, met by boto3, with moto's S3 behind them."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError

from local.bedrock import BedrockStandIn
from local.bedrock.job_wire import Job
from plumbline.adapters import clients
from plumbline.adapters.bedrock import ConverseModel
from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.contracts.batch import BatchJob, BatchLimits, RecordError
from plumbline.contracts.replies import ModelReply, ModelRequest
from tests.local.bedrock.jobs import BUCKET, MODEL, ROLE, Desk, converse_body, native_body, records
from tests.local.bedrock.prompts import BILLING, CRASH, request

SMALL = BatchLimits(min_records=3, max_records=20, max_bytes=200_000)


@pytest.fixture
def changes() -> list[Job]:
    return []


@pytest.fixture
def desk(s3: Any, changes: list[Job], tmp_path: Path) -> Iterator[Desk]:
    with BedrockStandIn("scripted", options={"category": BILLING}) as stand_in:
        stand_in.jobs.connect(s3, tmp_path / "jobs", limits=SMALL, changed=changes.append)
        yield Desk(stand_in, s3)


class Gate:
    """A model that answers the first so many requests, and holds the next one until it is opened."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.reached, self.opened, self._left = threading.Event(), threading.Event(), free
        self._answer = desk.stand_in.model.answer
        monkeypatch.setattr(desk.stand_in.model, "answer", self.answer)

    def answer(self, asked: ModelRequest) -> ModelReply:
        self._left -= 1
        if self._left < 0:
            self.reached.set()
            assert self.opened.wait(30)
        return self._answer(asked)


def code(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def category(line: dict[str, Any]) -> str:
    output = line["modelOutput"]
    text = output["output"]["message"]["content"][0]["text"] if "output" in output else output["content"][0]["text"]
    return str(text)


def test_a_job_answers_each_record_once_and_leaves_output_and_manifest(desk: Desk, changes: list[Job]) -> None:
    sent = records(5)
    desk.put("in/records.jsonl", sent)
    arn = desk.create()
    job = desk.until(arn)
    assert (job["status"], job["jobName"], job["modelId"]) == ("Completed", "job-1", MODEL)
    assert (job["jobArn"], job["clientRequestToken"], job["modelInvocationType"]) == (arn, "job-1", "Converse")
    assert job["submitTime"] <= job["lastModifiedTime"] <= job["endTime"] < job["jobExpirationTime"]
    assert (job["totalRecordCount"], job["processedRecordCount"]) == (5, 5)
    lines = desk.output(arn)
    assert [line["recordId"] for line in lines] == [record["recordId"] for record in sent]
    assert [line["modelInput"] for line in lines] == [record["modelInput"] for record in sent]
    assert all("Billing &amp; Refunds" in category(line) for line in lines)
    calls = desk.stand_in.calls
    assert (calls.answered, calls.batch_answered, calls.repeated) == (0, 5, 0)
    assert set(calls.batch_requests.values()) == {1}
    assert json.loads(desk.read(arn, "manifest.json.out")) == {
        "totalRecordCount": 5,
        "processedRecordCount": 5,
        "successRecordCount": 5,
        "errorRecordCount": 0,
        "inputTokenCount": calls.batch_usage.input_tokens,
        "outputTokenCount": calls.batch_usage.output_tokens,
    }
    statuses = [change.status for change in changes]
    assert statuses == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
    assert changes[-1].event_detail()["batchJobArn"] == arn


def test_anthropics_own_bodies_and_a_request_that_was_asked_on_demand_before(desk: Desk) -> None:
    desk.put("in/records.jsonl", records(3, native_body))
    desk.runtime.converse(modelId=MODEL, **converse_body(request("case 0", model_id=MODEL)))
    arn = desk.create(modelInvocationType="InvokeModel")
    assert desk.until(arn)["status"] == "Completed"
    line = desk.output(arn)[0]["modelOutput"]
    assert (line["type"], line["role"], line["stop_reason"]) == ("message", "assistant", "end_turn")
    calls = desk.stand_in.calls
    assert (calls.answered, calls.batch_answered, calls.repeated) == (1, 3, 1)


@pytest.mark.parametrize("api", ["converse", "messages"])
def test_the_adapter_that_runs_on_aws(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, api: Literal["converse", "messages"]
) -> None:
    monkeypatch.setattr(clients, "bedrock", lambda: desk.bedrock)
    batch = BedrockBatch(BUCKET, ROLE, api=api)
    asked = [request(f"case <{number}>", model_id=MODEL) for number in range(4)]
    lines = [json.loads(batch.record(f"{number:011d}", one)) for number, one in enumerate(asked)]
    desk.put("runs/r/batch/1.jsonl", [*lines, {"recordId": "00000000009", "modelInput": {"messages": []}}])
    job = BatchJob(name="run-1", records_key="runs/r/batch/1.jsonl", output_prefix="out/", records=5, bytes=1)
    arn = batch.submit(job, MODEL)
    assert batch.submit(job, MODEL) == arn
    assert desk.until(arn)["status"] == "Completed"
    state = batch.state(arn)
    assert (state.status, state.total, state.processed, state.succeeded, state.failed) == ("Completed", 5, 5, 4, 1)
    batch.stop(arn)
    answers = [batch.answer(line) for line in desk.read(arn, "1.jsonl.out").splitlines()]
    replies = [answer[1] for answer in answers if answer is not None]
    assert replies[4] == RecordError(code="400")
    assert [reply.stop_reason for reply in replies if isinstance(reply, ModelReply)] == ["end_turn"] * 4
    ConverseModel(client=desk.runtime).ask(asked[0])
    assert desk.stand_in.calls.repeated == 1, "the same request on either road"


def test_a_record_that_the_model_does_not_take_is_an_error_of_its_own(desk: Desk) -> None:
    wrong = {"recordId": "00000000009", "modelInput": {"messages": []}}
    desk.put("in/records.jsonl", [*records(2), wrong, {"modelInput": records(1, first=7)[0]["modelInput"]}])
    arn = desk.create()
    job = desk.until(arn)
    assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 3, 1)
    lines = desk.output(arn)
    assert lines[2]["error"]["errorCode"] == 400
    assert "modelOutput" not in lines[2]
    assert len(lines[3]["recordId"]) == 11, "the service gives an id where there is none"
    assert desk.stand_in.calls.record_errors == {"ValidationException": 1}
    assert desk.stand_in.calls.faults == {}


def test_the_same_token_is_the_same_job(desk: Desk) -> None:
    desk.put("in/records.jsonl", records(3))
    arn = desk.create()
    assert desk.create() == arn
    desk.until(arn)
    assert desk.create() == arn, "also when it has ended"
    assert len(desk.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]) == 1
    assert desk.stand_in.calls.batch_answered == 3
    for other in ({"name": "job-2", "clientRequestToken": "job-1"}, {"clientRequestToken": "another"}):
        with pytest.raises(desk.bedrock.exceptions.ConflictException) as caught:
            desk.create(**other)
        assert code(caught) == ("ConflictException", 400)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "-job"},
        {"name": "job_1"},
        {"clientRequestToken": "a b"},
        {"roleArn": "arn:aws:s3:::bucket"},
        {"modelId": "a model"},
        {"modelInvocationType": "Chat"},
        {"timeoutDurationInHours": 200},
        {"source": "https://example.com/records.jsonl"},
        {"source": "s3://bucket/a b.jsonl"},
    ],
)
def test_a_wrong_request_is_refused_at_once(desk: Desk, wrong: dict[str, Any]) -> None:
    with pytest.raises(desk.bedrock.exceptions.ValidationException) as caught:
        desk.create(**wrong)
    assert code(caught) == ("ValidationException", 400)
    assert desk.stand_in.calls.faults == {"ValidationException": 1}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (records(2), "contains less records \\(2\\) than the required minimum of: 3"),
        (records(21), "contains more records \\(21\\) than the allowed maximum of: 20"),
        ([*records(4), {"recordId": "x" * 200_000, "modelInput": {}}], "more than the allowed maximum of: 200000"),
        ([*records(3), "no JSON"], "Line 4 of records.jsonl"),
        ([*records(3), {"recordId": "1"}], "Line 4 of records.jsonl"),
        (None, "NoSuchKey|404"),
    ],
)
def test_what_validation_finds_ends_the_job_failed(desk: Desk, lines: list[Any] | None, told: str) -> None:
    if lines is not None:
        desk.put("in/records.jsonl", lines)
    job = desk.until(desk.create())
    assert job["status"] == "Failed"
    assert re.search(told, job["message"])
    assert desk.stand_in.calls.batch_answered == 0
    assert desk.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["KeyCount"] == 0


def test_a_folder_of_record_files(desk: Desk) -> None:
    desk.put("in/a.jsonl", records(2))
    desk.put("in/b.jsonl", records(3, first=10))
    desk.put("in/readme.txt", ["no records"])
    arn = desk.create(source=f"s3://{BUCKET}/in/")
    assert desk.until(arn)["totalRecordCount"] == 5
    assert [len(desk.output(arn, f"{name}.jsonl.out")) for name in ("a", "b")] == [2, 3]


def test_a_bucket_that_is_not_there(desk: Desk) -> None:
    job = desk.until(desk.create(source="s3://no-such-bucket/in/"))
    assert (job["status"], "NoSuchBucket" in job["message"]) == ("Failed", True)


def test_a_stopped_job_keeps_what_it_has(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(desk, monkeypatch, free=2)
    desk.put("in/records.jsonl", records(5))
    arn = desk.create()
    assert gate.reached.wait(30)
    desk.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    desk.bedrock.stop_model_invocation_job(jobIdentifier=arn.rpartition("/")[2])
    assert desk.get(arn)["status"] == "Stopping"
    gate.opened.set()
    job = desk.until(arn)
    assert (job["status"], job["processedRecordCount"], job["totalRecordCount"]) == ("Stopped", 3, 5)
    assert len(desk.output(arn)) == 3
    with pytest.raises(desk.bedrock.exceptions.ConflictException):
        desk.bedrock.stop_model_invocation_job(jobIdentifier=arn)


def test_jobs_run_one_after_the_other_and_one_that_waits_is_stopped_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(desk, monkeypatch, free=0)
    desk.put("in/records.jsonl", records(3))
    first, second, third = desk.create("first"), desk.create("second"), desk.create("third")
    assert gate.reached.wait(30)
    assert desk.get(second)["status"] == "Submitted"
    desk.bedrock.stop_model_invocation_job(jobIdentifier=second)
    assert desk.get(second)["status"] == "Stopped"
    gate.opened.set()
    assert [desk.until(arn)["status"] for arn in (first, second, third)] == ["Completed", "Stopped", "Completed"]
    assert desk.stand_in.calls.batch_answered == 6


def test_jobs_are_listed(desk: Desk) -> None:
    desk.put("in/records.jsonl", records(3))
    arns = [desk.create(name) for name in ("run-1", "run-2", "other-3")]
    for arn in arns:
        desk.until(arn)
    ask = desk.bedrock.list_model_invocation_jobs

    def names(**query: Any) -> list[str]:
        return [job["jobName"] for job in ask(**query)["invocationJobSummaries"]]

    assert names() == ["other-3", "run-2", "run-1"]
    assert names(nameContains="run", sortOrder="Ascending") == ["run-1", "run-2"]
    assert names(statusEquals="Failed") == []
    assert names(submitTimeAfter=desk.get(arns[0])["endTime"].replace(year=2001)) == names()
    pages = desk.bedrock.get_paginator("list_model_invocation_jobs").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["invocationJobSummaries"]) for page in pages] == [2, 1]
    with pytest.raises(desk.bedrock.exceptions.ValidationException):
        ask(statusEquals="Sleeping")


def test_an_unknown_job(desk: Desk) -> None:
    for ask in (desk.bedrock.get_model_invocation_job, desk.bedrock.stop_model_invocation_job):
        with pytest.raises(desk.bedrock.exceptions.ResourceNotFoundException) as caught:
            ask(jobIdentifier="abcdefghijkl")
        assert code(caught) == ("ResourceNotFoundException", 404)


def test_without_an_s3_there_are_no_jobs(s3: Any) -> None:
    with (
        BedrockStandIn("scripted", options={"category": BILLING}) as stand_in,
        pytest.raises(ClientError, match="no S3"),
    ):
        Desk(stand_in, s3).create()


def test_a_job_survives_the_stand_ins_end_and_no_record_is_asked_twice(
    desk: Desk, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(desk, monkeypatch, free=2)
    desk.put("in/records.jsonl", records(6))
    ended, running = desk.create("ended", source=f"s3://{BUCKET}/in/nothing.jsonl"), desk.create("running")
    assert gate.reached.wait(30)
    monkeypatch.setattr("local.bedrock.jobs._CLOSE_SECONDS", 0.0)
    desk.stand_in.jobs.disconnect()
    gate.opened.set()
    asked = set(desk.stand_in.calls.batch_requests)
    assert len(asked) == 2
    with (tmp_path / "jobs" / running.rpartition("/")[2] / "0.answers").open("ab") as answers:
        answers.write(b'{"a line that a crash cut')
    with BedrockStandIn("scripted", options={"category": CRASH}) as again:
        again.jobs.restore(desk.stand_in.jobs.dump())
        again.jobs.connect(s3, tmp_path / "jobs", limits=SMALL)
        later = Desk(again, s3)
        job = later.until(running)
        assert (job["status"], job["successRecordCount"], job["processedRecordCount"]) == ("Completed", 6, 6)
        assert later.get(ended)["status"] == "Failed"
        assert later.create("running") == running, "the token is known still"
        assert len(again.calls.batch_requests) == 4
        assert not asked & set(again.calls.batch_requests)
        lines = later.output(running)
    assert [line["recordId"] for line in lines] == [record["recordId"] for record in records(6)]
    assert [BILLING.split()[0] in category(line) for line in lines] == [True, True, False, False, False, False]


@pytest.mark.parametrize(("status", "expected"), [("Submitted", "Expired"), ("InProgress", "PartiallyCompleted")])
def test_a_job_that_is_out_of_time(s3: Any, desk: Desk, tmp_path: Path, status: str, expected: str) -> None:
    desk.put("in/records.jsonl", records(3))
    arn = desk.create()
    desk.until(arn)
    (line,) = desk.stand_in.jobs.dump()
    old = json.loads(line) | {"status": status, "submitted": "2020-01-01T00:00:00Z", "ended_at": None}
    with BedrockStandIn("scripted", options={"category": CRASH}) as again:
        again.jobs.restore([json.dumps(old)])
        again.jobs.connect(s3, tmp_path / "others", limits=SMALL)
        job = Desk(again, s3).until(arn)
    assert (job["status"], job["processedRecordCount"]) == (expected, 0)
    assert again.calls.batch_answered == 0
