"""Starting and stopping the embedded AWS as a process of its own."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cli.errors import CliError, UsageProblem
from cli.paths import ROOT, home, plumbline, shown
from cli.remembered import REMEMBERED, remember
from local import info
from local.info import LocalInfo

LANGUAGE_MODELS: Final = ("llm", "smollm2")  # those that run on this machine, slowly
MODELS: Final = ("embedding", "scripted", "openai", *LANGUAGE_MODELS)
# They answer one request at a time, so asking for more at once only makes each wait longer; and the first answer, for
# which the whole prompt is read, can take minutes.
_SLOW: Final = {"MapConcurrency": "1", "CaseConcurrency": "1", "ModelReadSeconds": "280"}
_START_SECONDS = 180.0
_STOP_SECONDS = 120.0
_LOG_TAIL, _LOG_WIDTH = 12, 400
_NONE: Final[Mapping[str, str]] = {}
_KEPT: Final = (
    "state",
    "state.new",
    "logs",
    "runs",
    "models",
    "predictions",
    "training",
    "batch",
    REMEMBERED,
    f"{REMEMBERED}.new",
    "local.log",
    "local.lock",
    "local.json",
    "local.json.new",
)


def model_id(model: str) -> str:
    """The model id that runs on this machine carry: it has no price, and its answers are never taken for another's."""
    return f"local.{model}"


def log_folder() -> Path:
    """Where each function's log is."""
    return home() / "logs"


def holds_something() -> bool:
    """Whether buckets and tables of an earlier stack are kept here."""
    return (home() / "state").is_dir()


def running() -> LocalInfo | None:
    """The local stack that serves now; a note that a crashed one left behind is taken away."""
    note = info.read(home())
    if note is None:
        return None
    where = urlsplit(note.endpoint)
    try:
        socket.create_connection((where.hostname or "", where.port or 0), timeout=5).close()
    except OSError:
        info.remove(home())
        return None
    return note


def start(model: str, port: int, parameters: Mapping[str, str] = _NONE) -> LocalInfo:
    """Start the stack in the background; returns once it serves. One that another command has just started is taken.

    `parameters` are the template's, remembered once it serves. Raises CliError with the end of its log when it does not
    come up.
    """
    with _alone():
        note = running()
        if note is not None:
            return note
        process, log = _launch(_command(model, port, parameters), foreground=False)
        try:
            note = _await(process, log)
        except KeyboardInterrupt:
            process.terminate()
            raise
        remember(parameters)
        return note


def serve(
    model: str,
    port: int,
    ready: Callable[[LocalInfo], None],
    stopping: Callable[[], None],
    parameters: Mapping[str, str] = _NONE,
) -> int:
    """Run the stack in the foreground until Ctrl-C or SIGTERM; its exit code.

    `ready` is called once it serves, `stopping` when Ctrl-C came: saving what it holds can take a moment.
    """
    with contextlib.ExitStack() as starting:
        starting.enter_context(_alone())
        note = running()
        if note is not None:
            raise CliError(f"Another local stack has just started at {note.endpoint}.", f"Stop it: {plumbline('down')}")
        process, log = _launch(_command(model, port, parameters), foreground=True)
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate()), signal.getsignal(signal.SIGINT)
        try:
            note = _await(process, log)
            remember(parameters)
            ready(note)
            starting.close()
            return process.wait()
        except KeyboardInterrupt:
            # The child got the Ctrl-C as well, and saves what its buckets hold; a second one would cut that short.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            stopping()
            return process.wait()
        finally:
            for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
                signal.signal(number, handler)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Of several commands at once, one at a time may start a stack; the lock goes with the process that holds it."""
    home().mkdir(parents=True, exist_ok=True)
    with (home() / "local.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _launch(command: list[str], *, foreground: bool) -> tuple["subprocess.Popen[bytes]", Path]:
    log = home() / "local.log"
    with _log_file(log) as stream:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=not foreground,  # Ctrl-C in this terminal is not for a stack in the background
        )
    return process, log


def _await(process: "subprocess.Popen[bytes]", log: Path) -> LocalInfo:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        note = running()
        if note is not None:
            return note
        if process.poll() is not None:
            raise CliError("The local stack did not start.", _why(log))
        time.sleep(0.1)
    process.terminate()
    raise CliError(f"The local stack did not start within {_START_SECONDS:.0f} seconds.", _why(log))


def _why(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:]
    return "\n".join([f"The end of {shown(log)}:", *(f"  {line[:_LOG_WIDTH]}" for line in lines)])


def stop() -> bool:
    """Stop the running stack and wait until it has saved its state; False when none runs."""
    note = running()
    if note is None:
        return False
    os.kill(note.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while note.alive and not _is_zombie(note.pid):
        if time.monotonic() > deadline:
            raise CliError(
                f"The local stack (process {note.pid}) is still stopping.",
                "Large buckets take a while to save: look again in a few minutes. To end it at once loses what was "
                f"labeled since it started: kill -9 {note.pid}",
            )
        time.sleep(0.1)
    return True


def _is_zombie(pid: int) -> bool:
    """Whether the process has ended and only its parent has not looked yet (Linux; elsewhere False)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def forget() -> None:
    """Remove everything that the local stack keeps: saved buckets and tables, logs, downloaded reports."""
    folder = home()
    for name in _KEPT:  # by name: PLUMBLINE_HOME may be a folder with other things in it
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not there, or not empty
        folder.rmdir()


def check_model(model: str) -> None:
    """Raise UsageProblem for a stand-in model that does not exist or lacks its settings."""
    if model not in MODELS:
        raise UsageProblem(f"There is no stand-in model {model!r}.", f"There are: {', '.join(MODELS)}.")
    missing = [name for name in ("OPENAI_BASE_URL", "OPENAI_MODEL") if not os.environ.get(name)]
    if model == "openai" and missing:
        hint = "For Ollama: OPENAI_BASE_URL=http://localhost:11434/v1 OPENAI_MODEL=qwen2.5:7b"
        raise UsageProblem(f"--model openai needs {' and '.join(missing)}.", hint)
    if model in LANGUAGE_MODELS:
        _check_language_model(model)


def _check_language_model(model: str) -> None:
    # Late: no other command needs the stand-ins, and each would start some tenths of a second later.
    from local.bedrock.answering import StandInError  # noqa: PLC0415
    from local.bedrock.weights import runtime, weights_file  # noqa: PLC0415

    try:
        weights_file(model)
        runtime()
    except StandInError as error:
        raise UsageProblem(f"--model {model} cannot run yet: {error}.") from None


def _command(model: str, port: int, parameters: Mapping[str, str] = _NONE) -> list[str]:
    words = [sys.executable, "-m", "local", "--template", str(ROOT / "template.yaml"), "--state-dir", str(home())]
    words += ["--port", str(port), "--model", model]
    pace = _SLOW if model in LANGUAGE_MODELS else _NONE
    # The encoder that `make training-env` installs: training on this machine has no way to a hub.
    for name, value in {"ModelId": model_id(model), "TrainingEncoder": "minilm", **pace, **parameters}.items():
        words += ["--parameter", f"{name}={value}"]
    return words


def _environment() -> dict[str, str]:
    paths = (str(ROOT / "layers" / "core"), str(ROOT), os.environ.get("PYTHONPATH", ""))
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
