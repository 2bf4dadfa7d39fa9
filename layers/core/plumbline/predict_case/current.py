"""The model in service, as one process holds it: loaded once, exchanged when the pointer moves, never missing."""

import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plumbline.contracts.errors import MissingObject, ModelFileBroken, NoModelInService
from plumbline.contracts.models import SERVING_FILES, ModelPointer
from plumbline.observability import logger
from plumbline.ports import ModelRegistry, ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.predict.files import fetch, folder_of

POINTER_SECONDS = 30.0
_IN_PROGRESS = "tmp"  # how `files.fetch` calls a folder that is not whole yet
_ABANDONED_SECONDS = 600.0


@dataclass(frozen=True)
class Served:
    """A loaded model and the pointer that named it; exchanged as one."""

    pointer: ModelPointer
    classifier: Classifier


class CurrentModel:
    """The task's promoted model. Safe for threads.

    The pointer is read at most once in `pointer_seconds`, by one thread; the others go on with what is loaded. A new
    model takes the place of the old one only when it is loaded whole. Whatever goes wrong before that, the old one
    stays, `refresh_failed` is called and the next try is as many seconds away. `cache` is a folder of this function's
    own. `clock` counts seconds.
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
        clock: Callable[[], float] = time.monotonic,
        load: Callable[[Path], Classifier] = Classifier.load,
    ) -> None:
        self._task = task
        self._registry = registry
        self._data = data
        self._cache = cache
        self._refresh_failed = refresh_failed
        self._pointer_seconds = pointer_seconds
        self._clock = clock
        self._load = load
        self._served: Served | None = None
        self._next_look = float("-inf")
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
        pointer = self._registry.current(self._task)
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

    def _first(self) -> Served:
        pointer = self._registry.current(self._task)
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
        served = Served(pointer, self._loaded(pointer))
        self._served = served
        self._next_look = self._clock() + self._pointer_seconds
        self._clear_all_but(folder_of(pointer, self._cache))
        logger.info("model loaded", extra={"model_version": pointer.version})
        return served

    def _loaded(self, pointer: ModelPointer) -> Classifier:
        folder = fetch(pointer, self._data, self._cache)
        try:
            return self._load(folder)
        except ModelFileBroken:
            _discard(folder)  # perhaps only this copy is damaged, or another process was clearing it: once more
            return self._load(fetch(pointer, self._data, self._cache))

    def _clear_all_but(self, kept: Path) -> None:
        """Folders of models that are not in service any more go, and what killed downloads left; /tmp is small."""
        for folder in kept.parent.iterdir():
            if folder.name.startswith(_IN_PROGRESS) and time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS:
                continue  # on a laptop several processes share the folder
            if folder != kept:
                _discard(folder)


def _discard(folder: Path) -> None:
    """Take a model's folder away in one step, so that nobody finds half of it."""
    away = folder.with_name(f"{_IN_PROGRESS}-{uuid.uuid4().hex}")
    try:
        folder.rename(away)
    except OSError:  # another process was faster
        return
    shutil.rmtree(away, ignore_errors=True)
