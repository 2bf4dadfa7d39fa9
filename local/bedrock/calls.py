"""What the stand-in counts, so that a test can prove that no answered call was made twice."""

import hashlib
import json
import threading
from collections import Counter

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelRequest, Usage


class Calls(Model):
    """Calls so far. `answered` counts on-demand answers that a client was there to take, `requests` the same by request
    hash and `usage` what they took, `tokens` by request hash; `batch_answered`, `batch_requests` and `batch_usage` are
    those of the batch jobs' records. `repeated` counts the answers of either kind to a request that had been answered
    before, by either. `abandoned` counts answers whose client was gone (a killed worker), `faults` errors and
    `record_errors` those of records, both by code. `acted` counts how often each of the faults acted that are followed
    now (`rules.0`, `jobs.1.missing`: their places in the file of faults)."""

    answered: int = 0
    repeated: int = 0
    abandoned: int = 0
    faults: dict[str, int] = Field(default_factory=dict)
    requests: dict[str, int] = Field(default_factory=dict)
    usage: Usage = Usage()
    tokens: dict[str, Usage] = Field(default_factory=dict)
    batch_answered: int = 0
    batch_requests: dict[str, int] = Field(default_factory=dict)
    batch_usage: Usage = Usage()
    record_errors: dict[str, int] = Field(default_factory=dict)
    acted: dict[str, int] = Field(default_factory=dict)
    keys: dict[str, str] = Field(default_factory=dict, description="request hash to ModelRequest.key")


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
        self._tokens: dict[str, Usage] = {}
        self._batch_requests: Counter[str] = Counter()
        self._batch_usage = Usage()
        self._record_errors: Counter[str] = Counter()
        self._keys: dict[str, str] = {}

    def answered(self, request: ModelRequest, usage: Usage) -> None:
        """Count an on-demand answer."""
        digest = request_hash(request)
        with self._lock:
            self._requests[digest] += 1
            self._keys[digest] = request.key
            self._usage += usage
            self._tokens[digest] = self._tokens.get(digest, Usage()) + usage

    def abandoned(self) -> None:
        """Count an answer that nobody waited for."""
        with self._lock:
            self._abandoned += 1

    def failed(self, code: str) -> None:
        """Count an error."""
        with self._lock:
            self._faults[code] += 1

    def record_answered(self, request: ModelRequest, usage: Usage) -> None:
        """Count the answer to a batch job's record."""
        digest = request_hash(request)
        with self._lock:
            self._batch_requests[digest] += 1
            self._keys[digest] = request.key
            self._batch_usage += usage

    def record_failed(self, code: str) -> None:
        """Count the error of a batch job's record."""
        with self._lock:
            self._record_errors[code] += 1

    def snapshot(self) -> Calls:
        """The counts as they are now."""
        with self._lock:
            answered, in_batch = self._requests.total(), self._batch_requests.total()
            return Calls(
                answered=answered,
                repeated=answered + in_batch - len(self._requests.keys() | self._batch_requests.keys()),
                abandoned=self._abandoned,
                faults=dict(self._faults),
                requests=dict(self._requests),
                usage=self._usage,
                tokens=dict(self._tokens),
                batch_answered=in_batch,
                batch_requests=dict(self._batch_requests),
                batch_usage=self._batch_usage,
                record_errors=dict(self._record_errors),
                keys=dict(self._keys),
            )
