"""A day's predictions on the screen."""

import pytest
from rich.console import Console

from cli.trend import rendered_trend
from plumbline.contracts.predictions import Drift, TrendSummary
from tests.predicting import DAY


def summary(**changes: object) -> TrendSummary:
    fields = {
        "task": "root_cause",
        "day": DAY,
        "model_versions": {"plumbline-root-cause-1": 9},
        "exports": 2,
        "cases": 10,
        "unchanged": 3,
        "rejected": 1,
        "failed": 1,
        "abstained": 2,
        "abstained_share": 0.2222,
        "categories": {"Billing Inquiry": 4, "Software Defect": 3},
        "categories_per_day": {"2026-05-01": {"Billing Inquiry": 4, "Software Defect": 3}},
        "mean_confidence": 0.87,
        "drift": (
            Drift(of="class_shares", value=0.31, threshold=0.2, cases=9, drifted=True),
            Drift(of="confidence", value=0.05, threshold=0.2, cases=9, drifted=False),
        ),
        "failures": {"Sandbox.Timedout": 1},
        "export_errors": {"daily/bad.csv": "InvalidCaseFile"},
    }
    return TrendSummary.model_validate(fields | changes)


def shown(found: TrendSummary, console: Console) -> str:
    console.print(rendered_trend(found))
    return console.export_text()


def test_the_day_is_told_in_words_and_figures(console: Console) -> None:
    text = shown(summary(), console)
    assert "2026-05-02: 9 cases predicted of 2 exports; 1 case failed; drift" in text
    for words in (
        "Billing Inquiry",
        "44.4%",
        "abstained",
        "22.2%",
        "3 cases unchanged",
        "1 row rejected",
        "failed: Sandbox.Timedout 1",
        "daily/bad.csv: InvalidCaseFile",
        "mean confidence 0.87",
        "0.31, threshold 0.20",
        "as in training",
    ):
        assert words in text


def test_an_empty_day_is_short(console: Console) -> None:
    empty = summary(
        cases=0, failed=0, abstained=0, categories={}, model_versions={}, drift=(), failures={}, export_errors={}
    )
    text = shown(empty, console)
    assert "0 cases predicted" in text
    assert "Category" not in text


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    console = Console(width=width, record=True, force_terminal=False)
    assert all(len(line) <= width for line in shown(summary(), console).splitlines())
