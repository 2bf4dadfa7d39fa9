"""Saves what the stack holds while it serves, so that a crash loses at most the run in progress."""

import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)
_SECONDS = 60.0
# A save may take this share of the time at most: one that takes 6 s is followed by none for two minutes.
_SHARE = 0.05


class Saver:
    """Calls `save` in a thread of its own: soon after `hurry`, and every `seconds` when something has `changed`.

    `save` never runs twice at once. When it fails, the log says so and it is tried again later.
    """

    def __init__(self, save: Callable[[], None], seconds: float = _SECONDS) -> None:
        self._save = save
        self._seconds = seconds
        self._changes = 1
        self._saved = 0
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)

    def start(self) -> None:
        """Begin to save."""
        self._thread.start()

    def changed(self) -> None:
        """Say that something has changed. A lost count among many at once does no harm: each is a change."""
        self._changes += 1

    def hurry(self) -> None:
        """Ask for a save now rather than at the end of the interval."""
        self._wake.set()

    def close(self) -> None:
        """End the thread and save a last time, if something has changed since the last save."""
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._save_changes()

    def _run(self) -> None:
        took = 0.0
        while not self._closed.is_set():
            self._wake.wait(max(self._seconds, took / _SHARE))
            self._wake.clear()
            if not self._closed.is_set():
                took = self._save_changes()
                self._closed.wait(took)  # many that hurry get one save

    def _save_changes(self) -> float:
        """How long it took, in seconds."""
        changes = self._changes
        if changes == self._saved:
            return 0.0
        started = time.monotonic()
        try:
            self._save()
        except Exception:  # noqa: BLE001 - a stack that cannot save still serves; the earlier state stays on disk
            _log.exception("the state could not be saved; the one saved before is kept")
        else:
            self._saved = changes
        return time.monotonic() - started
