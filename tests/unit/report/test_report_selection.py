"""A run that a budget did not afford whole: the page tells what was gained, and that the rest is no error."""

from plumbline.report import render
from plumbline.report.advice import headline, next_steps
from plumbline.report.selection import gain_rows
from tests.unit.report.summaries import backlog, short


def test_what_was_gained_stands_beside_what_random_order_would_have() -> None:
    spam, ham = gain_rows(backlog())
    assert (spam.gained, spam.at_random, spam.spent) == ("6", "unknown", "8.3")
    assert (ham.gained, ham.at_random, ham.spent) == ("44", "5 (1–20)", "1.1; at random 10.0")  # noqa: RUF001
    page = render(backlog())
    assert "Labels where they were missing" in page
    assert "The budget afforded 52 of 1,000 cases." in page


def test_cases_left_for_later_are_a_backlog_and_no_error() -> None:
    assert "50 of 1,000 new cases labeled and 948 left for later" in headline(backlog())[0]
    said = [step.text for step in next_steps(backlog())]
    assert any("next best of 948 cases left for later" in text for text in said)
    assert any("why 2 cases got no label" in text for text in said)
    assert not any("Raise the budget" in text for text in said)


def test_a_run_within_its_budget_says_nothing_of_it() -> None:
    assert "Labels where they were missing" not in render(short())
