"""The model in service, as one process holds it: loaded once, exchanged when the pointer moves, never missing."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plumbline.contracts.errors import MissingObject, ModelFileBroken, NoModelInService, PlumblineError
from plumbline.contracts.models import SERVING_FILES, ModelPointer
from plumbline.observability import logger
from plumbline.ports import ModelRegistry, ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.predict.loaded import Load, loaded

POINTER_SECONDS = 30.0
# While nothing is loaded, every request and look at the health would read the pointer; SSM takes 40 reads a second of a
# whole account and region (docs/operations.md).
UNLOADED_SECONDS = 2.0


@dataclass(frozen=True)
class Served:
    """A loaded model and the pointer that named it; exchanged as one."""

    pointer: ModelPointer
    classifier: Classifier


@dataclass(frozen=True)
class _Read:
    """What a reading of the pointer gave, and until when it holds."""

    until: float
    pointer: ModelPointer | None = None
    error: PlumblineError | None = None


class CurrentModel:
    """The task's promoted model. Safe for threads.

    The pointer is read at most once in `pointer_seconds`, by one thread; the others go on with what is loaded. A new
    model takes the place of the old one only when it is loaded whole. Whatever goes wrong before that, the old one
    stays, `refresh_failed` is called and the next try is as many seconds away. While none is loaded, what the pointer
    said, also that it names none or cannot be read, holds for `unloaded_seconds`. `cache` is a folder of this
    function's own. `clock` counts seconds.
    """

    def __init__(
        self,
        task: str,
        *,
        registry: ModelRegistry,
        data: ObjectStore,
        cache: Path,
        refresh_failed: Callable[[], None] = lambda: None,
        pointer_seconds: float = POINTER_SECONDS,
        unloaded_seconds: float = UNLOADED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        load: Load = Classifier.load,
    ) -> None:
        self._task = task
        self._registry = registry
        self._data = data
        self._cache = cache
        self._refresh_failed = refresh_failed
        self._pointer_seconds = pointer_seconds
        self._unloaded_seconds = unloaded_seconds
        self._clock = clock
        self._load = load
        self._served: Served | None = None
        self._next_look = float("-inf")
        self._read = _Read(until=float("-inf"))
        self._looking = threading.Lock()

    def get(self) -> Served:
        """The model to predict with.

        Raises, only where none is loaded yet: NoModelInService, ModelFileBroken, StoreUnavailable, StoreDenied.
        """
        served = self._served
        if served is None:
            with self._looking:
                # Another thread may have loaded it while this one waited.
                return self._served or self._first()
        if self._clock() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                served = self._refreshed(served)
            finally:
                self._looking.release()
        return served

    def version(self) -> str | None:
        """The version in service without loading it: the loaded one, else what the pointer says; None without one.

        Raises ModelFileBroken, StoreUnavailable and StoreDenied where nothing is loaded and could not be loaded, as far
        as the files' sizes show.
        """
        if self._served is not None:
            return self._served.pointer.version
        pointer = self._unloaded_pointer()
        if pointer is None:
            return None
        for file in pointer.files:
            try:
                size = self._data.size(pointer.prefix + file.name)
            except MissingObject:
                size = -1
            if file.name in SERVING_FILES and size != file.bytes:
                raise ModelFileBroken(
                    f"model {pointer.version}: {file.name} is gone or was cut short; roll back to another version"
                )
        return pointer.version

    def _unloaded_pointer(self) -> ModelPointer | None:
        """The pointer while nothing is loaded. Raises what its reading raised, as long as that holds."""
        read = self._read
        if self._clock() >= read.until:
            read = self._read = self._reading()
        if read.error is not None:
            raise type(read.error)(*read.error.args)
        return read.pointer

    def _reading(self) -> _Read:
        try:
            pointer, error = self._registry.current(self._task), None
        except PlumblineError as failed:
            pointer, error = None, failed
        return _Read(self._clock() + self._unloaded_seconds, pointer, error)

    def _first(self) -> Served:
        pointer = self._unloaded_pointer()
        if pointer is None:
            raise NoModelInService(
                f"no model of the task {self._task} has been promoted yet; train one (`plumbline train`), or promote "
                "one by hand (`plumbline models promote`)"
            )
        return self._put(pointer)

    def _refreshed(self, served: Served) -> Served:
        """The model that the pointer names now; the one that is loaded where that cannot be had."""
        self._next_look = self._clock() + self._pointer_seconds
        version = "(unknown)"
        try:
            pointer = self._registry.current(self._task)
            if pointer is None or (pointer.version, pointer.files) == (served.pointer.version, served.pointer.files):
                return served  # a pointer that was deleted takes no model out of service
            version = pointer.version
            return self._put(pointer)
        except Exception as error:  # noqa: BLE001 - a refresh never fails a request, whatever it meets
            # Only the kind: what a library says may quote anything.
            logger.error(
                "the model in service could not be refreshed; the loaded one goes on",
                extra={"error": type(error).__name__, "wanted": version, "serving": served.pointer.version},
            )
            self._refresh_failed()
            return served

    def _put(self, pointer: ModelPointer) -> Served:
        served = Served(pointer, loaded(pointer, self._data, self._cache, self._load))
        self._served = served
        self._next_look = self._clock() + self._pointer_seconds
        logger.info("model loaded", extra={"model_version": pointer.version})
        return served
