"""One Lambda worker process: a small Python runtime that speaks JSON lines with `local.workers`.

Imports nothing of this repository, so that a function sees only its own code and layers, as on AWS. Standard input
brings one invocation a line; one answer a line goes back over what was standard output when the process began
(`+` and the result, or `-` and the error, both as JSON). Whatever the function prints goes to its log.
"""

import importlib
import json
import logging
import os
import queue
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import RawIOBase
from pathlib import Path
from typing import Any

Handler = Callable[[Any, "LambdaContext"], Any]
MAX_RESPONSE_BYTES = 6_291_556


class LambdaContext:
    """The second argument of every handler, as AWS's Python runtime gives it."""

    def __init__(self, request_id: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.invoked_function_arn = os.environ["PLUMBLINE_FUNCTION_ARN"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped; never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class RuntimeFault(Exception):
    """A fault that the runtime, not the function's code, reports; `name` is AWS's name for it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def load_handler(handler: str) -> Handler:
    """The function that `module.path.name` names. Raises RuntimeFault with AWS's names for what can go wrong."""
    module_name, _, function_name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFault("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise RuntimeFault("Runtime.UserCodeSyntaxError", message) from error
    if not hasattr(module, function_name):
        raise RuntimeFault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    loaded: Handler = getattr(module, function_name)
    return loaded


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _marshal(result: object) -> str:
    try:
        text = json.dumps(result, default=_plain)
    except (TypeError, ValueError) as error:
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if len(text) > MAX_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        raise RuntimeFault("Function.ResponseSizeTooLarge", message)
    return text


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """The error in the shape that Lambda answers with; the stack starts at the function's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return {
        "errorMessage": str(error),
        "errorType": error.name if isinstance(error, RuntimeFault) else type(error).__name__,
        "requestId": request_id,
        "stackTrace": [] if isinstance(error, RuntimeFault) else traceback.format_list(frames),
    }


def _ready(handler: Handler | Exception) -> Handler:
    if isinstance(handler, Exception):
        raise handler
    return handler


def answer(handler: Handler | Exception, line: bytes) -> str:
    """Run one invocation and give the answer line, without its newline."""
    call = json.loads(line)
    started = time.monotonic()
    request_id = call["id"]
    try:
        result = _ready(handler)(call["event"], LambdaContext(request_id, started + call["timeout"]))
        reply = "+" + _marshal(result)
    except Exception as error:  # noqa: BLE001 - as in Lambda, whatever the function raises becomes the answer
        shape = describe(error, request_id)
        _log(f"[ERROR] {shape['errorType']}: {shape['errorMessage']}\n{''.join(shape['stackTrace'])}".rstrip())
        reply = "-" + json.dumps(shape)
    elapsed = (time.monotonic() - started) * 1000
    _log(f"REPORT RequestId: {request_id}\tDuration: {elapsed:.2f} ms\tMax Memory Used: {_peak_mb()} MB")
    return reply


def _peak_mb() -> int:
    """This process's peak memory in MB. (Linux's getrusage would count in what the parent had at the fork.)"""
    try:
        with Path("/proc/self/status").open(encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2  # macOS counts bytes


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _read_invocations(lines: "queue.SimpleQueue[bytes]") -> None:
    # Unbuffered: a buffered reader's lock, held by this thread, would abort the interpreter when a handler exits.
    with os.fdopen(0, "rb", buffering=0, closefd=False) as stdin:
        for line in _lines(stdin):
            lines.put(line)
    # The parent is gone, however it went: stop at once, even in the middle of a handler.
    os._exit(0)


def _lines(stream: RawIOBase) -> Iterator[bytes]:
    parts: list[bytes] = []
    while chunk := stream.read(1 << 20):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield b"".join((*parts, piece))
            parts.clear()
        parts.append(rest)


def main() -> None:
    """Load the function that the environment names, say that it is ready, then answer until standard input ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, format="[%(levelname)s]\t%(message)s")
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_invocations, args=(lines,), daemon=True).start()
    handler: Handler | Exception
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - as in Lambda, a module that fails to load fails each invocation
        handler = error
    channel.write("ready\n")
    channel.flush()
    while True:
        reply = answer(handler, lines.get())
        sys.stdout.flush()
        channel.write(reply + "\n")
        channel.flush()


if __name__ == "__main__":
    main()
