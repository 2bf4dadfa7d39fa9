"""Runs training jobs on this machine, one after the other."""

import contextlib
import logging
import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local import private
from local.sagemaker.container import HOST, Container
from local.sagemaker.job import Change, JobFailed, Recorder, TrainingJob
from local.sagemaker.logs import JobLog
from local.sagemaker.process import Ending, TrainingProcess
from local.sagemaker.storage import download, upload

_log = logging.getLogger(__name__)
PYTHON_VARIABLE: Final = "PLUMBLINE_TRAINING_PYTHON"
GRACE: Final = 20.0  # SageMaker gives 120 s between SIGTERM and SIGKILL; nobody waits that long on a laptop
_STOPPING_GRACE: Final = 3.0
_SHELL_SIGNAL: Final = 128  # how a container's exit code says a signal


def training_python(repository: Path) -> Path:
    """The interpreter that trains: the variable's, else that of `make training-env`."""
    named = os.environ.get(PYTHON_VARIABLE)
    return Path(named) if named else repository / ".venv-training" / "bin" / "python"


@dataclass
class _Entry:
    """A job that has not ended."""

    job: TrainingJob
    record: Recorder
    stop: threading.Event = field(default_factory=threading.Event)
    process: TrainingProcess | None = None
    out_of_time: bool = False

    @property
    def stopping(self) -> bool:
        """Whether it is to end before it ends by itself."""
        return self.out_of_time or self.stop.is_set()


class TrainingRunner:
    """Takes jobs and runs one at a time; a laptop has no room for two.

    `client` makes a boto3 client of a service of the embedded AWS. `scratch` is a folder for running jobs, `logs` one
    for their output. `grace` is the time in seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self, client: Callable[[str], Any], python: Path, scratch: Path, logs: Path, *, grace: float = GRACE
    ) -> None:
        self._client = client
        self._python = python
        self._scratch, self._logs = scratch, logs
        self._grace = grace
        self._closing = False
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)

    def submit(self, job: TrainingJob, record: Recorder) -> None:
        """Take a job; `record` hears of all that becomes of it, beginning with "Starting"."""
        with self._lock:
            if self._closing:
                record(Change("Stopped", "Stopped", "The local stack is stopping"))
                return
            waiting = bool(self._entries)
            entry = self._entries[job.name] = _Entry(job, record)
            if not self._thread.is_alive():
                shutil.rmtree(self._scratch, ignore_errors=True)  # what a crash left behind
                self._thread.start()
        message = "Waiting for another training job of this machine" if waiting else "Preparing the training"
        record(Change("InProgress", "Starting", message))
        self._queue.put(entry)

    def stop(self, name: str) -> bool:
        """Stop a job; False when it is not running or waiting. Returns at once."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return False
            if not entry.stop.is_set():
                entry.stop.set()
                entry.record(Change("Stopping", "Stopping", "Stopping the training job"))
                if entry.process is not None:
                    entry.process.stop()
        return True

    def close(self) -> list[str]:
        """Stop every job and leave no process behind; the names of those that had not ended."""
        with self._lock:
            self._closing = True
            entries = list(self._entries.values())
        for entry in entries:
            entry.stop.set()
            if entry.process is not None:
                entry.process.stop()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return [entry.job.name for entry in entries]

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            try:
                change = self._run(entry)
            except JobFailed as error:
                change = _failed(str(error))
            except Exception:  # noqa: BLE001 - the next job must not suffer from this one
                _log.exception("the training job %s could not be run", entry.job.name)
                change = _failed("InternalServerError: We encountered an internal error. See the local stack's log.")
            with self._lock:  # or a stop could still be recorded after the end
                del self._entries[entry.job.name]
                entry.record(change)

    def _run(self, entry: _Entry) -> Change:
        job = entry.job
        private.folder(self._logs)
        private.folder(self._scratch)
        folder = self._scratch / job.name
        stream = f"{job.name}/{HOST}-{int(time.time())}"
        log = JobLog(self._client("logs"), stream, self._logs / f"{job.name}.log")
        try:
            if entry.stop.is_set():
                return _stopped("Stopped", None)
            return self._train(entry, Container(folder / "opt" / "ml", job), log)
        except JobFailed as error:
            log.say(str(error))
            raise
        finally:
            log.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _train(self, entry: _Entry, container: Container, log: JobLog) -> Change:
        if not os.access(self._python, os.X_OK):
            raise JobFailed(
                f"ClientError: there is no Python for training at {self._python}; run `make training-env` (once), or "
                f"name another with {PYTHON_VARIABLE}, and start the local stack again"
            )
        s3 = self._client("s3")
        self._progress(entry, "Downloading", "Downloading input data")
        container.lay_out()
        download(s3, container)
        self._progress(entry, "Training", "Training in progress")
        code, how = self._execute(entry, container, log)
        if self._closing and how == "stopped":
            return _stopped("Stopped", None)  # the stack stops within seconds: nothing is packed any more
        if how == "by itself" and code != 0:
            return _failed(_reason(container, code, log.last_line))
        self._progress(entry, "Uploading", "Uploading generated training model")
        artifacts = upload(s3, container, whole=how == "by itself")
        if how == "out of time":
            return _stopped("MaxRuntimeExceeded", artifacts)
        if entry.stop.is_set():
            return _stopped("Stopped", artifacts)
        return Change("Completed", "Completed", "Training job completed", artifacts=artifacts)

    def _progress(self, entry: _Entry, secondary: str, message: str) -> None:
        with self._lock:
            entry.record(Change("Stopping" if entry.stopping else "InProgress", secondary, message))

    def _execute(self, entry: _Entry, container: Container, log: JobLog) -> tuple[int, Ending]:
        command = [str(self._python), container.program, *container.arguments()]
        with self._lock:
            if entry.stop.is_set():
                return 0, "stopped"
            entry.process = TrainingProcess(command, container.environment(), container.code, log.write)

        def ending(how: Ending) -> None:
            if how == "out of time":
                entry.out_of_time = True
                self._progress(entry, "Stopping", "Maximum runtime exceeded, stopping the training job")

        code, how = entry.process.wait(entry.job.max_seconds, lambda: self._grace_now, ending)
        return code, "stopped" if how == "by itself" and entry.stop.is_set() else how

    @property
    def _grace_now(self) -> float:
        return min(self._grace, _STOPPING_GRACE) if self._closing else self._grace


def _failed(reason: str) -> Change:
    return Change("Failed", "Failed", "Training job failed", failure=reason[:1024])


def _stopped(secondary: str, artifacts: str | None) -> Change:
    message = "Training job stopped" if secondary == "Stopped" else "Training job runtime exceeded MaxRuntimeInSeconds"
    return Change("Stopped", secondary, message, artifacts=artifacts)


def _reason(container: Container, code: int, last_line: str) -> str:
    """Why the script failed, as SageMaker words it: what the script left in output/failure, and the exit code."""
    said = ""
    with contextlib.suppress(FileNotFoundError):
        said = container.failure.read_text(encoding="utf-8", errors="replace").strip()
    if not said and code < 0:
        cause = ", often for lack of memory" if -code == signal.SIGKILL else ""
        said = f"the training process was killed by {signal.Signals(-code).name}{cause}"
    elif not said:
        said = f'ExecuteUserScriptError: ErrorMessage "{last_line[:500]}"'
    ending = f", exit code: {_SHELL_SIGNAL - code if code < 0 else code}"
    return f"AlgorithmError: {said}"[: 1024 - len(ending)] + ending
