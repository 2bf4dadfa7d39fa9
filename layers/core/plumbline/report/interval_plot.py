"""Proportions with their intervals as an SVG file of its own: one row each, on an axis from 0 to 100%.

The colours are those of report.css, light and dark. Lengths are pixels; the picture scales as a whole.
"""

from collections.abc import Sequence
from typing import NamedTuple

import svg
from markupsafe import escape

from plumbline.contracts.accuracy import Interval
from plumbline.report.words import clipped, interval_span, percent

_WIDTH, _ROW, _TOP, _BELOW = 720, 38, 64, 46
_LEFT, _RIGHT = 130, 190  # room for the names, and for the figures
_NAME_CHARS, _MOST_CHARS = 16, 40  # of a name: what fits into that room, and what the picture is widened for
_CHAR = 8.0
_TICKS = (0, 25, 50, 75, 100)
_STYLE = """
svg { --paper: #fffefb; --ink: #1a232e; --muted: #55606d; --rule: #dcd8cd; --main: #0b5a9c;
  font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #171e26; --ink: #e8ecf1; --muted: #a1adba; --rule: #2b3541; --main: #62b2f2; }
}
.paper { fill: var(--paper); } .title { fill: var(--ink); font-size: 16px; font-weight: 600; }
.name { fill: var(--ink); font-weight: 600; } .figure { fill: var(--ink); }
.muted { fill: var(--muted); font-size: 12px; }
.grid { stroke: var(--rule); stroke-width: 1; }
.whisker { stroke: var(--main); stroke-width: 4; stroke-linecap: round; opacity: .45; }
.dot { fill: var(--main); stroke: var(--paper); stroke-width: 1.5; }
"""


class PlotRow(NamedTuple):
    """One proportion."""

    name: str
    value: Interval


def interval_plot(title: str, note: str, rows: Sequence[PlotRow]) -> str:
    """The SVG document: a title, a row for each proportion, the axis, and a note below it."""
    wider = _CHAR * (min(_MOST_CHARS, max((len(row.name) for row in rows), default=0)) - _NAME_CHARS)
    left = _LEFT + max(0.0, wider)
    width = _WIDTH + left - _LEFT
    height = _TOP + _ROW * len(rows) + _BELOW
    foot = _TOP + _ROW * len(rows)
    elements: list[svg.Element] = [
        svg.Style(text=_STYLE),
        svg.Rect(width=width, height=height, class_=["paper"]),
        svg.Text(x=20, y=30, class_=["title"], text=_safe(title)),
    ]
    for tick in _TICKS:
        x = _x(tick / 100, left)
        elements += [
            svg.Line(x1=x, x2=x, y1=_TOP - 8, y2=foot, class_=["grid"]),
            svg.Text(x=x, y=foot + 15, text_anchor="middle", class_=["muted"], text=f"{tick}%"),
        ]
    for place, row in enumerate(rows):
        elements += _row(row, _TOP + _ROW * place + _ROW / 2, left)
    elements.append(svg.Text(x=20, y=height - 10, class_=["muted"], text=_safe(note)))
    label = "; ".join(f"{row.name}: {percent(row.value.value)} ({interval_span(row.value)})" for row in rows)
    canvas = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, width, height),
        width=width,
        height=height,
        elements=elements,
        extra={"role": "img", "aria-label": _safe(f"{title}. {label}")},
    )
    return f"{canvas}\n"


def _row(row: PlotRow, y: float, left: float) -> list[svg.Element]:
    value = row.value
    figure = left + _WIDTH - _LEFT - _RIGHT + 20
    return [
        svg.Text(x=20, y=y + 5, class_=["name"], text=_safe(clipped(row.name, _MOST_CHARS))),
        svg.Line(x1=_x(value.low, left), x2=_x(value.high, left), y1=y, y2=y, class_=["whisker"]),
        svg.Circle(cx=_x(value.value, left), cy=y, r=6, class_=["dot"]),
        svg.Text(x=figure, y=y + 5, class_=["figure"], text=percent(value.value)),
        svg.Text(x=figure + 58, y=y + 5, class_=["muted"], text=interval_span(value)),
    ]


def _x(share: float, left: float) -> float:
    return round(left + share * (_WIDTH - _LEFT - _RIGHT), 2)


def _safe(text: str) -> str:
    return str(escape(text))  # svg.py escapes nothing
