"""Proportions with their intervals as an SVG file of its own: one row each, on an axis from 0 to 100%."""

from collections.abc import Sequence
from typing import NamedTuple

import svg

from plumbline.contracts.accuracy import Interval
from plumbline.report.picture import TITLE_LEFT, picture, safe
from plumbline.report.words import clipped, interval_span, percent

_WIDTH, _ROW, _TOP, _BELOW = 720, 38, 64, 46
_LEFT, _RIGHT = 130, 190  # room for the names, and for the figures
_MOST_CHARS = 40  # of a name: what the picture is widened for
_CHAR, _GAP = 8.9, 14  # a bold character at its usual width, and what stays free between a name and the axis
_TICKS = (0, 25, 50, 75, 100)
_STYLE = """
.name { fill: var(--ink); font-weight: 600; } .figure { fill: var(--ink); }
.whisker { stroke: var(--main); stroke-width: 4; stroke-linecap: round; opacity: .45; }
"""


class PlotRow(NamedTuple):
    """One proportion."""

    name: str
    value: Interval


def interval_plot(title: str, note: str, rows: Sequence[PlotRow]) -> str:
    """The SVG document: a title, a row for each proportion, the axis, and a note below it."""
    longest = min(_MOST_CHARS, max((len(row.name) for row in rows), default=0))
    left = max(float(_LEFT), round(TITLE_LEFT + _CHAR * longest + _GAP))
    width = _WIDTH + left - _LEFT
    height = _TOP + _ROW * len(rows) + _BELOW
    foot = _TOP + _ROW * len(rows)
    elements: list[svg.Element] = []
    for tick in _TICKS:
        x = _x(tick / 100, left)
        elements += [
            svg.Line(x1=x, x2=x, y1=_TOP - 8, y2=foot, class_=["grid"]),
            svg.Text(x=x, y=foot + 15, text_anchor="middle", class_=["muted"], text=f"{tick}%"),
        ]
    for place, row in enumerate(rows):
        elements += _row(row, _TOP + _ROW * place + _ROW / 2, left)
    label = "; ".join(f"{row.name}: {percent(row.value.value)} ({interval_span(row.value)})" for row in rows)
    return picture(width, height, elements, title=title, note=note, label=label, style=_STYLE)


def _row(row: PlotRow, y: float, left: float) -> list[svg.Element]:
    value = row.value
    figure = left + _WIDTH - _LEFT - _RIGHT + 20
    return [
        svg.Text(x=TITLE_LEFT, y=y + 5, class_=["name"], text=safe(clipped(row.name, _MOST_CHARS))),
        svg.Line(x1=_x(value.low, left), x2=_x(value.high, left), y1=y, y2=y, class_=["whisker"]),
        svg.Circle(cx=_x(value.value, left), cy=y, r=6, class_=["dot"]),
        svg.Text(x=figure, y=y + 5, class_=["figure"], text=percent(value.value)),
        svg.Text(x=figure + 64, y=y + 5, class_=["muted"], text=interval_span(value)),
    ]


def _x(share: float, left: float) -> float:
    return round(left + share * (_WIDTH - _LEFT - _RIGHT), 2)
