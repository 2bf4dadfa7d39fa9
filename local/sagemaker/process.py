"""The training script as a process group that never outlives this process."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
Ending = Literal["by itself", "stopped", "out of time"]


class TrainingProcess:
    """One run of a command. `output` gets what it prints, piece by piece, from another thread."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, output: Callable[[bytes], None]
    ) -> None:
        self._wake = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - the job's own script, no shell
            [sys.executable, "-I", "-S", str(_SUPERVISOR), *command],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, args=(output,), name="training-output", daemon=True)
        self._reader.start()
        self._waiter = threading.Thread(target=self._await_end, name="training-end", daemon=True)
        self._waiter.start()

    def _read(self, output: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            output(piece)

    def _await_end(self) -> None:
        self._process.wait()
        self._wake.set()

    def stop(self) -> None:
        """Ask for the end; `wait` sees to it. Asked a second time, it comes at once."""
        self._wake.set()

    def wait(self, seconds: float, grace: Callable[[], float], ending: Callable[[Ending], None]) -> tuple[int, Ending]:
        """Wait for the end, at most `seconds`; then, or after `stop`, end it: SIGTERM, and SIGKILL after the grace.

        `ending` hears why before the signal is sent. Gives the exit code (negative: the signal that ended it).
        """
        woken, how = self._wake.wait(seconds), _BY_ITSELF
        if self._process.poll() is None:
            how = "stopped" if woken else "out of time"
            ending(how)
            self._wake.clear()
            if self._process.poll() is None:
                self._signal(signal.SIGTERM)
                self._wake.wait(grace())
        return self._finish(), how

    def _finish(self) -> int:
        self._signal(signal.SIGKILL)  # also what the script started and left behind
        self._waiter.join()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stdin):
            if stream is not None:
                stream.close()
        return int(self._process.returncode)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the second: macOS, for one that has ended
            os.killpg(self._process.pid, number)


_BY_ITSELF: Ending = "by itself"
