"""How the labels compare with gold: per-class figures and the confusion matrix."""

from dataclasses import dataclass

from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.report.words import count, percent, share

_SHADES = 9


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix. `shade` runs from 0 to 9 with its share of the row."""

    cases: int
    shade: int
    right: bool
    title: str


@dataclass(frozen=True)
class MatrixRow:
    """All cases of one gold category, by the category they were given."""

    gold: str
    total: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Quality:
    """The accuracy block with its matrix as a full square."""

    block: AccuracyBlock
    names: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]


def quality_of(block: AccuracyBlock | None) -> Quality | None:
    """The matrix in the classes' order, categories that only the confusion names after them; None without gold."""
    if block is None:
        return None
    names = [item.category for item in block.per_class]
    for gold, row in block.confusion.items():
        names += [name for name in (gold, *row) if name not in names]
    names = list(dict.fromkeys(names))
    matrix = tuple(_matrix_row(gold, names, block.confusion.get(gold, {})) for gold in names)
    return Quality(block, tuple(names), matrix)


def _matrix_row(gold: str, names: list[str], row: dict[str, int]) -> MatrixRow:
    total = sum(row.values())
    cells = []
    for said in names:
        cases = row.get(said, 0)
        part = share(cases, total)
        shade = min(_SHADES, max(1, round(part * _SHADES))) if cases > 0 else 0
        title = f"gold {gold}, labeled {said}: {count(cases)} of {count(total)} ({percent(part, 0)})"
        cells.append(Cell(cases, shade, said == gold, title))
    return MatrixRow(gold, total, tuple(cells))
