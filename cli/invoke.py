"""Asking one of the stack's functions for something, and waiting for its answer."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from cli.stack import Stack, function_of

# As long as a function may take to answer here; asked once, because a second ask would do the work twice.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=900)


class FunctionFailed(Exception):
    """The function answered with an error; `error` is its class name, the text its message."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


def invoke(where: Stack, logical: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The function's answer to the event. Raises FunctionFailed, and CliError where the stack has no such function."""
    client = boto3.client("lambda", config=_CONFIG)
    answer = client.invoke(FunctionName=function_of(where, logical), Payload=json.dumps(event).encode())
    payload: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        message = str(payload.get("errorMessage") or "no message")
        raise FunctionFailed(str(payload.get("errorType") or "Error"), message)
    return payload
