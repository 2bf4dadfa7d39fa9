"""The model registry against moto: a parameter with its history, rows in the ledger's table."""

from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from plumbline.adapters import clients
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.errors import ModelFileBroken, StoreDenied, StoreUnavailable
from plumbline.contracts.models import ModelPointer, ModelRow, ServingFile
from plumbline.contracts.runs import RunRow
from tests import builders as b

FILES = tuple(
    ServingFile(name=name, sha256="a" * 64, bytes=23_000_000)
    for name in ("model.onnx", "tokenizer.json", "classifier.json")
)


@pytest.fixture
def registry() -> Iterator[AwsModelRegistry]:
    clients._client.cache_clear()
    with mock_aws():
        boto3.client("dynamodb", "us-east-1").create_table(
            TableName="ledger",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield AwsModelRegistry("/demo/models/", "ledger")
    clients._client.cache_clear()


def pointer(version: str, task: str = "root_cause") -> ModelPointer:
    return ModelPointer(
        task=task,
        version=version,
        prefix=f"models/{task}/{version}/serving/",
        files=FILES,
        promoted_at=b.NOW,
        why="gate",
    )


def row(version: str, minutes: int = 0) -> ModelRow:
    at = b.NOW + timedelta(minutes=minutes)
    return ModelRow(task="root_cause", version=version, status="rejected", decided_at=at, reasons=("why",), files=FILES)


def test_without_a_parameter_no_model_serves(registry: AwsModelRegistry) -> None:
    assert registry.current("root_cause") is None
    assert registry.history("root_cause") == []
    assert registry.rows("root_cause") == []


def test_the_last_pointer_serves_and_the_others_are_history(registry: AwsModelRegistry) -> None:
    for version in "abc":
        registry.point_to(pointer(version))
    registry.point_to(pointer("other", "npm_issue"))
    assert registry.current("root_cause") == pointer("c")
    assert [found.version for found in registry.history("root_cause")] == ["c", "b", "a"]
    assert registry.current("npm_issue") == pointer("other", "npm_issue")
    names = [p["Name"] for p in clients.ssm().describe_parameters()["Parameters"]]
    assert sorted(names) == ["/demo/models/npm_issue", "/demo/models/root_cause"]


def test_a_history_of_many_pages_is_read_whole(registry: AwsModelRegistry) -> None:
    for number in range(70):
        registry.point_to(pointer(f"v{number}"))
    assert [found.version for found in registry.history("root_cause")] == [f"v{n}" for n in range(69, -1, -1)]


def test_a_pointer_fits_a_standard_parameter_with_the_longest_names(registry: AwsModelRegistry) -> None:
    longest = pointer("x" * 63, "t" * 100).model_copy(update={"previous": "y" * 63})
    registry.point_to(longest)
    value = clients.ssm().get_parameter(Name="/demo/models/" + "t" * 100)["Parameter"]["Value"]
    assert len(value.encode()) < 4096


def test_a_parameter_that_somebody_wrote_by_hand_is_named(registry: AwsModelRegistry) -> None:
    registry.point_to(pointer("a"))
    clients.ssm().put_parameter(Name="/demo/models/root_cause", Value="v2", Type="String", Overwrite=True)
    with pytest.raises(ModelFileBroken, match="/demo/models/root_cause holds no model pointer"):
        registry.current("root_cause")
    assert [found.version for found in registry.history("root_cause")] == ["a"]


def test_rows_are_listed_newest_first_and_replaced_by_version(registry: AwsModelRegistry) -> None:
    for version, minutes in (("a", 1), ("b", 3), ("c", 2)):
        registry.record(row(version, minutes))
    registry.record(row("a", 9))
    assert [found.version for found in registry.rows("root_cause")] == ["a", "b", "c"]
    assert registry.rows("root_cause")[1] == row("b", 3)


def test_a_row_that_stands_is_kept_and_answered_by_a_conditional_write(registry: AwsModelRegistry) -> None:
    assert registry.record_if_none(row("a", 1)) == row("a", 1)
    assert registry.record_if_none(row("a", 9)) == row("a", 1)
    assert registry.rows("root_cause") == [row("a", 1)]
    registry.record(row("a", 9))
    assert registry.record_if_none(row("a", 1)) == row("a", 9)


def test_rows_of_models_and_of_runs_do_not_meet(registry: AwsModelRegistry) -> None:
    ledger = DynamoLedger("ledger")
    ledger.put_run(RunRow(run_id="run-1", task="root_cause", status="RUNNING", source="x", started_at=b.NOW))
    registry.record(row("run-1"))
    assert [found.run_id for found in ledger.runs("root_cause")] == ["run-1"]
    assert registry.rows("root_cause") == [row("run-1")]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", StoreUnavailable),
        ("TooManyUpdates", StoreUnavailable),
        ("AccessDeniedException", StoreDenied),
    ],
)
def test_failures_have_names_of_ours(registry: AwsModelRegistry, code: str, kind: type[Exception]) -> None:
    with Stubber(clients.ssm()) as stub:
        stub.add_client_error("put_parameter", code)
        stub.add_client_error("get_parameter", code)
        with pytest.raises(kind, match="/demo/models/root_cause"):
            registry.point_to(pointer("a"))
        with pytest.raises(kind, match="/demo/models/root_cause"):
            registry.current("root_cause")
