"""What the domain asks of the outside world. Adapters implement these; tests use in-memory fakes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Protocol

from plumbline.contracts.base import Model
from plumbline.contracts.batch import BatchJob, JobState, RecordError
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.models import ModelPointer, ModelRow
from plumbline.contracts.replies import ModelReply, ModelRequest
from plumbline.contracts.runs import RunRequest, RunRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class StoredObject(Model):
    """An object as a listing of its bucket has it. `version_id` is None in a bucket that keeps no versions."""

    key: str
    version_id: str | None
    etag: str
    bytes: int
    modified: datetime


class ObjectStore(Protocol):
    """One bucket. Keys are full keys; every read of a missing key raises MissingObject."""

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """A forward-only stream of the object's bytes."""

    def size(self, key: str, version_id: str | None = None) -> int:
        """The object's size in bytes."""

    def read(self, key: str) -> bytes:
        """The whole object; for small ones."""

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Put a small object whole; readers see the old or the new one, never half."""

    def writer(self, key: str, content_type: str = "application/x-ndjson") -> AbstractContextManager[IO[bytes]]:
        """A binary stream that becomes the object when the block ends without an error; memory stays flat."""


class ClaimingStore(ObjectStore, Protocol):
    """One bucket, in which the first of several writers can win."""

    def write_if_absent(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        """Put a small object whole unless there is one; False, and nothing written, where there is."""


class Listing(Protocol):
    """What lies in a bucket, without a right to read it."""

    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        """The newest version of every object whose key begins with the prefix, in the order of the keys."""


class ListedStore(ObjectStore, Listing, Protocol):
    """One bucket, with its list of objects."""


class KnownCases(Protocol):
    """Which cases are done with."""

    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        """As Ledger's."""


class Ledger(Protocol):
    """What has been labeled and which runs there were."""

    def put_run(self, row: RunRow) -> None:
        """Write the run's row, replacing an earlier one of the same run."""

    def get_run(self, task: str, run_id: str) -> RunRow | None:
        """The run's row, or None."""

    def runs(self, task: str) -> list[RunRow]:
        """Every run of the task, newest first."""

    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        """Content hashes of those of the cases that are done with: that have an accepted label, or a prediction.

        `but_by` leaves out what the run of that id has recorded itself.
        """

    def record_labeled(self, task: str, run_id: str, hashes: Mapping[str, str]) -> None:
        """Remember case id → content hash as labeled by this run (in a prediction's scope: predicted)."""

    def recorded_by(self, task: str, case_ids: Iterable[str]) -> Mapping[str, str]:
        """Those of the cases that are done with, and by which run."""

    def forget(self, task: str, run_id: str, case_ids: Iterable[str]) -> None:
        """Those of the cases that this very run has recorded are new again; what another one recorded stays."""


class LanguageModel(Protocol):
    """A model that answers one request. Raises ModelThrottled, ModelUnavailable, ModelAccessDenied,
    ModelRequestRejected."""

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer."""


class ReplyStore(Protocol):
    """The replies that were paid for already."""

    def answered(self, requests: Iterable[str]) -> set[str]:
        """Those of the requests (by ModelRequest.key) to which a reply is stored."""


class BatchModel(Protocol):
    """A model that answers files of requests at half the price, within a day. Raises BatchRefused, ModelThrottled,
    ModelUnavailable, ModelAccessDenied."""

    def record(self, record_id: str, request: ModelRequest) -> bytes:
        """The request as one line of a record file, in the model's own shape."""

    def submit(self, job: BatchJob, model_id: str) -> str:
        """Submit the job's record file; the job's ARN. Submitting the same job again gives the same ARN."""

    def state(self, job_arn: str) -> JobState:
        """How the job stands."""

    def stop(self, job_arn: str) -> None:
        """Ask for the job's end; a job that has ended is left as it is."""

    def answer(self, line: bytes) -> tuple[str, ModelReply | RecordError] | None:
        """A line of output: the record's id and its reply, or its error; None for a line that is neither."""


class SpendLedger(Protocol):
    """What a run has spent and what its calls under way can still cost: the cap that holds over all of its workers."""

    def reserve(self, run_id: str, usd: float, cap: float) -> None:
        """Set an amount aside. Raises BudgetExceeded, and sets nothing aside, where it would break the cap."""

    def settle(self, run_id: str, reserved: float, spent: float) -> None:
        """Give back what was reserved and count what was spent in its place."""

    def reserve_batch(self, run_id: str, usd: float, cap: float) -> None:
        """As reserve, for the run's batch and once a run: again it sets nothing aside."""

    def settle_batch(self, run_id: str, reserved: float, spent: float) -> bool:
        """As settle, for the run's batch and once a run: False, and nothing done, where it was settled before."""

    def spent(self, run_id: str) -> float:
        """USD that the run's settled calls cost so far."""

    def held(self, run_id: str) -> float:
        """USD set aside and not settled: of calls under way and, once there are none, of those that may have cost it
        without an answer."""


class Workflow(Protocol):
    """The LabelCases state machine."""

    def start(self, run: RunRequest) -> bool:
        """Start a run under its id; False when a run of that id has ended. One that still runs is not started again."""


class TrainingJobs(Protocol):
    """The training service."""

    def start(
        self, job_name: str, manifest: DatasetManifest, manifest_key: str, *, force: bool = False
    ) -> tuple[str, bool]:
        """Start the job; the name it got, and False when one that runs or has completed is there already.

        With `force` a completed one is no reason not to start. Raises TrainingNotConfigured, TrainingUnavailable.
        """


class EventBus(Protocol):
    """Where Plumbline tells others what it noticed."""

    def send(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Send one event from the source `plumbline`, at least once. Raises EventsUnavailable."""


class ModelRegistry(Protocol):
    """Which models there are of a task, and which one serves."""

    def current(self, task: str) -> ModelPointer | None:
        """The model in service; None where none was promoted yet."""

    def history(self, task: str) -> list[ModelPointer]:
        """Every pointer that was ever set, newest first."""

    def point_to(self, pointer: ModelPointer) -> None:
        """Put a model into service: readers see the old pointer or the new one, never half."""

    def record(self, row: ModelRow) -> None:
        """Write what became of a training job, replacing an earlier row of the same version."""

    def record_if_none(self, row: ModelRow) -> ModelRow:
        """Write the row unless its version has one; the row that stands then."""

    def rows(self, task: str) -> list[ModelRow]:
        """Every training job's row, newest first."""


class PiiDetector(Protocol):
    """Finds personal data in texts."""

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        """For each text, spans (start, end, entity type) that do not overlap, in order."""


class Embedder(Protocol):
    """Turns texts into vectors: texts about the same are close."""

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """One row of length 1 for each text, in order. The same text has the same vector. Raises ModelFileBroken."""
