"""A sheet that goes out, is filled in and comes back says what was filled in, whatever its texts, ids and names."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from cli.review_reading import checked, read_sheet
from cli.review_sheet import HEAD_ROW, REVIEW, Sheet, lineage_of, write_sheet
from plumbline.contracts.prompts import Category, name_key
from plumbline.review.cases import ReviewCase
from tests import builders as b
from tests.cli.reviewed import COLUMN
from tests.unit.report.summaries import summary_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "=1+1",
        "+x",
        "-1",
        "@SUM",
        "\t=1",
        "_x0041_",
        "_x005F_x0041_",
        "a\r\nb",
        "\x00\x07",
        "\ufffe",
        "<b>&amp;",
        "00123",
        "1e5",
    ]
)
NAMES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="<>"), min_size=1, max_size=20)
    | st.sampled_from(["=SUM(1)", "404", "TRUE", "_x0041_"]),
    min_size=2,
    max_size=5,
    unique_by=lambda name: name_key(name) or name,
)


@st.composite
def sheets(draw: st.DrawFn) -> tuple[Sheet, list[int | None]]:
    """A sheet, and for each row which answer a person chooses, if any."""
    names = draw(NAMES)
    ids = draw(st.lists(TEXT.filter(bool), min_size=1, max_size=6, unique=True))
    cases = [
        ReviewCase(
            case_id=case_id,
            content_hash=f"hash-{n}",
            part=draw(st.sampled_from(["random", "useful"])),
            text=draw(TEXT),
            model_label=draw(st.sampled_from(names)),
            runner_up=None,
            reasoning=draw(TEXT),
            confidence=0.5,
            calibrated=False,
        )
        for n, case_id in enumerate(ids)
    ]
    summary = summary_of(run_id="run-1", task="root_cause", prompt=b.REF, model_id="local.test")
    lineage = lineage_of(summary, cases, names, 100, 1, datetime(2026, 3, 4, tzinfo=UTC), queue=False)
    answers = [Category(name=name, description="what it means") for name in names]
    choices = draw(st.lists(st.none() | st.integers(0, len(names) - 1), min_size=len(ids), max_size=len(ids)))
    return Sheet(lineage, cases, answers), choices


@settings(max_examples=60, deadline=None)
@given(sheets())
def test_a_sheet_says_what_was_filled_in(made: tuple[Sheet, list[int | None]]) -> None:
    sheet, choices = made
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        write_sheet(sheet, path)
        book = load_workbook(path)
        page, lists = book[REVIEW], book["Lists"]
        for row, choice in enumerate(choices, HEAD_ROW + 1):
            if choice is not None:  # as the drop-down does: the text of the list's cell
                cell = page.cell(row, COLUMN["label"])
                cell.value = lists.cell(choice + 1, 1).value
                cell.data_type = "s"
        book.save(path)
        answers = checked(read_sheet(path), [answer.name for answer in sheet.answers], partial=False)
    assert answers.problems == []
    expected = {
        case.case_id: (sheet.answers[choice].name, case.content_hash)
        for case, choice in zip(sheet.cases, choices, strict=True)
        if choice is not None
    }
    assert {label.case_id: (label.category, label.content_hash) for label in answers.labels} == expected
