"""Following a run: what is waited out, what ends it, and how long it is given to appear."""

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cli.errors import CliError
from cli.follow import Patience, follow
from cli.progress import Execution, Observed, Progress
from tests import builders as b

PATIENCE = Patience(notice_seconds=15, end_seconds=60, advice="Look into the log.")
RUNNING = Observed(execution=Execution("RUNNING", b.run()))
DONE = Observed(execution=Execution("SUCCEEDED", b.run()))


class Screen:
    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self.notices: list[str] = []

    def update(self, progress: Progress) -> None:
        self.seen.append(progress)

    def notice(self, text: str) -> None:
        self.notices.append(text)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def service_error(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "ListObjectsV2")  # type: ignore[arg-type]


def looks(*things: Observed | Exception) -> Callable[[], Observed]:
    """Each look gives the next thing; the last one again and again."""
    coming: Iterator[Observed | Exception] = iter(things)
    last = things[-1]

    def look() -> Observed:
        thing = next(coming, last)
        if isinstance(thing, Exception):
            raise thing
        return thing

    return look


def followed(*things: Observed | Exception) -> tuple[Progress, Screen, Clock]:
    screen, clock = Screen(), Clock()
    return follow(looks(*things), screen, PATIENCE, clock=clock, sleep=clock.sleep), screen, clock


def test_it_looks_once_a_second_until_the_run_ends() -> None:
    progress, screen, clock = followed(Observed(), RUNNING, RUNNING, DONE)
    assert progress.state == "SUCCEEDED"
    assert len(screen.seen) == 4
    assert clock.slept == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "trouble",
    [
        service_error("ThrottlingException"),
        service_error("SlowDown", 503),
        service_error("Unheard", 500),
        EndpointConnectionError(endpoint_url="http://x"),
    ],
)
def test_throttling_and_broken_connections_are_waited_out_with_growing_pauses(trouble: Exception) -> None:
    progress, screen, clock = followed(RUNNING, trouble, trouble, trouble, RUNNING, DONE)
    assert progress.state == "SUCCEEDED"
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 1.0]
    assert screen.notices[-1] == ""
    assert "trying again" in screen.notices[0]


def test_an_outage_of_more_than_five_minutes_ends_the_following() -> None:
    with pytest.raises(CliError, match="busy"):
        followed(RUNNING, service_error("ThrottlingException"))


def test_denied_access_ends_it_at_once() -> None:
    clock = Clock()
    with pytest.raises(CliError, match="denies ListObjectsV2") as caught:
        follow(looks(service_error("AccessDenied", 403)), Screen(), PATIENCE, clock=clock, sleep=clock.sleep)
    assert clock.slept == []
    assert "permission" in caught.value.hint


def test_a_run_that_never_appears_is_spoken_of_and_then_given_up() -> None:
    screen, clock = Screen(), Clock()
    with pytest.raises(CliError, match="no run has started within 61 seconds") as caught:
        follow(looks(Observed()), screen, PATIENCE, clock=clock, sleep=clock.sleep)
    assert caught.value.hint == PATIENCE.advice
    assert PATIENCE.advice in screen.notices[0]


def test_the_word_about_a_late_run_is_taken_back_when_it_starts() -> None:
    _, screen, _ = followed(*[Observed()] * 20, RUNNING, DONE)
    assert screen.notices[-1] == ""


def test_a_look_that_takes_long_is_repeated_less_often() -> None:
    clock = Clock()
    things = iter([RUNNING, RUNNING, DONE])

    def slow() -> Observed:
        clock.now += 3
        return next(things)

    follow(slow, Screen(), PATIENCE, clock=clock, sleep=clock.sleep)
    assert clock.slept == [6.0, 6.0]
