"""A day's predictions on the screen."""

from dataclasses import replace

import pytest
from rich.console import Console

from cli.trend import Figures, figures_of_day, rendered_trend
from plumbline.contracts.predictions import NO_DATE, Drift, ExportPredicted, TrendSummary
from tests.builders import ingest_result
from tests.predicting import DAY, run


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
        "drift_model": "plumbline-root-cause-1",
        "failures": {"Sandbox.Timedout": 1},
        "export_errors": {"daily/bad.csv": "InvalidCaseFile"},
    }
    return TrendSummary.model_validate(fields | changes)


def shown(found: TrendSummary, console: Console, *exports: ExportPredicted, own: Figures | None = None) -> str:
    console.print(rendered_trend(found, exports, own))
    return console.export_text()


def export(name: str, **ingest: object) -> ExportPredicted:
    return ExportPredicted(run=run(name), ingest=ingest_result(3).model_copy(update=ingest))


def of_file(**changes: object) -> Figures:
    """Three cases of a file on a day that has ten."""
    figures = figures_of_day(summary())
    few = {"exports": 1, "predicted": 3, "abstained": 1, "failed": 0, "unchanged": 7, "rejected": 2, "failures": {},
           "categories": {"Billing Inquiry": 2}, "per_day": {"2026-05-01": {"Billing Inquiry": 2}},
           "model_versions": {"plumbline-root-cause-1": 3}, "mean_confidence": 0.91}  # fmt: skip
    return replace(figures, **few | changes)  # type: ignore[arg-type]  # a test's own fields


def row(text: str, begin: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(begin)]
    return line.removeprefix(begin).split()


def test_the_day_is_told_in_words_and_figures(console: Console) -> None:
    text = shown(summary(), console)
    assert "2026-05-02: 9 cases predicted, 2 of them abstained; 1 case failed" in text
    assert row(text, "Billing Inquiry")[:2] == ["4", "44.4%"]
    assert row(text, "abstained ")[:2] == ["2", "22.2%"]
    assert (row(text, "unchanged"), row(text, "rejected rows")) == (["3"], ["1"])
    for words in (
        "a person should look",
        "failed: Sandbox.Timedout 1",
        "daily/bad.csv, failed with InvalidCaseFile",
        "mean confidence 0.87",
        "model plumbline-root-cause-1: 9 cases",
    ):
        assert words in text


def test_a_files_own_figures_stand_beside_the_days(console: Console) -> None:
    text = shown(summary(), console, export("a", reject_reasons={"no text": 1, "too large": 1}), own=of_file())
    assert "a.csv: 3 cases predicted, 1 of them abstained\n" in text
    assert "this file" in text
    assert row(text, "Billing Inquiry") == ["2", "66.7%", "4", "44.4%"]
    assert row(text, "Software Defect") == ["0", "0.0%", "3", "33.3%"]
    assert row(text, "predicted") == ["3", "9"]
    assert row(text, "failed") == ["0", "1"]
    assert row(text, "unchanged") == ["7", "3"]
    assert "2 rows rejected: 1 no text, 1 too large" in text
    assert "mean confidence 0.91" in text
    assert "The day 2026-05-02 has 2 exports so far." in text


def test_errors_of_the_days_other_exports_are_not_this_files(console: Console) -> None:
    found = summary(export_errors={"daily/a.csv": "InvalidCaseFile", "daily/bad.csv": "InvalidMapping"})
    text = shown(found, console, export("a"), own=of_file())
    assert "Another export of the day, daily/bad.csv, failed with InvalidMapping." in text
    assert "daily/a.csv" not in text  # an earlier upload of this very name
    assert "Sandbox.Timedout" not in text


def test_the_only_export_of_a_day_has_one_column(console: Console) -> None:
    found = summary(exports=1, export_errors={})
    text = shown(found, console, export("a"), own=figures_of_day(found))
    assert "share  the day" not in text
    assert "so far" not in text
    assert "counts once" not in text


def test_what_is_counted_over_several_exports_is_said(console: Console) -> None:
    text = shown(summary(), console, export("a"), export("b"), own=figures_of_day(summary()))
    assert "2 exports: 9 cases predicted" in text
    assert "A case counts once for each export that it was predicted in." in text


def test_drift_names_the_model_whose_training_is_compared(console: Console) -> None:
    console.width = 200
    text = shown(summary(), console)
    assert "The day against the training of plumbline-root-cause-1\n" in text
    assert (
        "  class shares: drift, more than chance away from those of the labels that it learned from "
        "(population stability index 0.31, threshold 0.20)"
    ) in text
    assert "  confidence: like that on its held-out cases (population stability index 0.05" in text


def test_days_of_the_cases_are_a_line_each_the_newest_first(console: Console) -> None:
    days = {f"2026-04-{day:02}": {"A": day, "B": 3, "C": 2, "D": 1} for day in range(4, 13)}
    text = shown(summary(categories_per_day={**days, NO_DATE: {"A": 1}}), console)
    assert "Cases with a category, by day of creation, the newest 7 of 10 (all: --json)" in text
    lines = [line.rstrip() for line in text.splitlines() if line.startswith("2026-04-")]
    assert lines[0] == "2026-04-12  18  A 12, B 3, C 2, others 1"
    assert len(lines) == 7
    assert NO_DATE not in text


def test_cases_without_a_date_need_no_day(console: Console) -> None:
    assert "by day of creation" not in shown(summary(categories_per_day={NO_DATE: {"A": 1}}), console)


def test_an_empty_day_is_short(console: Console) -> None:
    empty = summary(
        cases=0, failed=0, abstained=0, categories={}, categories_per_day={}, model_versions={}, drift=(), failures={},
        export_errors={},
    )  # fmt: skip
    text = shown(empty, console)
    assert "0 cases predicted" in text
    assert "Category" not in text


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    console = Console(width=width, record=True, force_terminal=False)
    days = {"2026-05-01": {"Documentation Improvement": 12345, "Billing Inquiry": 4, "Software Defect": 3}}
    found = summary(categories={"Documentation Improvement": 12345}, categories_per_day=days)
    text = shown(found, console, export("a"), own=of_file(per_day=days))
    assert all(len(line) <= width for line in text.splitlines())
    assert row(text, "Documentation Improvement")[-2] == "12,345"  # no row is broken
