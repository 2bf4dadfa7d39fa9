"""Ledger on Amazon DynamoDB: one table, partition key `pk`, sort key `sk`.

case#<task>#<case id> / case   → content hash and run of the last accepted label
runs#<task> / <run id>         → the run's row; a query of the partition lists the task's runs
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from plumbline.adapters import clients
from plumbline.adapters.failures import translated
from plumbline.contracts.errors import StoreUnavailable
from plumbline.contracts.runs import RunRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

T = TypeVar("T")
_MAX_GET = 100  # BatchGetItem's limit
_MAX_WRITE = 25  # BatchWriteItem's limit
_MAX_ROUNDS = 8  # botocore already retries throttled calls; these rounds are for partly served ones


_translated = translated("the ledger's table")


def partition(table: str, pk: str) -> Iterator[str]:
    """The attribute `row` of every item under the partition key, in the order of the sort key."""
    pages = (
        clients.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
    )
    return (item["row"]["S"] for page in pages for item in page["Items"])


class Recorded(NamedTuple):
    """What the ledger knows of a case that is done with."""

    content_hash: str
    run_id: str


class DynamoLedger:
    """What has been labeled and which runs there were. Every method may raise StoreUnavailable and StoreDenied."""

    def __init__(self, table: str) -> None:
        self.table = table

    @_translated
    def put_run(self, row: RunRow) -> None:
        """Write the run's row, replacing an earlier one of the same run."""
        clients.dynamodb().put_item(
            TableName=self.table,
            Item={
                "pk": {"S": f"runs#{row.task}"},
                "sk": {"S": row.run_id},
                "row": {"S": row.model_dump_json(exclude_defaults=True)},
            },
        )

    @_translated
    def get_run(self, task: str, run_id: str) -> RunRow | None:
        """The run's row, or None."""
        item = (
            clients.dynamodb()
            .get_item(TableName=self.table, Key={"pk": {"S": f"runs#{task}"}, "sk": {"S": run_id}}, ConsistentRead=True)
            .get("Item")
        )
        return RunRow.model_validate_json(item["row"]["S"]) if item else None

    @_translated
    def runs(self, task: str) -> list[RunRow]:
        """Every run of the task, newest first."""
        rows = [RunRow.model_validate_json(row) for row in partition(self.table, f"runs#{task}")]
        return sorted(rows, key=lambda row: (row.started_at, row.run_id), reverse=True)

    @_translated
    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        """Content hashes of those of the cases that are done with; `but_by` leaves out what that run recorded."""
        recorded = self._recorded(task, case_ids)
        return {case_id: done.content_hash for case_id, done in recorded.items() if done.run_id != but_by}

    @_translated
    def recorded(self, task: str, case_ids: Iterable[str]) -> Mapping[str, Recorded]:
        """Those of the cases that are done with: which content, and by which run."""
        return self._recorded(task, case_ids)

    def _recorded(self, task: str, case_ids: Iterable[str]) -> dict[str, Recorded]:
        found: dict[str, Recorded] = {}
        for batch in _batches(dict.fromkeys(case_ids), _MAX_GET):
            keys = [{"pk": {"S": _case_pk(task, case_id)}, "sk": {"S": "case"}} for case_id in batch]
            pending = {
                self.table: {
                    "Keys": keys,
                    "ProjectionExpression": "case_id, content_hash, run_id",
                    "ConsistentRead": True,
                }
            }
            for _ in range(_MAX_ROUNDS):
                answer = clients.dynamodb().batch_get_item(RequestItems=pending)  # type: ignore[arg-type]
                for item in answer["Responses"].get(self.table, []):
                    found[item["case_id"]["S"]] = Recorded(item["content_hash"]["S"], item["run_id"]["S"])
                pending = answer["UnprocessedKeys"]  # type: ignore[assignment]
                if not pending:
                    break
            else:
                raise StoreUnavailable(
                    f"table {self.table} did not answer {len(batch)} lookups in {_MAX_ROUNDS} rounds"
                )
        return found

    @_translated
    def record_labeled(self, task: str, run_id: str, hashes: Mapping[str, str]) -> None:
        """Remember case id → content hash as labeled (in a prediction's scope: predicted) by this run."""
        for batch in _batches(hashes.items(), _MAX_WRITE):
            puts: list[WriteRequestTypeDef] = [
                {
                    "PutRequest": {
                        "Item": {
                            "pk": {"S": _case_pk(task, case_id)},
                            "sk": {"S": "case"},
                            "case_id": {"S": case_id},
                            "content_hash": {"S": content_hash},
                            "run_id": {"S": run_id},
                        }
                    }
                }
                for case_id, content_hash in batch
            ]
            pending = {self.table: puts}
            for _ in range(_MAX_ROUNDS):
                pending = clients.dynamodb().batch_write_item(RequestItems=pending)["UnprocessedItems"]  # type: ignore[assignment]
                if not pending:
                    break
            else:
                raise StoreUnavailable(f"table {self.table} did not take {len(batch)} rows in {_MAX_ROUNDS} rounds")

    @_translated
    def recorded_by(self, task: str, case_ids: Iterable[str]) -> Mapping[str, str]:
        """Those of the cases that are done with, and by which run."""
        return {case_id: done.run_id for case_id, done in self._recorded(task, case_ids).items()}

    @_translated
    def forget(self, task: str, run_id: str, case_ids: Iterable[str]) -> None:
        """Those of the cases that this very run has recorded are new again; what another one recorded stays."""
        client = clients.dynamodb()
        for case_id in case_ids:
            try:
                client.delete_item(
                    TableName=self.table,
                    Key={"pk": {"S": _case_pk(task, case_id)}, "sk": {"S": "case"}},
                    ConditionExpression="run_id = :run",
                    ExpressionAttributeValues={":run": {"S": run_id}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue  # not there (a retry), or another run's


def _case_pk(task: str, case_id: str) -> str:
    return f"case#{task}#{case_id}"


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
