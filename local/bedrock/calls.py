"""What the stand-in counts, so that a test can prove that no answered call was made twice."""

import hashlib
import json
import threading
from collections import Counter

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelRequest, Usage


class Calls(Model):
    """Calls so far. `answered` counts answers that a client was there to take, `requests` the same by request hash,
    `repeated` those among them that had been answered before; `abandoned` counts answers whose client was gone (a
    killed worker) and `faults` errors, by code."""

    answered: int = 0
    repeated: int = 0
    abandoned: int = 0
    faults: dict[str, int] = Field(default_factory=dict)
    requests: dict[str, int] = Field(default_factory=dict)
    usage: Usage = Usage()


def request_hash(request: ModelRequest) -> str:
    """sha256 (hex) of all that is sent."""
    return hashlib.sha256(json.dumps(request.model_dump(exclude={"sample"}), sort_keys=True).encode()).hexdigest()


class CallLog:
    """The counts, safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._abandoned = 0
        self._usage = Usage()

    def answered(self, request: ModelRequest, usage: Usage) -> None:
        """Count an answer."""
        digest = request_hash(request)
        with self._lock:
            self._requests[digest] += 1
            self._usage += usage

    def abandoned(self) -> None:
        """Count an answer that nobody waited for."""
        with self._lock:
            self._abandoned += 1

    def failed(self, code: str) -> None:
        """Count an error."""
        with self._lock:
            self._faults[code] += 1

    def snapshot(self) -> Calls:
        """The counts as they are now."""
        with self._lock:
            answered = self._requests.total()
            return Calls(
                answered=answered,
                repeated=answered - len(self._requests),
                abandoned=self._abandoned,
                faults=dict(self._faults),
                requests=dict(self._requests),
                usage=self._usage,
            )
