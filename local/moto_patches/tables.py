"""A conditional write of DynamoDB is one step."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

from local.moto_patches.wiring import Patch

_WRITES = ("put_item", "update_item", "delete_item")


def patch(apply: Patch) -> None:
    """moto checks a condition and writes in two steps, and two threads can come between; DynamoDB does both in one."""
    lock = threading.RLock()

    def alone(write: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(write)
        def locked(*arguments: Any, **named: Any) -> Any:
            with lock:
                return write(*arguments, **named)

        return locked

    for name in _WRITES:
        apply(DynamoDBBackend, name, alone(getattr(DynamoDBBackend, name)))
