"""A review sheet that comes back: who said what, and everything that is wrong with it, each with its cell."""

import difflib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from pydantic import ValidationError

from cli.errors import CliError
from cli.paths import plumbline
from cli.review_sheet import HEADS, ILLEGAL, LINEAGE, REVIEW, sheet_text
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.prompts import name_key
from plumbline.contracts.review import AskedCase, SheetLineage

MAX_BYTES: Final = 100 * 10**6
_MAX_UNPACKED: Final = 10**9
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    KeyError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    RuntimeError,
)
_MAX_ROWS: Final = 100_000  # a formatted column reaches down to row 1,048,576
_HEAD_WITHIN: Final = 30  # rows in which the header is looked for
_NEEDED: Final = ("model_label", "label", "close_call", "note", "case_id", "key")
_YES, _NO = {"yes", "y", "x", "true", "1"}, {"", "no", "n", "false", "0"}
_SHOWN: Final = 25


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (`Review!C17`), what, and how to mend it."""

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.fix}"


@dataclass(frozen=True)
class Field:
    """What stands in one cell. `broken` says why it cannot be read as a text."""

    where: str
    text: str
    broken: str = ""


@dataclass(frozen=True)
class ReturnedSheet:
    """A workbook as it came back."""

    lineage: SheetLineage
    asked: tuple[AskedCase, ...]
    rows: tuple[Mapping[str, Field], ...]
    saved_at: datetime


@dataclass
class Answers:
    """The labels that a sheet gives, and its problems. Cases whose label cell is empty are not reviewed."""

    labels: list[GoldLabel] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def refusal(name: str, problems: Sequence[Problem]) -> CliError:
    """All problems of a file in one error; nothing of it was stored."""
    lines = [f"  {problem}" for problem in problems[:_SHOWN]]
    more = [f"  … and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    found = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    text = "\n".join((f"{name} has {found}; nothing was stored.", *lines, *more))
    return CliError(text, "Mend the cells, save the file and import it again.")


def read_sheet(path: Path) -> ReturnedSheet:
    """Read a workbook that `review export` wrote. Raises CliError for any other file."""
    book = _opened(path)
    if REVIEW not in book.sheetnames or LINEAGE not in book.sheetnames:
        raise CliError(
            f"{path.name} is not a sheet of `review export`: it has no sheet {REVIEW} with its lineage.",
            f"Import the workbook itself, not a copy of its cells; {plumbline('review export RUN')} makes another.",
        )
    lineage, asked = _lineage(book[LINEAGE], path.name)
    return ReturnedSheet(lineage, asked, tuple(_rows(book[REVIEW], path.name)), _saved_at(book, path, lineage))


def _opened(path: Path) -> Workbook:
    if not path.is_file():
        raise CliError(f"There is no file {path}.", "Give the .xlsx that came back.")
    hint = "Save it as .xlsx (Excel Workbook) and import that."
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if path.stat().st_size > MAX_BYTES or unpacked > _MAX_UNPACKED:
            raise CliError(f"{path.name} is too large for a review sheet.", "Export a smaller --sample.")
        return load_workbook(path)
    except _UNREADABLE:
        raise CliError(f"{path.name} is no Excel workbook that can be read.", hint) from None


def _lineage(page: Worksheet, name: str) -> tuple[SheetLineage, tuple[AskedCase, ...]]:
    texts = [_text(row[0]) for row in page.iter_rows(max_col=1, values_only=True) if row[0] is not None]
    try:
        lineage = SheetLineage.model_validate_json(texts[0])
        return lineage, tuple(AskedCase.model_validate_json(text) for text in texts[1:])
    except (ValidationError, IndexError):
        hint = "Import the file that was exported, or use the commands of the version that exported it."
        raise CliError(f"{name} does not say where its rows come from: its lineage was changed.", hint) from None


def _rows(page: Worksheet, name: str) -> Iterator[Mapping[str, Field]]:
    columns, below = _header(page, name)
    for row in page.iter_rows(
        min_row=below, max_row=min(page.max_row, below + _MAX_ROWS), max_col=max(columns.values()) + 1
    ):
        fields = {key: _field(row[place]) for key, place in columns.items()}
        if any(fields[key].text or fields[key].broken for key in _NEEDED):
            yield fields


def _header(page: Worksheet, name: str) -> tuple[dict[str, int], int]:
    """Which field stands in which column (from 0), and the row below the header. Columns may have been moved."""
    heads = {head: key for key, (head, _) in HEADS.items()}
    for number, row in enumerate(page.iter_rows(max_row=_HEAD_WITHIN, values_only=True), 1):
        found = {heads[text]: place for place, value in enumerate(row) if (text := _text(value).strip()) in heads}
        if len(found) > len(_NEEDED) / 2:
            if missing := [HEADS[key][0] for key in _NEEDED if key not in found]:
                fix = "Put the head back as it was exported."
                raise refusal(name, [Problem(f"{REVIEW}!{number}:{number}", f"no column {m!r}", fix) for m in missing])
            return found, number + 1
    raise refusal(name, [Problem(REVIEW, "no header row was found", "Put the row of column heads back.")])


def _field(cell: Any) -> Field:
    where = f"{REVIEW}!{cell.coordinate}"
    kind = getattr(cell, "data_type", "n")  # a merged cell has none
    if kind == "f":
        return Field(where, "", "holds a formula")
    if kind == "e":
        return Field(where, "", f"shows the error {cell.value}")
    return Field(where, _text(cell.value))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", unescape(str(value)))


def _saved_at(book: Workbook, path: Path, lineage: SheetLineage) -> datetime:
    """When the sheet was filled in: the time that the spreadsheet saved it, else that of the file. So the same file
    always gives the same labels, and an old sheet imported late does not hide a newer one's."""
    saved: datetime | None = book.properties.modified
    if saved is not None:
        saved = saved if saved.tzinfo else saved.replace(tzinfo=UTC)
        if lineage.exported_at < saved <= datetime.now(UTC):
            return saved
    return max(lineage.exported_at, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def checked(sheet: ReturnedSheet, known: Sequence[str], *, partial: bool) -> Answers:
    """Every row against what was exported; `known` is what may be answered. Missing rows are no problem where
    `partial`."""
    answers, by_key = Answers(), {asked.key: asked for asked in sheet.asked}
    by_id = {_plain(asked.case_id): asked for asked in sheet.asked}
    seen: dict[str, str] = {}
    for row in sheet.rows:
        asked = _case_of(row, by_key, by_id, answers)
        if asked is None:
            continue
        where = row["case_id"].where
        if asked.key in seen:
            what = f"the case {_named(asked.case_id)} stands in {seen[asked.key]} as well"
            answers.problems.append(Problem(where, what, "Delete one of the two rows."))
            continue
        seen[asked.key] = where
        _take(row, asked, sheet, known, answers)
    if not partial:
        for asked in sheet.asked:
            if asked.key not in seen and not _mentioned(asked, sheet.rows):
                what = f"the row of the case {_named(asked.case_id)} is missing"
                answers.problems.append(Problem(REVIEW, what, "Put it back, or import with --partial."))
    return answers


def _mentioned(asked: AskedCase, rows: Sequence[Mapping[str, Field]]) -> bool:
    """Whether a row that is a problem of its own is this case's."""
    return any(row["key"].text.strip() == asked.key for row in rows)


def _case_of(
    row: Mapping[str, Field], by_key: Mapping[str, AskedCase], by_id: Mapping[str, AskedCase], answers: Answers
) -> AskedCase | None:
    said = row["case_id"]
    of_key = by_key.get(row["key"].text.strip())
    if of_key is not None:
        if _plain(said.text) == _plain(of_key.case_id):
            return of_key
        what = f"the case id was changed; this row is of the case {_named(of_key.case_id)}"
        fix = "Put that id back. (If single columns were sorted, undo it: the labels would be of other cases.)"
        answers.problems.append(Problem(said.where, what, fix))
        return None
    of_id = by_id.get(_plain(said.text))
    if of_id is not None:
        return of_id
    what = f"{_named(said.text)} is no case of this sheet" if said.text.strip() else "the row has no case id"
    answers.problems.append(Problem(said.where, what, "Put the id back that was exported, or delete the row."))
    return None


def _take(
    row: Mapping[str, Field], asked: AskedCase, sheet: ReturnedSheet, known: Sequence[str], answers: Answers
) -> None:
    problems = [
        Problem(row[key].where, f"the cell {row[key].broken}", "Write the value itself, or empty the cell.")
        for key in ("label", "close_call", "note")
        if row[key].broken
    ]
    if _plain(row["model_label"].text) != _plain(asked.model_label):
        fix = f"Put {_named(asked.model_label)} back; what you think goes into the column {HEADS['label'][0]}."
        problems.append(Problem(row["model_label"].where, "the model's label was changed", fix))
    close = row["close_call"].text.strip().casefold()
    if close not in _YES | _NO:
        problems.append(Problem(row["close_call"].where, f"{_named(close)} is neither yes nor no", "Write yes or no."))
    said = row["label"].text.strip()
    category = _category(said, known)
    if said and category is None:
        problems.append(_unknown(row["label"].where, said, known))
    answers.problems += problems
    if category is not None and not problems:
        answers.labels.append(
            GoldLabel(
                case_id=asked.case_id,
                category=category,
                source="review",
                labeled_at=sheet.saved_at,
                run_id=sheet.lineage.run_id,
                content_hash=asked.content_hash,
                close_call=close in _YES,
                note=row["note"].text.strip(),
                part=asked.part,
            )
        )


def _category(said: str, answers: Sequence[str]) -> str | None:
    """The category of that name; capitals, spaces and punctuation do not matter where only one is meant."""
    if said in answers:
        return said
    alike = [name for name in answers if said and (name_key(name) or name) == (name_key(said) or said)]
    return alike[0] if len(alike) == 1 else None


def _unknown(where: str, said: str, answers: Sequence[str]) -> Problem:
    close = difflib.get_close_matches(said, answers, n=1)
    meant = f"Did you mean {close[0]}? " if close else ""
    return Problem(where, f"{_named(said)} is no category of this task", f"{meant}Choose one from the list.")


def _plain(text: str) -> str:
    """The text in the one form that a spreadsheet's saving does not change: some escape `_x0041_`, some do not."""
    while (shorter := unescape(text)) != text:
        text = shorter
    return " ".join(sheet_text(text).split())


def _named(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 60 else f"{flat[:59]}…")
