"""Progress on a terminal of eighty columns, and as plain lines."""

import io

import pytest
from rich.console import Console, RenderableType

from cli.progress import Progress, Stage
from cli.view import LiveView, Pace, PlainView, block, clock_text, cost_text, plain_line, reached, view_for

LABELING = Progress(
    state="RUNNING",
    stage=Stage.LABEL,
    cases=2144,
    shards=43,
    shards_done=12,
    anonymized=20,
    classified=15,
    labeled=590,
    repaired=7,
    asking_again=3,
    dropped=1,
    failed=2,
    reused=24,
    usd=0.1234,
    classes={"Software Defect": 300, "Billing Inquiry": 290},
)


def text_of(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    console.print(renderable)
    return console.export_text()


def test_the_block_shows_stage_shards_counts_cost_and_time() -> None:
    text = text_of(block(LABELING, elapsed=3725, left=90))
    for words in (
        "2,144 new cases in 43 shards",
        "12 of 43 shards",
        "20 anonymized, 15 answered",
        "labeled 590",
        "repaired 7",
        "asked again 3",
        "dropped 1",
        "failed 2",
        "cost $0.12",
        "24 replies reused",
        "time 1:02:05",
        "about 1:30 left",
    ):
        assert words in text, words
    assert text.index("Billing Inquiry") < text.index("Software Defect")


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    long = Progress(**{**vars(LABELING), "classes": {"C" * 80: 5}, "labeled": 1_234_567, "cases": 1_300_000})
    text = text_of(block(long, 99_999, 3_600, "No run has started yet. " * 10), width)
    assert max(map(len, text.splitlines())) <= width


def test_steps_done_under_way_and_to_come_are_told_apart() -> None:
    lines = text_of(block(LABELING, 1)).splitlines()
    marks = {line.split()[1]: line.split()[0] for line in lines[:3]}
    assert marks == {"Start": "✓", "Ingest": "✓", "Label": ">"}
    assert any(line.split()[:2] == ["·", "Collate"] for line in lines)


def test_a_failed_run_shows_the_step_at_which_it_failed() -> None:
    text = text_of(block(Progress(**{**vars(LABELING), "state": "FAILED"}), 1))
    assert "✗  Label" in text
    assert "Software Defect" not in text


def test_many_classes_do_not_push_the_steps_off_the_screen() -> None:
    many = Progress(**{**vars(LABELING), "classes": {f"class {n:02}": n + 1 for n in range(40)}})
    text = text_of(block(many, 1))
    assert "and 32 more classes" in text
    assert len(text.splitlines()) <= 20


def test_the_pace_says_how_long_it_will_take_once_two_shards_are_done() -> None:
    def at(done: int) -> Progress:
        return Progress(state="RUNNING", stage=Stage.LABEL, shards=10, shards_done=done)

    pace = Pace()
    assert pace.left(0) is None
    pace.see(at(0), 10)
    pace.see(at(1), 20)
    assert pace.left(20) is None
    pace.see(at(2), 30)
    assert pace.left(30) == pytest.approx(80)
    assert pace.left(35) == pytest.approx(75)
    assert pace.left(1000) == 0
    pace.see(Progress(state="RUNNING", stage=Stage.COLLATE), 1001)
    assert pace.left(1001) is None


def test_a_follower_that_comes_late_counts_the_pace_from_what_it_found() -> None:
    pace = Pace()
    for done, at in ((80, 0), (82, 10)):
        pace.see(Progress(state="RUNNING", stage=Stage.LABEL, shards=100, shards_done=done), at)
    assert pace.left(10) == pytest.approx(90)


def test_reached_moves_with_the_first_answers_and_ends_at_one() -> None:
    assert reached(Progress(state="RUNNING", stage=Stage.LABEL)) == 0
    assert reached(Progress(state="RUNNING", stage=Stage.LABEL, shards=2, anonymized=1)) == pytest.approx(1 / 6)
    whole = Progress(state="RUNNING", stage=Stage.LABEL, shards=2, shards_done=2, anonymized=2, classified=2)
    assert reached(whole) == 1


def test_cost_says_when_it_is_not_the_whole_or_not_known() -> None:
    assert cost_text(LABELING) == "$0.12"
    assert cost_text(Progress(**{**vars(LABELING), "partial": True})) == "at least $0.12"
    assert cost_text(Progress(**{**vars(LABELING), "usd": None})) == "no price known"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (65, "1:05"), (3600, "1:00:00")])
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def plain() -> tuple[PlainView, io.StringIO]:
    stream = io.StringIO()
    return PlainView(Console(file=stream, width=80, force_terminal=False), clock=lambda: 0.0), stream


def test_plain_lines_come_only_when_something_changed_and_hold_no_control_codes() -> None:
    view, stream = plain()
    start = Progress(state="RUNNING", stage=Stage.START)
    for progress in (start, start, start, Progress(state="RUNNING", stage=Stage.INGEST), LABELING, LABELING):
        view.update(progress)
    lines = stream.getvalue().splitlines()
    assert [line.split("  ")[1].split(":")[0] for line in lines] == [
        "waiting for the run to start",
        "reading the file",
        "labeling",
    ]
    assert "\x1b" not in stream.getvalue()


def test_plain_lines_are_few_however_many_shards_there_are() -> None:
    view, stream = plain()
    for done in range(2001):
        view.update(Progress(state="RUNNING", stage=Stage.LABEL, shards=2000, shards_done=done))
    assert len(stream.getvalue().splitlines()) == 11


def test_a_notice_is_printed_once() -> None:
    view, stream = plain()
    for text in ("late", "late", "", "late"):
        view.notice(text)
    assert stream.getvalue().splitlines() == ["0:00  late", "0:00  late"]


def test_the_plain_line_has_every_figure() -> None:
    line = plain_line(LABELING)
    for words in ("12 of 43 shards", "20 anonymized", "15 answered", "labeled 590 of 2,144", "dropped 1", "cost $0.12"):
        assert words in line


def test_a_terminal_gets_the_live_block_and_a_pipe_plain_lines() -> None:
    assert isinstance(view_for(Console(force_terminal=True, file=io.StringIO(), _environ={"TERM": "xterm"})), LiveView)
    assert isinstance(view_for(Console(force_terminal=False, file=io.StringIO())), PlainView)
    assert isinstance(view_for(Console(force_terminal=True, file=io.StringIO(), _environ={"TERM": "dumb"})), PlainView)


def test_the_live_block_is_left_standing_with_the_last_progress() -> None:
    stream = io.StringIO()
    with LiveView(Console(file=stream, force_terminal=True, width=80, _environ={"TERM": "xterm"})) as view:
        view.update(LABELING)
    assert "12 of 43 shards" in stream.getvalue()


def test_a_file_with_nothing_new_says_so() -> None:
    nothing = Progress(state="RUNNING", stage=Stage.COLLATE)
    assert plain_line(nothing) == "collating: nothing new in the file"
    assert "nothing new" in text_of(block(nothing, 1))
