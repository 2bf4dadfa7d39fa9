"""Bedrock's batch jobs as boto3 sees them: what is sent, what comes back, and what its errors are called."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from plumbline.adapters import clients
from plumbline.adapters.bedrock_batch import UNREADABLE, BedrockBatch
from plumbline.batch.records import new_job, output_key
from plumbline.contracts.batch import RecordError
from plumbline.contracts.errors import BatchRefused, ModelAccessDenied, ModelThrottled, ModelUnavailable, PlumblineError
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage

ROLE = "arn:aws:iam::123456789012:role/batch"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:model-invocation-job/abcdefghijkl"
MODEL = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
SECRET = "the customer's own words"
JOB = new_job("run-1", 0)
REQUEST = ModelRequest(
    model_id=MODEL, system="You classify.", turns=(Turn(role="user", text="Ärger\nmit dem Login"),), max_tokens=300
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    made = boto3.client("bedrock", region_name="eu-central-1")
    monkeypatch.setattr(clients, "bedrock", lambda: made)
    return made


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber


def _batch(api: Literal["converse", "messages"] = "converse") -> BedrockBatch:
    return BedrockBatch("data", ROLE, api=api, hours=48)


def _asked(kind: str) -> dict[str, object]:
    return {
        "jobName": JOB.name,
        "clientRequestToken": JOB.name,
        "roleArn": ROLE,
        "modelId": MODEL,
        "modelInvocationType": kind,
        "inputDataConfig": {
            "s3InputDataConfig": {
                "s3InputFormat": "JSONL",
                "s3Uri": f"s3://data/runs/run-1/batch/records/{JOB.name}.jsonl",
            }
        },
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://data/runs/run-1/batch/output/{JOB.name}/"}},
        "timeoutDurationInHours": 48,
    }


@pytest.mark.parametrize(("api", "kind"), [("converse", "Converse"), ("messages", "InvokeModel")])
def test_a_job_is_submitted_under_its_name_as_client_token(
    stub: Stubber, api: Literal["converse", "messages"], kind: str
) -> None:
    stub.add_response("create_model_invocation_job", {"jobArn": ARN}, _asked(kind))
    assert _batch(api).submit(JOB, MODEL) == ARN


def test_a_job_whose_name_is_taken_is_found_by_it(stub: Stubber) -> None:
    stub.add_client_error("create_model_invocation_job", "ConflictException", SECRET, 400)
    summary = {
        "jobName": JOB.name,
        "modelId": MODEL,
        "roleArn": ROLE,
        "submitTime": 0,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://data/x"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://data/y"}},
    }
    pages = [summary | {"jobArn": ARN[:-1] + "x", "jobName": JOB.name + "1"}], [summary | {"jobArn": ARN}]
    asked = {"nameContains": JOB.name}
    stub.add_response("list_model_invocation_jobs", {"invocationJobSummaries": pages[0], "nextToken": "next"}, asked)
    stub.add_response("list_model_invocation_jobs", {"invocationJobSummaries": pages[1]}, asked | {"nextToken": "next"})
    assert _batch().submit(JOB, MODEL) == ARN


def test_a_name_that_is_taken_by_nobody_is_a_refusal(stub: Stubber) -> None:
    stub.add_client_error("create_model_invocation_job", "ConflictException", SECRET, 400)
    stub.add_response("list_model_invocation_jobs", {"invocationJobSummaries": []}, {"nameContains": JOB.name})
    with pytest.raises(BatchRefused):
        _batch().submit(JOB, MODEL)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ThrottlingException", 429, ModelThrottled),
        ("ServiceQuotaExceededException", 400, ModelThrottled),
        ("AccessDeniedException", 403, ModelAccessDenied),
        ("ResourceNotFoundException", 404, ModelAccessDenied),
        ("ValidationException", 400, BatchRefused),
        ("InternalServerException", 500, ModelUnavailable),
    ],
)
def test_a_refused_submission_says_what_it_is_and_not_what_the_service_said(
    stub: Stubber, code: str, status: int, expected: type[PlumblineError]
) -> None:
    stub.add_client_error("create_model_invocation_job", code, SECRET, status)
    with pytest.raises(expected) as caught:
        _batch().submit(JOB, MODEL)
    assert type(caught.value) is expected
    assert SECRET not in str(caught.value)


def test_no_answer_at_all_is_tried_again(client: Any) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://bedrock")

    client.meta.events.register("before-call.bedrock", fail)
    with pytest.raises(ModelUnavailable):
        _batch().state(ARN)


def test_a_jobs_state_has_its_counts_and_an_unknown_job_or_status_ends_no_run(stub: Stubber) -> None:
    about: dict[str, Any] = {
        "jobArn": ARN,
        "modelId": MODEL,
        "roleArn": ROLE,
        "submitTime": 0,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://data/x"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://data/y"}},
    }
    counts = {"totalRecordCount": 9, "processedRecordCount": 7, "successRecordCount": 6, "errorRecordCount": 1}
    stub.add_response("get_model_invocation_job", about | counts | {"status": "PartiallyCompleted"})
    state = _batch().state(ARN)
    assert (state.status, state.total, state.processed, state.succeeded, state.failed) == (
        *("PartiallyCompleted", 9, 7, 6, 1),
    )
    assert (state.submitted_at, state.expires_at) == (datetime.fromtimestamp(0, UTC), None)
    stub.add_response("get_model_invocation_job", about | {"status": "BrandNew", "jobExpirationTime": 86_400})
    going = _batch().state(ARN)
    assert (going.status, going.expires_at) == ("InProgress", datetime.fromtimestamp(86_400, UTC))
    stub.add_client_error("get_model_invocation_job", "ResourceNotFoundException", "", 404)
    assert _batch().state(ARN).status == "Failed"


@pytest.mark.parametrize("code", ["ConflictException", "ResourceNotFoundException", "ValidationException"])
def test_a_job_that_has_ended_is_not_stopped_again(stub: Stubber, code: str) -> None:
    stub.add_client_error("stop_model_invocation_job", code, "", 400)
    _batch().stop(ARN)


def test_a_record_asks_what_the_model_would_be_asked_on_demand_without_cache_marks() -> None:
    converse = json.loads(_batch().record("00000000007", REQUEST))
    assert converse == {
        "recordId": "00000000007",
        "modelInput": {
            "messages": [{"role": "user", "content": [{"text": "Ärger\nmit dem Login"}]}],
            "inferenceConfig": {"maxTokens": 300, "temperature": 0.0},
            "system": [{"text": "You classify."}],
        },
    }
    line = _batch("messages").record("00000000007", REQUEST)
    assert b"\n" not in line
    native = json.loads(line)["modelInput"]
    assert native["max_tokens"] == 300
    assert "cache_control" not in line.decode()


def _line(**fields: object) -> bytes:
    return json.dumps({"recordId": "00000000001", "modelInput": {"text": SECRET}, **fields}).encode()


def test_a_line_of_output_is_a_reply_in_either_shape() -> None:
    converse = {
        "output": {"message": {"role": "assistant", "content": [{"text": "a"}, {"text": "b"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7},
        "metrics": {"latencyMs": 3},
    }
    expected = ModelReply(text="ab", stop_reason="end_turn", usage=Usage(input_tokens=5, output_tokens=2))
    assert _batch().answer(_line(modelOutput=converse)) == ("00000000001", expected)
    native = {
        "content": [{"type": "text", "text": "ab"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    assert _batch("messages").answer(_line(modelOutput=native)) == ("00000000001", expected)
    assert _batch().answer(_line()) == ("00000000001", RecordError(code=UNREADABLE))


@pytest.mark.parametrize(
    "output",
    [
        {"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 2}},
        {"output": {"message": {"content": "no list"}}, "usage": {"inputTokens": 5, "outputTokens": 2}},
    ],
)
def test_an_output_that_cannot_be_read_is_an_error_and_its_tokens_are_kept(output: dict[str, object]) -> None:
    paid = RecordError(code=UNREADABLE, usage=Usage(input_tokens=5, output_tokens=2))
    assert _batch().answer(_line(modelOutput=output)) == ("00000000001", paid)


@pytest.mark.parametrize(
    ("code", "told"),
    [(400, "400"), ("ModelTimeoutException", "ModelTimeoutException"), (SECRET, "unknown"), ("x" * 65, "unknown")],
)
def test_of_a_records_error_only_a_code_is_passed_on(code: object, told: str) -> None:
    line = _line(error={"errorCode": code, "errorMessage": SECRET})
    assert _batch().answer(line) == ("00000000001", RecordError(code=told))


@pytest.mark.parametrize("line", [b"", b"{half", b"[]", b'{"modelOutput": {}}', b"\xff\xfe", b"null"])
def test_a_line_that_is_none_is_none(line: bytes) -> None:
    assert _batch().answer(line) is None


def test_output_lies_where_the_service_writes_it() -> None:
    job = JOB.model_copy(update={"job_arn": ARN})
    assert output_key(job) == f"runs/run-1/batch/output/{JOB.name}/abcdefghijkl/{JOB.name}.jsonl.out"
