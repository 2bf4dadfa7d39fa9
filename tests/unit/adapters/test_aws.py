"""The adapters against moto: S3, DynamoDB, Step Functions, SageMaker."""

import json
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import IO

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from plumbline.adapters import clients, dynamodb
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.stepfunctions import LabelCasesWorkflow, started_under_way
from plumbline.contracts.errors import (
    MissingObject,
    StoreDenied,
    StoreUnavailable,
)
from plumbline.contracts.runs import RunRow
from tests import builders as b


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    clients._client.cache_clear()
    with mock_aws():
        yield
    clients._client.cache_clear()


@pytest.fixture
def store() -> S3ObjectStore:
    boto3.client("s3").create_bucket(Bucket="data")
    boto3.client("s3").put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    return S3ObjectStore("data")


def test_what_is_written_is_read_whole_by_lines_and_in_an_older_version(store: S3ObjectStore) -> None:
    store.write("k", b"one\ntwo\n")
    version = store.head("k")["VersionId"]
    store.write("k", b"three")
    assert store.read("k") == b"three"
    with closing(store.open("k", version)) as stream:
        assert list(stream) == [b"one\n", b"two\n"]
    assert store.size("k", version) == 8


def test_of_two_writers_the_first_wins(store: S3ObjectStore) -> None:
    assert [store.write_if_absent("k", data) for data in (b"one", b"two")] == [True, False]
    assert store.read("k") == b"one"


def test_writers_at_the_same_moment_are_told_to_try_again(store: S3ObjectStore) -> None:
    with Stubber(clients.s3()) as stub:
        stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        with pytest.raises(StoreUnavailable):
            store.write_if_absent("k", b"one")


def test_a_large_object_is_streamed_in_parts_and_back(store: S3ObjectStore) -> None:
    line = b"x" * 99 + b"\n"
    with store.writer("big") as stream:
        for _ in range(120_000):
            stream.write(line)
    assert store.size("big") == 12_000_000
    with closing(store.open("big")) as stream:
        assert sum(1 for _ in stream) == 120_000


def test_an_object_whose_writer_failed_is_not_there(store: S3ObjectStore) -> None:
    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError), store.writer("half") as stream:
        fail(stream)
    with pytest.raises(MissingObject):
        store.read("half")


def test_what_is_not_there_is_a_missing_object(store: S3ObjectStore) -> None:
    for read in (store.read, store.size, store.open):
        with pytest.raises(MissingObject, match="s3://data/gone"):
            read("gone")
    with pytest.raises(MissingObject):
        S3ObjectStore("no-bucket").read("k")


@pytest.fixture
def ledger() -> DynamoLedger:
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return DynamoLedger("ledger")


def row(run_id: str, minute: int = 0, **changes: object) -> RunRow:
    fields = {
        "run_id": run_id,
        "task": "t",
        "status": "RUNNING",
        "source": "s",
        "started_at": b.NOW.replace(minute=minute),
    }
    return RunRow.model_validate(fields | changes)


def test_runs_are_kept_by_task_and_listed_newest_first(ledger: DynamoLedger) -> None:
    ledger.put_run(row("b", 1))
    ledger.put_run(row("a", 2))
    ledger.put_run(row("other", 3, task="u"))
    assert [r.run_id for r in ledger.runs("t")] == ["a", "b"]
    ledger.put_run(row("b", 1, status="SUCCEEDED"))
    found = ledger.get_run("t", "b")
    assert found is not None
    assert found.status == "SUCCEEDED"
    assert ledger.get_run("t", "nobody") is None


def test_labeled_cases_are_known_by_task_beyond_one_batch(ledger: DynamoLedger) -> None:
    hashes = {f"case-{n}": f"hash-{n}" for n in range(260)}
    ledger.record_labeled("t", "run-1", hashes)
    assert ledger.known_hashes("t", [*hashes, "unknown", "case-0"]) == hashes
    assert ledger.known_hashes("u", hashes) == {}
    assert ledger.known_hashes("t", []) == {}


def test_a_table_that_never_finishes_a_batch_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("dynamodb")
    with Stubber(client) as stub:
        for _ in range(dynamodb._MAX_ROUNDS):
            key = {"pk": {"S": "case#t#a"}, "sk": {"S": "case"}}
            stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": {"ledger": {"Keys": [key]}}})
        monkeypatch.setattr(clients, "dynamodb", lambda: client)
        with pytest.raises(StoreUnavailable, match="table ledger"):
            DynamoLedger("ledger").known_hashes("t", ["a"])


def test_a_run_is_started_once_under_its_id() -> None:
    states = boto3.client("stepfunctions")
    arn = states.create_state_machine(
        name="LabelCases",
        roleArn="arn:aws:iam::123456789012:role/r",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
    )["stateMachineArn"]
    workflow = LabelCasesWorkflow(arn)
    assert workflow.start(b.run())
    (execution,) = states.list_executions(stateMachineArn=arn)["executions"]
    assert execution["name"] == "run-1"
    given = json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])
    assert given["run"]["key"] == "incoming/cases.jsonl"
    assert not workflow.start(b.run().model_copy(update={"force": True}))


def test_what_is_under_way_is_told_of_every_machine_and_of_nothing_that_has_ended() -> None:
    states = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    arns = [
        states.create_state_machine(name=name, roleArn="arn:aws:iam::123456789012:role/r", definition=definition)[
            "stateMachineArn"
        ]
        for name in ("LabelCases", "PredictCases")
    ]
    assert list(started_under_way(arns)) == []
    begun = [states.start_execution(stateMachineArn=arn)["startDate"] for arn in (*arns, arns[0])]
    assert sorted(started_under_way(arns)) == sorted(begun)
    [first, *_] = states.list_executions(stateMachineArn=arns[0])["executions"]
    states.stop_execution(executionArn=first["executionArn"])
    assert len(list(started_under_way(arns))) == 2


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("SlowDown", 503, StoreUnavailable),
        ("InternalError", 500, StoreUnavailable),
        ("Whatever", 502, StoreUnavailable),
        ("AccessDenied", 403, StoreDenied),
        ("NoSuchKey", 404, MissingObject),
        ("InvalidRequest", 400, ClientError),
    ],
)
def test_s3s_failures_have_the_names_that_the_state_machine_knows(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[Exception]
) -> None:
    client = boto3.client("s3")
    monkeypatch.setattr(clients, "s3", lambda: client)
    with Stubber(client) as stub:
        stub.add_client_error("get_object", code, "Mrs Smith", http_status_code=status)
        with pytest.raises(error):
            S3ObjectStore("data").read("k")


def test_a_connection_that_breaks_while_reading_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def read(self, amt: int | None = None) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://s3")

        readinto = read
        close = staticmethod(lambda: None)

    monkeypatch.setattr(clients, "s3", lambda: SimpleNamespace(get_object=lambda **where: {"Body": Broken()}))
    with pytest.raises(StoreUnavailable, match="s3://data/k: not reached"):
        S3ObjectStore("data").read("k")


def test_a_throttled_ledger_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("dynamodb")
    monkeypatch.setattr(clients, "dynamodb", lambda: client)
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ProvisionedThroughputExceededException")
        with pytest.raises(StoreUnavailable, match="the ledger's table"):
            DynamoLedger("ledger").put_run(row("a"))
