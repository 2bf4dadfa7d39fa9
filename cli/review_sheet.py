"""A review sheet as an Excel workbook: what people fill in, and in hidden places where each row comes from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from plumbline.contracts.prompts import Category
from plumbline.contracts.review import SheetLineage
from plumbline.contracts.summary import RunSummary
from plumbline.report.words import count, moment, plural
from plumbline.review.cases import ReviewCase, asked_of, sheet_id_of

REVIEW, INSTRUCTIONS, LISTS, LINEAGE = "Review", "Instructions", "Lists", "Lineage"
HEADS: Final[Mapping[str, tuple[str, int]]] = {
    "text": ("Case", 72),
    "model_label": ("Model label", 24),
    "label": ("Label", 24),
    "close_call": ("Close call", 11),
    "note": ("Notes", 32),
    "correct": ("Correct", 9),
    "reasoning": ("Model reasoning", 48),
    "case_id": ("Case id", 20),
    "key": ("Row key", 12),
    "part": ("Part", 10),
}
"""Each column's field, its head and its width in characters, from A on; the last two are hidden."""
HEAD_ROW: Final = 7
MAX_CELL: Final = 32_767  # Excel's limit, in UTF-16 code units
_COLUMN: Final = {field: get_column_letter(place) for place, field in enumerate(HEADS, 1)}
ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_FORMULA: Final = ("=", "+", "-", "@", "\t")
_LINE, _MOST_HEIGHT = 15, 240  # points
_Z: Final = 1.959963984540054
_HEAD_FILL, _ASKS, _WRONG = (PatternFill("solid", fgColor=c, bgColor=c) for c in ("1F3A5F", "FFF8DC", "F8D7DA"))


@dataclass(frozen=True)
class Sheet:
    """What a workbook is made of."""

    lineage: SheetLineage
    cases: Sequence[ReviewCase]
    answers: Sequence[Category]


def lineage_of(
    summary: RunSummary, cases: Sequence[ReviewCase], answers: Sequence[str], population: int, seed: int,
    now: datetime, *, queue: bool,
) -> SheetLineage:  # fmt: skip
    """What the sheet is made of, for import to check."""
    return SheetLineage(
        sheet_id=sheet_id_of(summary.run_id, cases, seed, queue=queue),
        run_id=summary.run_id,
        task=summary.task,
        prompt=summary.prompt,
        model_id=summary.model_id,
        exported_at=now,
        seed=seed,
        queue=queue,
        population=population,
        answers=tuple(answers),
    )


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write the workbook. Nothing of a case's text becomes a formula; a text too long for a cell is cut and says so."""
    book = Workbook()
    review = book.active
    assert isinstance(review, Worksheet)  # noqa: S101 - a new workbook has one sheet
    review.title = REVIEW
    _review(review, sheet)
    _instructions(book.create_sheet(INSTRUCTIONS), sheet)
    _lists(book.create_sheet(LISTS), sheet)
    _lineage(book.create_sheet(LINEAGE), sheet)
    lineage = sheet.lineage
    book.properties.title = f"Review of {lineage.run_id}"
    book.properties.creator = "plumbline"
    book.properties.identifier = lineage.sheet_id
    book.properties.description = f"run {lineage.run_id}, prompt {lineage.prompt.sha256}"
    book.calculation.fullCalcOnLoad = True
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        book.save(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sheet_text(text: str, limit: int = MAX_CELL) -> str:
    """The text as a cell can hold it: line ends as one character, none that XML forbids, cut at Excel's limit."""
    plain = ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
    escaped = _LOOKS_ESCAPED.sub("_x005F_", plain)  # else Excel reads _x0041_ as A
    if _units(escaped) <= limit:
        return escaped
    note = f"\n[… cut here: an Excel cell holds {count(MAX_CELL)} characters, this text has {count(len(text))}]"
    kept = escaped.encode("utf-16-le")[: 2 * (limit - len(note))].decode("utf-16-le", "ignore")
    return re.sub("_(x([0-9A-F]{0,4}_?)?)?$", "", kept) + note  # no half of an escape


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _put(page: Worksheet, where: str, text: str) -> Cell:
    """The text as a text, whatever it begins with: also when somebody edits the cell and leaves it as it was."""
    cell = page[where]
    cell.value = shown = sheet_text(text)
    cell.data_type = "s"
    cell.quotePrefix = shown.startswith(_FORMULA)
    return cell  # type: ignore[no-any-return]  # openpyxl's stubs: a page's item may be a range


def _review(page: Worksheet, sheet: Sheet) -> None:
    last = HEAD_ROW + len(sheet.cases)
    for field, (_, width) in HEADS.items():
        page.column_dimensions[_COLUMN[field]].width = width
    for hidden in ("key", "part"):
        page.column_dimensions[_COLUMN[hidden]].hidden = True
    _top(page, sheet, last)
    for field, (head, _) in HEADS.items():
        cell = _put(page, f"{_COLUMN[field]}{HEAD_ROW}", head)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), _HEAD_FILL
    for row, case in enumerate(sheet.cases, HEAD_ROW + 1):
        _row(page, row, case)
    page.freeze_panes = f"A{HEAD_ROW + 1}"
    page.auto_filter.ref = f"A{HEAD_ROW}:{_COLUMN['part']}{last}"
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = f"{HEAD_ROW}:{HEAD_ROW}"
    _choices(page, sheet, last)


def _top(page: Worksheet, sheet: Sheet, last: int) -> None:
    lineage = sheet.lineage
    drawn = sum(case.part == "random" for case in sheet.cases)
    prompt = f"{lineage.prompt.task} {lineage.prompt.version}"
    title = f"Review of {lineage.run_id} ({prompt}, {lineage.model_id}), {moment(lineage.exported_at)}"
    _put(page, "A1", title).font = Font(bold=True, size=13)
    _wrapped(_put(page, "A2", how_drawn(lineage, len(sheet.cases), drawn)))
    page.row_dimensions[2].height = 4 * _LINE
    _put(page, "A3", "Accuracy of the accepted labels (random rows)").font = Font(bold=True)
    _put(page, "A4", "  its 95% interval (Wilson), from and to")
    done, parts = (f"{_COLUMN[f]}{HEAD_ROW + 1}:{_COLUMN[f]}{last}" for f in ("correct", "part"))
    right, judged = f"{_COLUMN['key']}3", f"{_COLUMN['part']}3"
    page[right] = f'=COUNTIFS({parts},"random",{done},"yes")'
    page[judged] = f'={right}+COUNTIFS({parts},"random",{done},"no")'
    page["B3"] = f'=IF({judged}=0,"",{right}/{judged})'
    page["C3"] = f'={judged}&" of {drawn} random rows reviewed"'
    for cell, sign in (("B4", "-"), ("C4", "+")):
        page[cell] = _wilson_end(right, judged, sign)
    if lineage.queue:
        right, judged = f"{_COLUMN['key']}5", f"{_COLUMN['part']}5"
        _put(page, "A5", "Right among the rows picked as useful (no random sample)")
        page[right] = f'=COUNTIFS({parts},"useful",{done},"yes")'
        page[judged] = f'={right}+COUNTIFS({parts},"useful",{done},"no")'
        page["B5"] = f'=IF({judged}=0,"",{right}/{judged})'
        page["C5"] = f'={judged}&" of {len(sheet.cases) - drawn} picked rows reviewed"'
    for cell in ("B3", "B4", "C4", "B5"):
        page[cell].number_format = "0.0%"
        page[cell].alignment = Alignment(horizontal="left")
    page["B3"].font = Font(bold=True)


def how_drawn(lineage: SheetLineage, rows: int, drawn: int) -> str:
    """What the rows are a sample of, and so what may be read off them."""
    labels = plural(lineage.population, "accepted label")
    if not lineage.queue:
        return f"{plural(rows, 'case')}: a random sample of the {labels} of the run (seed {lineage.seed})."
    return (
        f"{plural(rows, 'case')}, the most useful first: kept for review, disagreed about, close, of a rare class. "
        f"They are wrong more often than others, so the accuracy counts only the {plural(drawn, 'row')} between them "
        f"that are random: a random sample of the {labels} of the run (seed {lineage.seed})."
    )


def _wilson_end(right: str, n: str, sign: str) -> str:
    share, z2 = f"{right}/{n}", _Z * _Z
    half = f"{_Z}*SQRT({share}*(1-{share})/{n}+{z2}/(4*{n}^2))"
    return f'=IF({n}=0,"",MAX(0,MIN(1,({share}+{z2}/(2*{n}){sign}{half})/(1+{z2}/{n}))))'


def _row(page: Worksheet, row: int, case: ReviewCase) -> None:
    known = case.known
    texts = {
        "text": case.text,
        "model_label": case.model_label,
        "label": known.category if known else "",
        "close_call": "yes" if known and known.close_call else "",
        "note": known.note if known else "",
        "reasoning": _reasoning(case),
        "case_id": case.case_id,
        "key": case.key,
        "part": case.part,
    }
    for field, text in texts.items():
        _wrapped(_put(page, f"{_COLUMN[field]}{row}", text)).number_format = "@"
    label, model = (f"TRIM({_COLUMN[field]}{row})" for field in ("label", "model_label"))
    page[f"{_COLUMN['correct']}{row}"] = f'=IF({label}="","",IF({label}={model},"yes","no"))'
    page[f"{_COLUMN['correct']}{row}"].alignment = Alignment(vertical="top", horizontal="center")
    lines = max(_lines(text, HEADS[field][1]) for field, text in texts.items() if field not in ("key", "part"))
    page.row_dimensions[row].height = min(_MOST_HEIGHT, (lines + 1) * _LINE)


def _reasoning(case: ReviewCase) -> str:
    known = "" if case.calibrated else ", not calibrated"
    runner_up = f"runner-up {case.runner_up}; " if case.runner_up else ""
    tail = f"({runner_up}confidence {case.confidence:.2f}{known})"
    return f"{case.reasoning}\n{tail}" if case.reasoning else tail


def _lines(text: str, width: int) -> int:
    return sum(-(-len(line) // width) or 1 for line in text.split("\n"))


def _wrapped(cell: Cell) -> Cell:
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _choices(page: Worksheet, sheet: Sheet, last: int) -> None:
    first = HEAD_ROW + 1
    category = DataValidation("list", formula1=f"{LISTS}!$A$1:$A${len(sheet.answers)}", allow_blank=True)
    category.errorTitle, category.error = "Not a category", "Choose one from the list, or leave the cell empty."
    close = DataValidation("list", formula1='"yes,no"', allow_blank=True)
    close.errorTitle, close.error = "yes or no", "Write yes where two categories fit about as well."
    for rule, field in ((category, "label"), (close, "close_call")):
        rule.errorStyle, rule.showErrorMessage = "stop", True
        rule.add(f"{_COLUMN[field]}{first}:{_COLUMN[field]}{last}")
        page.add_data_validation(rule)
    _colored(page, "label", last, '{}=""', _ASKS)
    _colored(page, "correct", last, '{}="no"', _WRONG)


def _colored(page: Worksheet, field: str, last: int, test: str, fill: PatternFill) -> None:
    first = f"{_COLUMN[field]}{HEAD_ROW + 1}"
    rule = Rule(type="expression", formula=[test.format(first)], dxf=DifferentialStyle(fill=fill))
    page.conditional_formatting.add(f"{first}:{_COLUMN[field]}{last}", rule)


_STEPS: Final = (
    "Read the case. Personal data stands as placeholders such as [NAME_1].",
    "Choose its category in the column Label. Choose what you think is right, before reading the model's reasoning.",
    "Write yes under Close call where a second category fits about as well; say which under Notes.",
    "Leave Label empty where you cannot tell: the row then counts as not reviewed.",
    "Labels that people gave before stand there already; change them where they are wrong.",
    "You may sort and filter by the arrows in the header. Do not change other columns, add or delete rows.",
    "Save the file as .xlsx and hand it back; stopping half-way is fine.",
)


def _instructions(page: Worksheet, sheet: Sheet) -> None:
    for column, width in (("A", 32), ("B", 80), ("C", 50)):
        page.column_dimensions[column].width = width
    _put(page, "A1", "How to review").font = Font(bold=True, size=13)
    for row, step in enumerate(_STEPS, 2):
        _put(page, f"A{row}", f"{row - 1}. {step}")
    top = len(_STEPS) + 3
    for column, head in zip("ABC", ("Category", "What it means", "What such a case ends in"), strict=True):
        cell = _put(page, f"{column}{top}", head)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), _HEAD_FILL
    for row, answer in enumerate(sheet.answers, top + 1):
        texts = (answer.name, answer.description, answer.output)
        for column, text in zip("ABC", texts, strict=True):
            _wrapped(_put(page, f"{column}{row}", text))
        page.row_dimensions[row].height = _LINE * max(_lines(answer.description, 80), _lines(answer.output, 50), 1)


def _lists(page: Worksheet, sheet: Sheet) -> None:
    for row, answer in enumerate(sheet.answers, 1):
        _put(page, f"A{row}", answer.name).number_format = "@"
    page.sheet_state = "hidden"


def _lineage(page: Worksheet, sheet: Sheet) -> None:
    """What import reads, as JSON in ASCII: no spreadsheet changes a character of it."""
    _put(page, "A1", _json(sheet.lineage.model_dump(mode="json")))
    for row, case in enumerate(sheet.cases, 2):
        _put(page, f"A{row}", _json(asked_of(case).model_dump(mode="json")))
    page.sheet_state = "veryHidden"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True).replace("_x", r"\u005fx")  # or _x0041_ would be read as A
