"""Following something until it ends."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import CliError, explained, is_passing
from cli.progress import Observed, Progress, Stage, progress_of
from plumbline.contracts.errors import StoreUnavailable

_LOOK_SECONDS = 1.0
_MAX_LOOK_SECONDS = 15.0
# A look at a run of thousands of shards takes longer: it must not become a load of its own.
_LOOK_SHARE = 2.0
_OUTAGE_SECONDS = 300.0
T = TypeVar("T")


class Noticing(Protocol):
    """Something that can say a word beside the progress."""

    def notice(self, text: str) -> None:
        """Say something beside the progress; an empty text takes the last one back."""


class View(Noticing, Protocol):
    """Shows progress as it comes."""

    def update(self, progress: Progress) -> None:
        """Take the newest progress."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a run to appear: seconds until a word about it, seconds until giving up, and the words."""

    notice_seconds: float
    end_seconds: float
    advice: str


def follow(
    look: Callable[[], Observed],
    view: View,
    patience: Patience,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Progress:
    """Look about once a second, show what is seen, and return the progress with which the run ended.

    Raises CliError as `looks` does, or when the run does not appear.
    """
    started, noticed = clock(), False
    for seen in looks(look, view, clock=clock, sleep=sleep):
        progress = progress_of(seen)
        if noticed:
            view.notice("")
        view.update(progress)
        if progress.state != "RUNNING":
            return progress
        noticed = progress.stage is Stage.START and _wait_for_start(clock() - started, patience, view)
    raise AssertionError("looks() ends by an error only")


def looks(
    look: Callable[[], T],
    view: Noticing,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """What is seen, look after look, about once a second, for as long as the caller goes on.

    Throttling and broken connections are waited out, with growing pauses. Raises CliError when AWS does not answer for
    five minutes or denies access.
    """
    answered = clock()
    pause, outage = _LOOK_SECONDS, False
    while True:
        began = clock()
        try:
            seen = look()
        except (ClientError, BotoCoreError, StoreUnavailable) as error:
            if not _may_pass(error) or clock() - answered > _OUTAGE_SECONDS:
                raise _in_words(error) from error
            view.notice("AWS does not answer; trying again …")
            outage = True
            pause = min(pause * 2, _MAX_LOOK_SECONDS)
            sleep(pause)
            continue
        answered = clock()
        if outage:
            view.notice("")
            outage = False
        yield seen
        pause = min(max(_LOOK_SECONDS, _LOOK_SHARE * (answered - began)), _MAX_LOOK_SECONDS)
        sleep(pause)


def _may_pass(error: ClientError | BotoCoreError | StoreUnavailable) -> bool:
    return isinstance(error, StoreUnavailable) or is_passing(error)


def _in_words(error: ClientError | BotoCoreError | StoreUnavailable) -> CliError:
    return CliError(f"{error}.") if isinstance(error, StoreUnavailable) else explained(error)


def _wait_for_start(waited: float, patience: Patience, view: View) -> bool:
    if waited > patience.end_seconds:
        raise CliError(f"The file is uploaded, but no run has started within {waited:.0f} seconds.", patience.advice)
    if waited <= patience.notice_seconds:
        return False
    view.notice(f"No run has started yet. {patience.advice}")
    return True
