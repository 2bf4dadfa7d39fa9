"""ReplyStore on the table that IdempotentModel keeps its replies in: looked up many at a time, never written."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from plumbline.adapters import clients
from plumbline.adapters.failures import translated
from plumbline.adapters.idempotency import stored_id
from plumbline.contracts.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesUnionTypeDef

_MAX_GET: Final = 100  # BatchGetItem's limit
_MAX_ROUNDS: Final = 8  # botocore already retries throttled calls; these rounds are for partly served ones
_translated = translated("the table of replies")


class DynamoReplies:
    """Which requests have been answered. May raise StoreUnavailable and StoreDenied."""

    def __init__(self, table: str) -> None:
        self.table = table

    @_translated
    def answered(self, requests: Iterable[str]) -> set[str]:
        """Those of the requests (by ModelRequest.key) to which a reply is stored and has not expired."""
        ids = {stored_id(key): key for key in requests}
        found: set[str] = set()
        pending = iter(ids)
        while some := list(islice(pending, _MAX_GET)):
            found |= {ids[one] for one in self._stored(some)}
        return found

    def _stored(self, ids: list[str]) -> Iterator[str]:
        asked: KeysAndAttributesUnionTypeDef = {
            "Keys": [{"id": {"S": one}} for one in ids],
            "ProjectionExpression": "id, #status, expiration",
            "ExpressionAttributeNames": {"#status": "status"},
            "ConsistentRead": True,
        }
        pending = {self.table: asked}
        for _ in range(_MAX_ROUNDS):
            answer = clients.dynamodb_many().batch_get_item(RequestItems=pending)
            for item in answer["Responses"].get(self.table, []):
                # The table forgets an item up to days after it expired.
                if item["status"]["S"] == "COMPLETED" and int(item["expiration"]["N"]) > time.time():
                    yield item["id"]["S"]
            pending = answer["UnprocessedKeys"]  # type: ignore[assignment]  # what it takes and what it gives differ by name
            if not pending:
                return
        raise StoreUnavailable(f"table {self.table} did not answer {len(ids)} lookups in {_MAX_ROUNDS} rounds")
