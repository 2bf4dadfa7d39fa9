"""Lambda workers: a pool of subprocesses for each function, started on demand and reused.

A worker runs `local/worker.py` with the function's environment and nothing of this process's own. It dies with this
process: its standard input ends then, however this process ended.
"""

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import private

_log = logging.getLogger(__name__)
_WORKER = Path(__file__).with_name("worker.py")
# AWS gives a function's own start 10 s; a laptop with a cold disk and a language model to load gets more.
_INIT_SECONDS = 120.0
# A worker that has been idle this long goes: memory comes back, and edited code and prompts are read afresh.
_IDLE_SECONDS = 60.0
_INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class FunctionConfig:
    """What the Lambda service knows about a function. `timeout` is in seconds."""

    name: str
    arn: str
    handler: str
    timeout: float
    memory_mb: int
    environment: Mapping[str, str]


@dataclass(frozen=True)
class CodeLayout:
    """Where a function's code is on this machine.

    `search_path` is what Lambda's import path holds: the function's own folder, then each built layer. `opt` are the
    folders of layers that AWS mounts at /opt as they are. `log_name` names the function's log file.
    """

    search_path: tuple[Path, ...]
    opt: tuple[Path, ...] = ()
    log_name: str | None = None

    def resolve_opt(self, value: str) -> str:
        """An environment value under /opt as the path that holds the same file here; any other value as it is."""
        if value != "/opt" and not value.startswith("/opt/"):
            return value
        candidates = [folder / value.removeprefix("/opt").lstrip("/") for folder in self.opt]
        return str(next((path for path in candidates if path.exists()), value))


@dataclass(frozen=True)
class Answer:
    """A function's answer: its JSON, and whether that is an error in Lambda's shape."""

    payload: bytes
    failed: bool


class WorkerGone(Exception):
    """The worker ended before it answered."""


class WorkerSlow(Exception):
    """The worker did not answer in time."""


class Worker:
    """One subprocess. Used by one thread at a time; once `dead` it is of no more use."""

    def __init__(self, config: FunctionConfig, environment: Mapping[str, str], log_path: Path) -> None:
        self.config = config
        self.idle_since = time.monotonic()
        self._buffer = b""
        with open(log_path, "ab", opener=private.opener) as log:
            # -P: the worker's own folder must not be importable by the function.
            self._process = subprocess.Popen(  # noqa: S603 - our own worker, no shell, no user input
                [sys.executable, "-P", str(_WORKER)],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=environment["LAMBDA_TASK_ROOT"],
                process_group=0,  # Ctrl-C is for the parent, which stops its workers itself
            )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: both were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN | select.POLLHUP)
        self._started = False

    @property
    def dead(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def invoke(self, event: bytes) -> Answer:
        """Run one invocation. A worker that dies or runs over its time gives the error that Lambda would give."""
        request_id = str(uuid.uuid4())
        try:
            if not self._started:
                self._read_line(_INIT_SECONDS)
                self._started = True
            head = f'{{"id":"{request_id}","timeout":{self.config.timeout},"event":'.encode()
            # JSON has no raw newline inside a string, so that any newline here is only layout.
            self._stdin.write(head + event.replace(b"\n", b" ").replace(b"\r", b" ") + b"}\n")
            self._stdin.flush()
            line = self._read_line(self.config.timeout)
        except (WorkerGone, BrokenPipeError):
            how = self._how_it_ended()
            return error_answer("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")
        except WorkerSlow:
            self.close()
            message = f"RequestId: {request_id} Error: Task timed out after {self.config.timeout:.2f} seconds"
            return error_answer("Sandbox.Timedout", message)
        return Answer(payload=line[1:], failed=line[:1] == b"-")

    def _read_line(self, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        chunks = [self._buffer]
        while b"\n" not in chunks[-1]:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise WorkerSlow
            chunk = os.read(self._stdout.fileno(), 1 << 20)
            if not chunk:
                raise WorkerGone
            chunks.append(chunk)
        line, _, self._buffer = b"".join(chunks).partition(b"\n")
        return line

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        self.close()
        if code < 0:
            names = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGTERM: "terminated"}
            return f"signal: {names.get(signal.Signals(-code), signal.Signals(-code).name)}"
        return f"exit status {code}"

    def close(self) -> None:
        """End the process and everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()


def error_answer(kind: str, message: str) -> Answer:
    """A failure in the shape that Lambda gives it."""
    return Answer(payload=json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)


@dataclass
class _Pool:
    slots: threading.BoundedSemaphore
    idle: list[Worker] = field(default_factory=list)


class WorkerPools:
    """The workers of every function.

    At most `parallel` invocations of one function run at once; more of them wait (AWS would start more sandboxes, up
    to the account's limit; a laptop has a few cores). Waiting does not count against a function's timeout.
    """

    def __init__(self, logs: Path, parallel: int, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._parallel = parallel
        self._environment = dict(environment)
        self._layouts: dict[str, CodeLayout] = {}
        self._pools: dict[str, _Pool] = {}
        self._busy: set[Worker] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.idle_seconds = _IDLE_SECONDS
        private.folder(logs)
        threading.Thread(target=self._reap, name="worker-reaper", daemon=True).start()

    def register(self, function_name: str, layout: CodeLayout) -> None:
        """Say where a function's code is. Must precede its first invocation."""
        self._layouts[function_name] = layout

    def known_as(self, function_name: str) -> str:
        """What a function is called in its template."""
        layout = self._layouts.get(function_name)
        return (layout and layout.log_name) or function_name

    def invoke(self, config: FunctionConfig, event: bytes, unless: threading.Event | None = None, /) -> Answer:
        """Run one invocation of the function on `event` (JSON), in a worker of its own; none once `unless` is set."""
        layout = self._layouts.get(config.name)
        if layout is None:
            return error_answer("Runtime.ImportModuleError", f"No code is known for function {config.name}")
        with self._lock:
            pool = self._pools.setdefault(config.name, _Pool(threading.BoundedSemaphore(self._parallel)))
        with pool.slots:
            worker = self._take(pool, config, layout, unless)
            if worker is None:
                return error_answer("Runtime.ExitError", "The local stack is stopping")
            try:
                return worker.invoke(event)
            finally:
                self._give_back(pool, worker)

    def _take(
        self, pool: _Pool, config: FunctionConfig, layout: CodeLayout, unless: threading.Event | None
    ) -> Worker | None:
        with self._lock:
            if self._closed.is_set() or (unless is not None and unless.is_set()):
                return None
            while pool.idle:
                worker = pool.idle.pop()
                if not worker.dead and worker.config == config:
                    self._busy.add(worker)
                    return worker
                worker.close()
            log_path = self._logs / f"{self.known_as(config.name)}.log"
            worker = Worker(config, self.worker_environment(config, layout), log_path)
            self._busy.add(worker)
            return worker

    def _give_back(self, pool: _Pool, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            worker.idle_since = time.monotonic()
            if worker.dead or self._closed.is_set():
                worker.close()
            else:
                pool.idle.append(worker)

    def worker_environment(self, config: FunctionConfig, layout: CodeLayout) -> dict[str, str]:
        """The whole environment of a function's process: Lambda's own variables, the template's, the local wiring."""
        own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        of_lambda = {
            "LANG": "en_US.UTF-8",
            "TZ": "UTC",
            "PYTHONUTF8": "1",
            "LAMBDA_TASK_ROOT": str(layout.search_path[0]),
            "PYTHONPATH": os.pathsep.join(map(str, layout.search_path)),
            "_HANDLER": config.handler,
            "AWS_LAMBDA_FUNCTION_NAME": config.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_SDK_UA_APP_ID": self.known_as(config.name),  # so that the embedded AWS can tell who calls
            "PLUMBLINE_FUNCTION_ARN": config.arn,
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        of_template = {name: layout.resolve_opt(value) for name, value in config.environment.items()}
        return own | of_lambda | of_template | self._environment

    def _reap(self) -> None:
        while not self._closed.wait(_IDLE_SECONDS / 4):
            self.close_idle(self.idle_seconds)

    def close_idle(self, seconds: float) -> None:
        """End the workers that have been idle for longer than that."""
        limit = time.monotonic() - seconds
        with self._lock:
            for pool in self._pools.values():
                old = [worker for worker in pool.idle if worker.idle_since <= limit]
                pool.idle = [worker for worker in pool.idle if worker.idle_since > limit]
                for worker in old:
                    worker.close()

    def pids(self, function_name: str) -> list[int]:
        """The process ids of a function's workers, idle or busy."""
        with self._lock:
            idle = self._pools[function_name].idle if function_name in self._pools else []
            return [w.pid for w in (*idle, *self._busy) if w.config.name == function_name and not w.dead]

    def end_busy(self) -> None:
        """End the workers that are in the middle of an invocation: it fails."""
        with self._lock:
            for worker in self._busy:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)

    def kill(self, known_as: str) -> None:
        """Kill a function's workers in the middle of an invocation, and wait until they are dead: it fails."""
        with self._lock:
            pids = [worker.pid for worker in self._busy if self.known_as(worker.config.name) == known_as]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # left for its owner to reap

    def close(self) -> None:
        """End every worker, also those in the middle of an invocation."""
        self._closed.set()
        self.end_busy()
        with self._lock:
            for pool in self._pools.values():
                for worker in pool.idle:
                    worker.close()
                pool.idle.clear()
