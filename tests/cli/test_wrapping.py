"""Words on a terminal: broken between words, commands and paths whole."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli import main
from cli.errors import CliError
from cli.wrapping import say, wrapped


def lines(words: str, width: int, *, terminal: bool = True, hang: int = 2) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None)
    say(console, words, mark="→ ", hang=hang)
    return out.getvalue().splitlines()


def test_words_are_not_broken_and_later_lines_hang() -> None:
    said = lines("Check the name and AWS_REGION or AWS_PROFILE. Without --stack the commands use the local stack.", 60)
    assert said == [
        "→ Check the name and AWS_REGION or AWS_PROFILE. Without",
        "  --stack the commands use the local stack.",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "plumbline models list --task npm_issue",
        "PLUMBLINE_HOME=.plumbline/demo .venv/bin/plumbline up --detach",
        "plumbline train --dataset d20261122-1f3a-and-a-very-long-name-of-a-dataset --force",
    ],
)
@pytest.mark.parametrize(
    "frame", ["Look at all of them, also: {}", "Start it with {}, or name another one.", "Stop ({})."]
)
def test_a_command_stands_whole_on_one_line(command: str, frame: str) -> None:
    assert sum(command in line for line in lines(frame.format(command), 40)) == 1


def test_what_stands_in_backticks_is_whole() -> None:
    assert "  `aws sso login --profile work`" in lines(
        "The sign-in has expired. Run `aws sso login --profile work` now", 32
    )


def test_a_path_longer_than_the_line_is_whole() -> None:
    path = "/a/folder/" * 9 + "export.csv"
    assert lines(f"There is no file {path} here.", 40) == ["→ There is no file", f"  {path}", "  here."]


def test_an_indented_log_keeps_its_indent() -> None:
    assert lines("The end of it:\n  one two three four\n  five", 14, hang=0) == [
        "→ The end of",
        "it:",
        "  one two",
        "  three four",
        "  five",
    ]


def test_whoever_reads_a_pipe_gets_whole_lines() -> None:
    assert lines("word " * 30, 20, terminal=False) == ["→ " + "word " * 30]


@given(st.text(alphabet="ab `(.,é漢", max_size=80), st.integers(1, 30), st.integers(0, 3))
def test_nothing_is_lost(words: str, width: int, hang: int) -> None:
    assert " ".join(wrapped(words, width, hang)).split() == words.split()


def test_an_error_at_sixty_columns_breaks_no_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    hint = "Start it with plumbline up --detach, or name a deployed stack with --stack NAME."
    with pytest.raises(SystemExit):
        main._complain(CliError("The local stack is not running, and nothing is kept of an earlier one here.", hint))
    err = capsys.readouterr().err
    plain = re.sub(r"\x1b\[[0-9;]*m", "", err)
    assert plain.splitlines() == [
        "Error: The local stack is not running, and nothing is kept",
        "of an earlier one here.",
        "→ Start it with plumbline up --detach, or name a deployed",
        "  stack with --stack NAME.",
    ]
