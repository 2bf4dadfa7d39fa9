"""What AWS bills of a run, counted: requests to S3 and DynamoDB on their way to the embedded AWS, and steps of a state
machine as it is shipped."""

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# USD, us-east-1, on demand, without free tiers. Secondary sources: check aws.amazon.com/<service>/pricing.
PRICES_AS_OF: Final = "2026-11-01"
PRICES: Final[Mapping[str, float]] = {
    "state transition": 0.025 / 1_000,
    "Lambda GB-second": 0.0000166667,
    "Lambda request": 0.20 / 1_000_000,
    "S3 PUT, POST, LIST": 0.005 / 1_000,
    "S3 GET, HEAD": 0.0004 / 1_000,
    "DynamoDB write unit": 0.625 / 1_000_000,
    "DynamoDB read unit": 0.125 / 1_000_000,
    "GB of logs": 0.50,
}
# A month, whatever the number of cases.
ALARM_METRIC_USD, DASHBOARD_USD, CUSTOM_METRIC_USD = 0.10, 3.00, 0.30
# AWS's own example counts an execution's start and end beside its states.
STEPS_OF_AN_EXECUTION = 2
WHOLE_CORE_MB = 1769
_READ, _WRITE = 4096, 1024
App = Callable[..., Iterable[bytes]]


class Requests:
    """Counts what goes through a WSGI application: S3 requests by price class, DynamoDB request units."""

    def __init__(self, buckets: Callable[[], Iterable[str]]) -> None:
        self._buckets = buckets
        self._lock = threading.Lock()
        self.counted: Counter[str] = Counter()

    def around(self, application: App) -> App:
        """The application, counted."""

        def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            if not target.startswith("DynamoDB"):
                if (kind := self._s3(environ)) is not None:
                    self._add({kind: 1.0})
                return application(environ, start_response)
            sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(sent)
            answered = b"".join(application(environ, start_response))
            self._add(units(target.rpartition(".")[2], json.loads(sent), json.loads(answered)))
            return [answered]

        return serve

    def _s3(self, environ: Mapping[str, Any]) -> str | None:
        path = environ["PATH_INFO"].lstrip("/")
        if path.split("/", 1)[0] not in self._buckets() or environ["REQUEST_METHOD"] == "DELETE":
            return None  # deletes cost nothing
        lists = "/" not in path.rstrip("/") and environ["REQUEST_METHOD"] == "GET"
        reads = environ["REQUEST_METHOD"] in {"GET", "HEAD"} and not lists
        return "S3 GET, HEAD" if reads else "S3 PUT, POST, LIST"

    def _add(self, more: Mapping[str, float]) -> None:
        with self._lock:
            for name, number in more.items():
                self.counted[name] += number  # type: ignore[assignment]  # half a read unit is a unit, too


def units(operation: str, sent: Mapping[str, Any], answered: Mapping[str, Any]) -> dict[str, float]:
    """Request units of one DynamoDB call on a table on demand. Of an update the new values stand for the whole item.

    Source: Amazon DynamoDB Developer Guide, "DynamoDB on-demand capacity mode: read and write request units".
    """
    share = 1.0 if sent.get("ConsistentRead") else 0.5
    if operation == "GetItem":
        return {"DynamoDB read unit": share * _blocks(item_bytes(answered.get("Item", {})), _READ)}
    if operation == "Query":
        size = sum(item_bytes(item) for item in answered.get("Items", []))
        return {"DynamoDB read unit": share * _blocks(size, _READ)}
    if operation == "BatchGetItem":
        asked = sum(len(table["Keys"]) for table in sent["RequestItems"].values())
        found = [item for items in answered.get("Responses", {}).values() for item in items]
        blocks = sum(_blocks(item_bytes(item), _READ) for item in found) + max(0, asked - len(found))
        return {"DynamoDB read unit": 0.5 * blocks}
    if operation == "BatchWriteItem":
        puts = [put for table in sent["RequestItems"].values() for put in table]
        sizes = (item_bytes(put.get("PutRequest", {}).get("Item", {})) for put in puts)
        return {"DynamoDB write unit": float(sum(_blocks(size, _WRITE) for size in sizes))}
    if operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        item = {**sent.get("Item", {}), **sent.get("Key", {}), **sent.get("ExpressionAttributeValues", {})}
        return {"DynamoDB write unit": float(_blocks(item_bytes(item), _WRITE))}
    return {}


def item_bytes(item: Mapping[str, Any]) -> int:
    """The size of an item in DynamoDB's JSON: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, inside)] = value.items()
    if kind == "M":
        return 3 + item_bytes(inside)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(one) for one in inside)
    if kind == "N":
        return len(inside) // 2 + 2
    return len(str(inside).encode()) if kind in {"S", "B"} else 1


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))


@dataclass(frozen=True)
class Walk:
    """The states that an execution enters, in order."""

    states: tuple[str, ...]

    @property
    def transitions(self) -> int:
        """What is billed of one execution."""
        return len(self.states) + STEPS_OF_AN_EXECUTION


def walk(machine: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> Walk:
    """Through a machine from its start to an end. `choices` says where each Choice goes, time after time; the last one
    stands for all further times.

    Raises KeyError for a Choice that is not in `choices`, or that never goes where they say.
    """
    taken: Counter[str] = Counter()
    name, entered = machine["StartAt"], []
    while name:
        state = machine["States"][name]
        entered.append(name)
        if state["Type"] == "Choice":
            ways = choices[name]
            following = ways[min(taken[name], len(ways) - 1)]
            if following not in {state.get("Default"), *(choice["Next"] for choice in state["Choices"])}:
                raise KeyError(f"{name} never goes to {following}")
            taken[name] += 1
            name = following
        else:
            name = state.get("Next", "")
    return Walk(tuple(entered))


def gb_seconds(seconds: float, memory_mb: int, *, waiting: float = 0.0) -> float:
    """What a function is billed that computes for so many seconds on a whole core, and waits. Below 1,769 MB it has a
    share of a core, so that it computes for longer."""
    return (seconds * max(1.0, WHOLE_CORE_MB / memory_mb) + waiting) * memory_mb / 1024
