"""A job's output, line by line, in CloudWatch Logs as SageMaker writes it, and in a file of this machine."""

import contextlib
import logging
import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local import private

_log = logging.getLogger(__name__)
GROUP: Final = "/aws/sagemaker/TrainingJobs"
_SECONDS: Final = 0.5  # between two batches: a person who follows the stream does not notice
_EVENT_BYTES: Final = 256 * 1024 - 26  # CloudWatch counts 26 bytes of its own for each event
_BATCH_BYTES: Final = 1024 * 1024
_BATCH_EVENTS: Final = 10_000
_WAITING_BYTES: Final = 16 * 1024 * 1024  # a script that prints faster than this is taken down waits
# Progress bars end a state of theirs with a carriage return only.
_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?=[^\n])")


class JobLog:
    """Where a job's output goes. `write` takes pieces as they come; `close` waits until everything is there."""

    def __init__(self, logs: Any, stream: str, path: Path) -> None:
        self._logs, self._stream = logs, stream
        self._file: IO[bytes] = open(path, "ab", opener=private.opener)  # noqa: SIM115 - closed in `close`
        self._rest = b""
        self._waiting: deque[tuple[int, str, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self.last_line = ""
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):  # an earlier job's
            logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        self._sender = threading.Thread(target=self._send, name="training-log", daemon=True)
        self._sender.start()

    def write(self, piece: bytes) -> None:
        """Take a piece of output; waits while far more came than could be sent."""
        *lines, self._rest = _LINE_END.split(self._rest + piece)
        for line in lines:
            self._add(line)
        while len(self._rest) >= _EVENT_BYTES:
            self._add(self._rest[:_EVENT_BYTES])
            self._rest = self._rest[_EVENT_BYTES:]

    def say(self, line: str) -> None:
        """Add a line of the runner's own."""
        self._add(line.encode())

    def _add(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()
        now = time.time_ns() // 1_000_000
        with self._changed:
            for start in range(0, len(line), _EVENT_BYTES):
                part = line[start : start + _EVENT_BYTES]
                # A part of a character at either end becomes a mark; CloudWatch takes text only.
                text = part.decode("utf-8", errors="replace")
                if text.strip():
                    self.last_line = text.strip()
                    self._waiting.append((now, text, len(part) + 26))
                    self._bytes += len(part) + 26
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._bytes < _WAITING_BYTES or self._closed)

    def close(self) -> None:
        """Write the last line, even without its end, and return when all is sent."""
        if self._rest:
            self._add(self._rest)
            self._rest = b""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._sender.join()
        self._file.close()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                if not self._closed and self._bytes < _BATCH_BYTES:
                    self._changed.wait_for(lambda: self._closed or self._bytes >= _BATCH_BYTES, _SECONDS)
                events = self._take()
            try:
                self._logs.put_log_events(logGroupName=GROUP, logStreamName=self._stream, logEvents=events)
            except (BotoCoreError, ClientError):
                _log.exception("%s lines of %s are only in the log file", len(events), self._stream)

    def _take(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        size = 0
        while self._waiting and len(events) < _BATCH_EVENTS and size + self._waiting[0][2] <= _BATCH_BYTES:
            at, text, length = self._waiting.popleft()
            size += length
            events.append({"timestamp": at, "message": text})
        self._bytes -= size
        self._changed.notify_all()
        return events
