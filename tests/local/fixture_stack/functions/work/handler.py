"""Does what the event says: everything a function can do, well or badly."""

import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from sharedcode import SHARED  # type: ignore[import-not-found]  # the layer is only there in a worker

TABLE = os.environ["TABLE"]


class Throttled(Exception):
    pass


class Forgivable(Exception):
    pass


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")


def _count(key: str) -> int:
    answer = _dynamodb().update_item(
        TableName=TABLE,
        Key={"pk": {"S": key}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    return int(answer["Attributes"]["n"]["N"])


def throttle(event: dict[str, Any], context: Any) -> Any:
    tries = _count(event["key"])
    if tries < event["until"]:
        raise Throttled("try again later")
    return {"tries": tries}


def refuse(event: dict[str, Any], context: Any) -> Any:
    raise Forgivable("not this one")


def fail(event: dict[str, Any], context: Any) -> Any:
    raise KeyError("nobody catches this")


def describe(event: dict[str, Any], context: Any) -> Any:
    return {
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
        "greeting": os.environ["GREETING"],
        "text": (Path(os.environ["TEXTS_DIR"]) / "text.txt").read_text(),
        "shared": SHARED,
        "pid": os.getpid(),
        "path": [place for place in sys.path if place.endswith("/local")],
        "bedrock": os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
    }


def hang(event: dict[str, Any], context: Any) -> Any:
    print("about to hang", flush=True)  # noqa: T201 - what it prints is looked for in its log
    time.sleep(60)


DOES: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "echo": lambda event, context: event,
    "number": lambda event, context: {"n": Decimal("1.5")},
    "bytes": lambda event, context: b"no JSON",
    "huge": lambda event, context: "x" * 7_000_000,
    "exit": lambda event, context: sys.exit(3),
    "die": lambda event, context: os.kill(os.getpid(), 9),
    "print": lambda event, context: print("a line for the log"),  # noqa: T201
    "count": lambda event, context: _count(event["key"]),
    "throttle": throttle,
    "refuse": refuse,
    "fail": fail,
    "describe": describe,
    "hang": hang,
}


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    return DOES[event["do"]](event, context)
