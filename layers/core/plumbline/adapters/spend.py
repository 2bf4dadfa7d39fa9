"""SpendLedger on Amazon DynamoDB, in the ledger's table: one item a run.

spend#<run id> / spend → `committed`: what was spent and what is set aside; `spent`: the first part of it;
`batch_reserved` and `batch_settled`: that it was done for the run's batch, which is once.

Whole micro-dollars, because DynamoDB adds them up without rounding. One item takes some 1,000 updates a second, which
is 500 calls of the model a second.
"""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from botocore.exceptions import ClientError

from plumbline.adapters import clients
from plumbline.adapters.failures import translated
from plumbline.contracts.errors import BudgetExceeded

_MICRO = 1_000_000
_translated = translated("the ledger's table")


class DynamoSpendLedger:
    """What runs have spent. Every method may raise StoreUnavailable and StoreDenied."""

    def __init__(self, table: str) -> None:
        self.table = table

    @_translated
    def reserve(self, run_id: str, usd: float, cap: float) -> None:
        """Set an amount aside. Raises BudgetExceeded, and sets nothing aside, where it would break the cap."""
        amount, limit = _up(usd), floor(cap * _MICRO)
        refused = _refused(run_id, "a call", usd, cap)
        if amount > limit:
            raise refused
        try:
            # Tried again by botocore where the answer got lost: that can set the amount aside twice, which is safe.
            clients.dynamodb_many().update_item(
                TableName=self.table,
                Key=_key(run_id),
                UpdateExpression="ADD committed :amount",
                ConditionExpression="attribute_not_exists(committed) OR committed <= :room",
                ExpressionAttributeValues={":amount": {"N": str(amount)}, ":room": {"N": str(limit - amount)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise refused from None
            raise

    @_translated
    def settle(self, run_id: str, reserved: float, spent: float) -> None:
        """Give back what was reserved and count what was spent in its place.

        Tried once: whether an update whose answer got lost was made is not known, and giving back twice could break
        the cap. What is not settled stays set aside.
        """
        cost = _up(spent)
        clients.dynamodb_once().update_item(
            TableName=self.table,
            Key=_key(run_id),
            UpdateExpression="ADD committed :change, spent :cost",
            ExpressionAttributeValues={":change": {"N": str(cost - _up(reserved))}, ":cost": {"N": str(cost)}},
        )

    @_translated
    def reserve_batch(self, run_id: str, usd: float, cap: float) -> None:
        """Set an amount aside for the run's batch. Done before, it is done: by another attempt, or by botocore's own
        where the answer got lost. Raises BudgetExceeded, and sets nothing aside, where it would break the cap."""
        amount, limit = _up(usd), floor(cap * _MICRO)
        try:
            clients.dynamodb().update_item(
                TableName=self.table,
                Key=_key(run_id),
                UpdateExpression="SET batch_reserved = :amount ADD committed :amount",
                ConditionExpression="attribute_not_exists(batch_reserved) AND :amount <= :limit"
                " AND (attribute_not_exists(committed) OR committed <= :room)",
                ExpressionAttributeValues={
                    ":amount": {"N": str(amount)},
                    ":limit": {"N": str(limit)},
                    ":room": {"N": str(limit - amount)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            answer: Mapping[str, Any] = error.response
            if "batch_reserved" not in answer.get("Item", {}):
                raise _refused(run_id, "a batch", usd, cap) from None

    @_translated
    def settle_batch(self, run_id: str, reserved: float, spent: float) -> bool:
        """As settle for the run's batch, and marked as done in the same update: False where it was done before."""
        cost = _up(spent)
        try:
            clients.dynamodb().update_item(
                TableName=self.table,
                Key=_key(run_id),
                UpdateExpression="SET batch_settled = :cost ADD committed :change, spent :cost",
                ConditionExpression="attribute_not_exists(batch_settled)",
                ExpressionAttributeValues={":change": {"N": str(cost - _up(reserved))}, ":cost": {"N": str(cost)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    @_translated
    def spent(self, run_id: str) -> float:
        """USD that the run's settled calls cost so far."""
        return self._amounts(run_id)[1] / _MICRO

    @_translated
    def held(self, run_id: str) -> float:
        """USD set aside and not settled: of calls under way and, once there are none, of those that may have cost it
        without an answer."""
        committed, spent = self._amounts(run_id)
        return (committed - spent) / _MICRO

    def _amounts(self, run_id: str) -> tuple[int, int]:
        found = clients.dynamodb().get_item(TableName=self.table, Key=_key(run_id), ConsistentRead=True)
        item = found.get("Item", {})
        return int(item.get("committed", {"N": "0"})["N"]), int(item.get("spent", {"N": "0"})["N"])


def _key(run_id: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"spend#{run_id}"}, "sk": {"S": "spend"}}


def _refused(run_id: str, what: str, usd: float, cap: float) -> BudgetExceeded:
    return BudgetExceeded(
        f"run {run_id}: {what} that can cost ${usd:,.4f} was not made, because its budget of ${cap:,.2f} could "
        "break; run the file again with more budget (`--budget`): what was answered is not paid for again"
    )


def _up(usd: float) -> int:
    return ceil(usd * _MICRO)
