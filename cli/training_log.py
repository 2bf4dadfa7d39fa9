"""A training job's own log in CloudWatch, each line once, with the time at which it was written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError
from rich.console import Group, RenderableType

from cli.errors import code_of
from cli.hint import Hint
from cli.local_stack import log_folder
from cli.paths import shown
from cli.stack import Stack

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_PAGES_A_LOOK = 20
# training/progress.py begins a line with the time; the views have a clock of their own.
_STAMP: Final = re.compile(r"^\d\d:\d\d:\d\d ")
# Training says its warnings in the log as well as in the model card.
_NOTE: Final = "note: "


@dataclass(frozen=True)
class Line:
    """A line of the log, without the time that training itself puts before it."""

    at: datetime
    text: str

    @property
    def note(self) -> str:
        """What the line warns of, in the words of the model card; empty where it is no warning."""
        return self.text.removeprefix(_NOTE) if self.text.startswith(_NOTE) else ""


class JobLog:
    """A training job's log, from its first line on. `logs` is a client of CloudWatch Logs."""

    def __init__(self, logs: Any) -> None:
        self._client = logs
        self._job = ""
        self._tokens: dict[str, str | None] = {}
        self.denied = False

    def news(self, job: str) -> Iterator[Line]:
        """The lines that have come since the last call, with text. None where it may not be read (`denied` says so)."""
        if self.denied:
            return
        if job != self._job:  # a pipeline may train again under another name
            self._job, self._tokens = job, {}
        try:
            if not self._tokens:
                self._tokens = dict.fromkeys(self._streams(job))
            for stream in self._tokens:
                yield from self._lines(stream)
        except ClientError as error:
            if code_of(error) not in ("AccessDeniedException", "AccessDenied"):
                raise
            self.denied = True

    def _streams(self, job: str) -> list[str]:
        try:
            found = self._client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":  # the first job ever makes the group
                return []
            raise
        return [stream["logStreamName"] for stream in found["logStreams"]]

    def _lines(self, stream: str) -> Iterator[Line]:
        for _ in range(_PAGES_A_LOOK):
            token = self._tokens[stream]
            asked = {"logGroupName": LOG_GROUP, "logStreamName": stream, "startFromHead": True}
            page = self._client.get_log_events(**asked, **({"nextToken": token} if token else {}))
            self._tokens[stream] = page["nextForwardToken"]
            for event in page["events"]:
                text = _STAMP.sub("", event["message"].rstrip())
                if text.strip():
                    yield Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), text)
            if page["nextForwardToken"] == token or not page["events"]:
                return


def log_place(where: Stack, job: str, mark: str = "") -> RenderableType:
    """Where a training job's log is: a file of this machine, or a log group and the stream in it."""
    if where.local:
        return Hint("Log", shown(log_folder() / f"{job}.log"), mark)
    return Group(Hint("Log group", LOG_GROUP, mark), Hint("Stream", f"{job}/…", mark))
