"""`plumbline review`: a sheet goes out, comes back, and its labels are gold."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from openpyxl import load_workbook
from rich.console import Console

from cli.errors import CliError, UsageProblem
from cli.review import export, import_sheet
from cli.review_sheet import HEAD_ROW, LINEAGE, LISTS, MAX_CELL, REVIEW
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.evaluation import Judged
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE
from plumbline.contracts.runs import RunRow
from plumbline.gold import read_gold
from plumbline.jsonl import write_models
from tests import builders as b
from tests.cli.reviewed import BILLING, COLUMN, DEFECT, EDUCATION, RUN, column, edit, store_run

CONSOLE = Console(width=80)


def exported(stack: Stack, path: Path, size: int = 150, *, queue: bool = False, seed: int = 1) -> Path:
    assert export(stack, RUN, size, seed, path, CONSOLE, queue=queue) == 0
    return path


def gold(stack: Stack) -> dict[str, GoldLabel]:
    return read_gold("root_cause", S3ObjectStore(stack.data_bucket))


def refused(stack: Stack, path: Path, *, partial: bool = False) -> str:
    with pytest.raises(CliError) as raised:
        import_sheet(stack, path, CONSOLE, partial=partial, as_json=False)
    assert gold(stack) == {}
    return str(raised.value)


@pytest.fixture
def reviewed(stack: Stack) -> Stack:
    return store_run(stack, {f"C{n}": {"category": BILLING if n % 2 else DEFECT} for n in range(10)})


@pytest.fixture
def sheet(reviewed: Stack, tmp_path: Path) -> Path:
    return exported(reviewed, tmp_path / "sheet.xlsx")


def test_labels_of_a_sheet_become_gold_and_say_how_right_the_model_was(
    reviewed: Stack, sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, ids = column(sheet, "model_label"), column(sheet, "case_id")
    said = [*model[:7], EDUCATION]  # eight reviewed, the last of them corrected
    edit(sheet, [(row, "label", label) for row, label in enumerate(said)])
    edit(sheet, [(7, "close_call", "yes"), (7, "note", "could be a defect")])
    assert import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=False) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "Reviewed: 8 of 10 cases." in words
    assert "Accuracy: 87.5% of 8 random rows (95% interval 52.9\N{EN DASH}97.8%)" in words
    assert "Cohen's kappa: 0.7" in words
    assert f"{model[7]} Customer Education 1" in words
    labels = gold(reviewed)
    assert {case_id: label.category for case_id, label in labels.items()} == dict(zip(ids[:8], said, strict=True))
    last = labels[ids[7]]
    assert (last.source, last.run_id, last.content_hash) == ("review", RUN, f"hash-{ids[7]}")
    assert (last.close_call, last.note) == (True, "could be a defect")


def test_importing_twice_changes_nothing_and_a_fuller_sheet_replaces(
    reviewed: Stack, sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(sheet, [(0, "label", BILLING)])
    import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=False)
    first, stored = gold(reviewed), [o.key for o in S3ObjectStore("data").objects_under("gold/")]
    import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=False)
    assert gold(reviewed) == first
    edit(sheet, [(0, "label", DEFECT), (1, "label", BILLING)])
    capsys.readouterr()
    import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=True)
    assert json.loads(capsys.readouterr().out)["reviewed"] == 2
    assert sorted(label.category for label in gold(reviewed).values()) == [BILLING, DEFECT]
    assert [o.key for o in S3ObjectStore("data").objects_under("gold/")] == stored


def test_every_problem_is_named_with_its_cell_and_nothing_is_stored(reviewed: Stack, sheet: Path) -> None:
    ids = column(sheet, "case_id")
    edit(
        sheet,
        [
            (0, "label", BILLING),
            (1, "label", "Biling Inquiry"),
            (2, "case_id", "another"),
            (3, "close_call", "perhaps"),
            (4, "label", "=A1"),
            (5, "model_label", EDUCATION),
        ],
    )
    book = load_workbook(sheet)
    page = book[REVIEW]
    for field, place in COLUMN.items():  # row 7 is overwritten by a copy of row 6
        if field != "correct":
            page.cell(HEAD_ROW + 8, place).value = page.cell(HEAD_ROW + 7, place).value
    book.save(sheet)
    said = refused(reviewed, sheet)
    assert "sheet.xlsx has 7 problems; nothing was stored." in said
    for line in (
        "Review!C9: 'Biling Inquiry' is no category of this task. Did you mean Billing Inquiry?",
        f"Review!H10: the case id was changed; this row is of the case '{ids[2]}'. Put that id back.",
        "Review!D11: 'perhaps' is neither yes nor no.",
        "Review!C12: the cell holds a formula.",
        "Review!B13: the model's label was changed.",
        f"Review!H15: the case '{ids[6]}' stands in Review!H14 as well.",
        f"Review: the row of the case '{ids[7]}' is missing. Put it back, or import with --partial.",
    ):
        assert line in said


def test_a_sheet_with_deleted_rows_is_taken_where_that_is_meant(reviewed: Stack, sheet: Path) -> None:
    edit(sheet, [(0, "label", BILLING)])
    book = load_workbook(sheet)
    book[REVIEW].delete_rows(HEAD_ROW + 5, 3)
    book.save(sheet)
    assert refused(reviewed, sheet).count("is missing") == 3
    assert import_sheet(reviewed, sheet, CONSOLE, partial=True, as_json=False) == 0
    assert len(gold(reviewed)) == 1


def test_rows_sorted_and_columns_moved_are_the_same_sheet(reviewed: Stack, sheet: Path) -> None:
    ids = column(sheet, "case_id")
    edit(sheet, [(0, "label", EDUCATION)])
    book = load_workbook(sheet)
    page = book[REVIEW]
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=HEAD_ROW)]
    page.delete_rows(HEAD_ROW, len(rows))
    for number, row in enumerate([rows[0], *reversed(rows[1:])], HEAD_ROW + 2):
        for place, value in enumerate([*row[2:], "mine", *row[:2]], 1):
            page.cell(number, place).value = value
    book.save(sheet)
    import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=False)
    assert {k: v.category for k, v in gold(reviewed).items()} == {ids[0]: EDUCATION}


def test_other_workbooks_files_and_runs_are_refused(reviewed: Stack, sheet: Path, tmp_path: Path) -> None:
    assert "has no labels yet" in refused(reviewed, sheet)
    book = load_workbook(sheet)
    del book[LINEAGE]
    book.save(tmp_path / "other.xlsx")
    assert "other.xlsx is not a sheet of `review export`" in refused(reviewed, tmp_path / "other.xlsx")
    (tmp_path / "text.xlsx").write_text("case,label\n")
    assert "is no Excel workbook that can be read" in refused(reviewed, tmp_path / "text.xlsx")
    assert "There is no file" in refused(reviewed, tmp_path / "absent.xlsx")
    edit(sheet, [(0, "label", BILLING)])
    store_run(reviewed, {"C0": {"category": DEFECT}})  # the run was repeated meanwhile, with other cases
    assert "9 cases of the sheet are not as the run run-4f2a has them" in refused(reviewed, sheet)


def test_a_sheet_of_a_run_that_this_stack_does_not_have_is_refused(reviewed: Stack, sheet: Path) -> None:
    edit(sheet, [(0, "label", BILLING)])
    boto3.client("s3").delete_object(Bucket="data", Key=keys.summary(RUN))
    assert "is about the run run-4f2a, which the stack demo does not have" in refused(reviewed, sheet)


def test_cases_whose_text_is_deleted_are_left_out_and_said(
    reviewed: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    S3ObjectStore("data").write(keys.anonymized(RUN, "00000"), b.case("C1").model_dump_json().encode())
    path = exported(reviewed, tmp_path / "sheet.xlsx")
    assert column(path, "case_id") == ["C1"]
    assert "Left out: 9 cases whose text is deleted." in capsys.readouterr().out
    boto3.client("s3").delete_object(Bucket="data", Key=keys.anonymized(RUN, "00000"))
    with pytest.raises(CliError, match="has no label to review"):
        exported(reviewed, tmp_path / "sheet.xlsx")


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("x")'])
def test_no_text_of_a_case_becomes_a_formula(stack: Stack, tmp_path: Path, text: str) -> None:
    store_run(stack, {text: {"text": text, "reasoning": text}})
    data = S3ObjectStore("data")
    path = tmp_path / "sheet.xlsx"
    # The text alone, without the subject before it.
    case = b.case(text, text).model_copy(update={"subject": text, "messages": ()})
    data.write(f"runs/{RUN}/anonymized/00000.jsonl", case.model_dump_json().encode())
    exported(stack, path)
    book = load_workbook(path)
    for page in book:
        for row in page.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert page.title == REVIEW
                    assert (cell.row or 0) < HEAD_ROW or cell.column == COLUMN["correct"]
    first = {field: book[REVIEW].cell(HEAD_ROW + 1, place) for field, place in COLUMN.items()}
    for field in ("text", "reasoning", "case_id"):
        assert first[field].data_type == "s"
        assert first[field].quotePrefix  # stays a text when somebody edits the cell
    assert first["text"].value == text


def test_a_text_too_long_for_a_cell_is_cut_and_says_so(stack: Stack, tmp_path: Path) -> None:
    store_run(stack, {"long": {"text": "\N{GRINNING FACE}" * 40_000}, "short": {"text": "x" * 30_000}})
    path = exported(stack, tmp_path / "sheet.xlsx")
    texts = dict(zip(column(path, "case_id"), column(path, "text"), strict=True))
    assert len(texts["long"].encode("utf-16-le")) // 2 <= MAX_CELL
    assert re.search(r"\[… cut here: an Excel cell holds 32,767 characters, this text has 40,0\d\d\]$", texts["long"])
    assert "cut here" not in texts["short"]


def test_the_sheet_is_fit_to_work_with(reviewed: Stack, sheet: Path) -> None:
    book = load_workbook(sheet)
    page = book[REVIEW]
    assert page.freeze_panes == f"A{HEAD_ROW + 1}"
    assert [page.column_dimensions[c].hidden for c in "AHIJ"] == [False, False, True, True]
    assert page["A8"].alignment.wrap_text
    lists = {str(rule.sqref): rule.formula1 for rule in page.data_validations.dataValidation}
    assert lists == {"C8:C17": "Lists!$A$1:$A$3", "D8:D17": '"yes,no"'}
    assert [cell.value for cell in book[LISTS]["A"]] == list(b.CATEGORIES)
    assert (book[LISTS].sheet_state, book[LINEAGE].sheet_state) == ("hidden", "veryHidden")
    assert "a random sample of the 10 accepted labels of the run (seed 1)" in page["A2"].value
    assert column(sheet, "label") == [None] * 10


def test_a_queue_says_that_it_is_no_random_sample_and_counts_only_the_random_rows(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: dict[str, dict[str, Any]] = {f"L{n}": {"reason": LOW_CONFIDENCE, "confidence": 0.3} for n in range(8)}
    store_run(stack, cases | {f"C{n}": {} for n in range(40)})
    path = exported(stack, tmp_path / "sheet.xlsx", 10, queue=True)
    parts, ids = column(path, "part"), column(path, "case_id")
    assert parts == [*["useful"] * 4, "random", *["useful"] * 4, "random"]
    assert all(i.startswith("L") == (part == "useful") for i, part in zip(ids, parts, strict=True))
    assert "the accuracy counts only the 2 rows" in load_workbook(path)[REVIEW]["A2"].value
    edit(path, [(n, "label", DEFECT if part == "useful" else BILLING) for n, part in enumerate(parts)])
    capsys.readouterr()
    import_sheet(stack, path, CONSOLE, partial=False, as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "Accuracy: 100.0% of 2 random rows" in said
    assert "Of 8 rows picked as useful 0.0% are right: no measure of the run." in said


def test_cases_that_people_labeled_are_not_asked_again_but_where_they_are_of_the_sample(
    reviewed: Stack, sheet: Path, tmp_path: Path
) -> None:
    ids = column(sheet, "case_id")
    edit(sheet, [(n, "label", EDUCATION) for n in range(6)])
    import_sheet(reviewed, sheet, CONSOLE, partial=False, as_json=False)
    second = exported(reviewed, tmp_path / "second.xlsx", 10, queue=True)
    rows = list(zip(column(second, "case_id"), column(second, "part"), column(second, "label"), strict=True))
    assert {i for i, part, _ in rows if part == "useful"} == set(ids[6:])
    assert {i: label for i, part, label in rows if part == "random"} == dict.fromkeys(ids[:2], EDUCATION)


def test_a_case_that_nobody_had_accepted_is_not_new_once_a_person_labeled_it(stack: Stack, tmp_path: Path) -> None:
    store_run(stack, {"held": {"reason": LOW_CONFIDENCE}, "C1": {}})
    ledger = DynamoLedger(stack.ledger_table)
    ledger.record_labeled("root_cause", "run-later", {"C1": "another content"})
    path = exported(stack, tmp_path / "sheet.xlsx", queue=True)
    edit(path, [(row, "label", DEFECT) for row in range(2)])
    import_sheet(stack, path, CONSOLE, partial=False, as_json=False)
    assert ledger.known_hashes("root_cause", ["held", "C1"]) == {"held": "hash-held", "C1": "another content"}


def test_a_case_that_changed_is_read_once_after_its_review_and_not_at_each_upload(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger knew the older text, nobody had accepted the newer: only the review can say that it is done with."""
    store_run(stack, {"held": {"reason": LOW_CONFIDENCE}, "C1": {}, "gone": {}})
    ledger = DynamoLedger(stack.ledger_table)
    for run_id, hours in (("run-earlier", -1), ("run-later", 1)):
        at = b.NOW + timedelta(hours=hours)
        ledger.put_run(RunRow(run_id=run_id, task="root_cause", status="SUCCEEDED", source="a.csv", started_at=at))
    ledger.record_labeled("root_cause", "run-earlier", {"held": "older text"})
    ledger.record_labeled("root_cause", "run-later", {"C1": "newer text"})
    ledger.record_labeled("root_cause", "run-forgotten", {"gone": "some text"})
    path = exported(stack, tmp_path / "sheet.xlsx", queue=True)
    edit(path, [(row, "label", DEFECT) for row in range(3)])
    capsys.readouterr()
    import_sheet(stack, path, CONSOLE, partial=False, as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    known = ledger.known_hashes("root_cause", ["held", "C1", "gone"])
    assert known == {"held": "hash-held", "C1": "newer text", "gone": "some text"}
    assert "Changed since an earlier run labeled them: 1 case. The next upload does not read them again." in said
    assert "Changed since this run: 2 cases. Their labels count for the text that was reviewed, no other." in said


def test_gold_keeps_how_a_row_was_drawn(stack: Stack, tmp_path: Path) -> None:
    store_run(stack, {f"L{n}": {"reason": LOW_CONFIDENCE} for n in range(4)} | {f"C{n}": {} for n in range(9)})
    path = exported(stack, tmp_path / "sheet.xlsx", 5, queue=True)
    parts = dict(zip(column(path, "case_id"), column(path, "part"), strict=True))
    edit(path, [(row, "label", DEFECT) for row in range(5)])
    import_sheet(stack, path, CONSOLE, partial=False, as_json=False)
    assert {case_id: label.part for case_id, label in gold(stack).items()} == parts
    assert sorted(parts.values()) == ["random", *["useful"] * 4]


def in_lineage(path: Path, row: int, **changes: Any) -> None:
    """Change what the workbook says of itself (row 0) or of a case."""
    book = load_workbook(path)
    cell = book[LINEAGE].cell(row + 1, 1)
    cell.value = json.dumps(json.loads(str(cell.value)) | changes)
    book.save(path)


def test_what_may_be_answered_is_the_runs_and_not_what_the_workbook_says(reviewed: Stack, sheet: Path) -> None:
    in_lineage(sheet, 0, answers=[*b.CATEGORIES, "Sport"])
    edit(sheet, [(0, "label", "Sport")])
    assert "Review!C8: 'Sport' is no category of this task." in refused(reviewed, sheet)


@pytest.mark.parametrize("changes", [{"model_label": EDUCATION}, {"content_hash": "another"}, {"part": "random"}])
def test_what_the_workbook_says_of_a_case_is_held_against_the_run(
    stack: Stack, tmp_path: Path, changes: dict[str, str]
) -> None:
    store_run(stack, {"held": {"reason": LOW_CONFIDENCE}, "C1": {}, "off": {"reason": FITS_NO_CATEGORY}})
    sheet = exported(stack, tmp_path / "sheet.xlsx", queue=True)
    edit(sheet, [(0, "label", BILLING)])
    in_lineage(sheet, 1, **changes)
    assert column(sheet, "case_id")[0] in ("held", "off")
    assert "1 case of the sheet are not as the run run-4f2a has them" in refused(stack, sheet)
    in_lineage(sheet, 1, model_label=BILLING, content_hash=f"hash-{column(sheet, 'case_id')[0]}", part="useful")
    assert import_sheet(stack, sheet, CONSOLE, partial=False, as_json=False) == 0


def test_a_judge_moves_a_label_up_the_queue(stack: Stack, tmp_path: Path) -> None:
    store_run(stack, {f"C{n}": {"confidence": 0.9 - n / 100} for n in range(8)})
    data = S3ObjectStore(stack.data_bucket)
    last = column(exported(stack, tmp_path / "a.xlsx", 5, queue=True), "case_id")
    least = {"C1", "C2"} - set(last)
    scores = [
        Judged(
            case_id=case_id, content_hash=f"hash-{case_id}", category=BILLING, score=score, explanation="",
            judge_model_id="j", judge=b.REF,
        )
        for case_id, score in (*((case_id, 1) for case_id in least), ("C7", 5))
    ]  # fmt: skip
    assert least
    write_models(data, keys.judged(RUN), scores)
    rows = column(exported(stack, tmp_path / "b.xlsx", 5, queue=True), "case_id")
    assert set(rows[: len(least)]) == least


def test_out_must_be_named_as_a_workbook(reviewed: Stack, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"does not end in \.xlsx"):
        exported(reviewed, tmp_path / "sheet.csv")
