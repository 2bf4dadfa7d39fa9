"""The summary on the screen, for every kind of run."""

import io
import re

import pytest
from rich.console import Console

from cli.stack import Stack
from cli.summary import rendered
from plumbline.contracts.summary import RunSummary
from tests.unit.report import summaries

STACK = Stack(
    name="demo",
    region="us-east-1",
    raw_bucket="demo-rawbucket-x",
    data_bucket="demo-databucket-y",
    ledger_table="ledger",
    state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:demo-LabelCases",
    task="root_cause",
    model_id="m",
)


def text_of(summary: RunSummary, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    console.print(rendered(summary, STACK), crop=False)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("kind", summaries.ALL)
def test_every_kind_of_run_fits_the_screen(kind: str, width: int) -> None:
    lines = text_of(summaries.ALL[kind](), width).splitlines()
    assert max(map(len, lines)) <= width


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def test_a_typical_run_says_all_that_one_asks_first() -> None:
    text = words(text_of(summaries.typical(), 120))
    for fact in (
        "188 of 196 new cases labeled",
        "labeled 188",
        "needs review 4",
        "unchanged 72",
        "all cases 268",
        "9 rows rejected: 5 no text, 3 missing id, 1 bad encoding",
        "2 dropped: two categories",
        "mended replies: ",
        "95% interval",
        "of 192 gold cases labeled",
        "3 gold labels unknown to the task",
        "$0.02 for 201 model calls, 24 replies reused",
        "a person would take 16.0 h at 5 minutes a case",
        "3 near-duplicates left out",
        "Dataset d20261122-1f3a",
        "plumbline-root-cause-d20261122-1f3a",
        "runs/run-7f3a9c/rejects.jsonl",
        "demo-rawbucket-x",
    ):
        assert fact in text, fact


def test_class_names_of_the_shipped_task_stand_on_one_line_in_eighty_columns() -> None:
    lines = text_of(summaries.typical()).splitlines()
    for name in summaries.SIX:
        assert any(line.startswith(name) and line.rstrip().endswith("%") for line in lines), name


def test_a_short_dataset_says_by_how_much_per_class() -> None:
    text = words(text_of(summaries.short(), 120))
    assert "Short by " in text
    assert "Security Awareness 50" in text
    assert "Documentation Improvement 43" in text
    assert "no price known for this model" in text


def test_a_place_in_a_bucket_is_named_by_where_it_lies_here() -> None:
    summary = summaries.typical()
    console = Console(width=200, file=io.StringIO(), record=True, highlight=False)
    console.print(rendered(summary, STACK, {f"runs/{summary.run_id}/rejects.jsonl": "here/rejects.jsonl"}))
    text = console.export_text()
    assert "here/rejects.jsonl" in text
    assert f"runs/{summary.run_id}/rejects.jsonl" not in text


def test_a_dataset_too_small_to_train_on_is_said_in_words() -> None:
    text = words(text_of(summaries.summary_of(training_error="DatasetTooSmall"), 120))
    assert "at least three of each class" in text
    assert "DatasetTooSmall" not in text


def test_a_run_without_gold_has_no_columns_for_it() -> None:
    assert "precision" not in text_of(summaries.short())
    assert "precision" in text_of(summaries.typical())


def test_training_that_did_not_start_says_where_to_look() -> None:
    text = words(text_of(summaries.summary_of(training_error="TrainingUnavailable"), 120))
    assert "Training did not start: SageMaker could not be reached or refused the job." in text
    assert "See the log group /plumbline/demo/start_training." in text
    changed = words(text_of(summaries.summary_of(training_error="InvalidDataset"), 120))
    assert "Training did not start: the dataset's files are missing" in changed
    other = words(text_of(summaries.summary_of(training_error="Other"), 120))
    assert "Training did not start (Other). See the log group" in other


def test_a_command_of_the_next_steps_can_be_pasted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", "elsewhere")
    reasons = {"needs_review: low_confidence": 3}
    summary = summaries.typical().model_copy(update={"outcome_reasons": reasons})
    text = words(text_of(summary, 300))
    for command in (f"review export {summary.run_id} --queue", f"prompts mine {summary.run_id}"):
        assert re.search(rf"PLUMBLINE_HOME=elsewhere \S*plumbline {command}", text)
        assert any(
            line.endswith(f"{command} --stack demo") for line in text_of(summary, 80).splitlines()
        )  # on one line: to be copied


def test_a_stack_without_training_is_not_called_a_failure() -> None:
    text = words(text_of(summaries.summary_of(training_error="TrainingNotConfigured"), 120))
    assert "The stack does not train (its TrainingImage is none), so no training was started." in text
    assert "start_training" not in text


@pytest.mark.parametrize("kind", summaries.ALL)
def test_no_reason_is_shown_by_its_code(kind: str) -> None:
    text = words(text_of(summaries.ALL[kind](), 200))
    assert not re.search(r"(dropped|failed|needs_review): [a-z]+_[a-z_]+", text)
    assert "left_for_later" not in text


def test_reasons_are_said_in_words_and_an_error_keeps_the_name_that_operations_lists() -> None:
    text = words(text_of(summaries.backlog(), 200))
    assert "948 dropped: left for later, as others were of more use or no class needed them" in text
    reasons = {"failed: ModelThrottled": 1, "failed: Sandbox.Timedout": 2, "needs_review: low_confidence": 3}
    text = words(text_of(summaries.summary_of(outcome_reasons=reasons), 200))
    assert "1 failed: the model's service was too busy (ModelThrottled)" in text
    assert "2 failed: an error (Sandbox.Timedout)" in text
    assert "3 needs review: confidence too low" in text
