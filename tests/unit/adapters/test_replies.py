"""The lookup of stored replies, against what IdempotentModel itself has stored."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from plumbline.adapters import clients
from plumbline.adapters.idempotency import IdempotentModel, stored_id
from plumbline.adapters.replies import DynamoReplies
from plumbline.contracts.replies import ModelRequest, Turn
from tests.fakes import FakeModel

TABLE = "replies"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        monkeypatch.setattr(clients, "dynamodb_many", lambda: client)
        yield client


def _request(text: str) -> ModelRequest:
    return ModelRequest(model_id="local.test", system="s", turns=(Turn(role="user", text=text),), max_tokens=10)


def _put(client: Any, key: str, status: str, expiration: int) -> None:
    item = {"id": {"S": stored_id(key)}, "status": {"S": status}, "expiration": {"N": str(expiration)}}
    client.put_item(TableName=TABLE, Item=item)


def test_what_the_model_was_asked_is_known_and_nothing_else(table: Any) -> None:
    model = IdempotentModel(FakeModel(lambda _: "said"), TABLE, client=table)
    asked = [_request(f"case {number}") for number in range(3)]
    for request in asked:
        model.ask(request)
    keys = [request.key for request in asked]
    others = [_request(f"other {number}").key for number in range(150)]
    assert DynamoReplies(TABLE).answered([*others, *keys]) == set(keys)
    assert DynamoReplies(TABLE).answered([]) == set()


def test_what_is_under_way_or_expired_is_not_answered(table: Any) -> None:
    _put(table, "under way", "INPROGRESS", 4_000_000_000)
    _put(table, "expired", "COMPLETED", 1)
    _put(table, "there", "COMPLETED", 4_000_000_000)
    assert DynamoReplies(TABLE).answered(["under way", "expired", "there"]) == {"there"}
