"""Plots as inline SVG, drawn with svg.py.

Lengths along x are percentages and heights are pixels, so a plot fills any width without scaling, and all words stay
in HTML beside it. Colours are classes that report.css defines once for light, dark and print. svg.py escapes
nothing: the one string that reaches it, the label for screen readers, is escaped in `_canvas`.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import svg
from markupsafe import Markup, escape

from plumbline.contracts.accuracy import Interval
from plumbline.report.words import count, share

if TYPE_CHECKING:
    from plumbline.report.view import Row

_BAR = 14.0  # px
_ROOM = 0.12  # share of the width that half the target's words take on a phone
_SLIVER = 0.8  # percent; what is there at all must be seen


class Part(NamedTuple):
    """One segment of a stacked bar."""

    tone: str
    amount: float


def stacked(parts: Sequence[Part], label: str, whole: float | None = None, height: float = _BAR) -> Markup:
    """One bar of segments in the order given. `whole` is what the full width stands for (default: their sum)."""
    total = whole or sum(part.amount for part in parts)
    widths = _widths([share(part.amount, total) * 100 for part in parts])
    elements: list[svg.Element] = [_rect(0, 100, height, "track")]
    start = 0.0
    for part, width in zip(parts, widths, strict=True):
        if width:
            elements.append(_rect(start, width, height, f"tone-{part.tone}"))
        start += width
    return _canvas(label, height, elements)


def outcomes(rows: "Iterable[Row]") -> Markup:
    """What became of the cases, as one bar."""
    parts = [(row.name, Part(row.tone, row.amount)) for row in rows]
    label = ", ".join(f"{name} {count(int(part.amount))}" for name, part in parts)
    return stacked([part for _, part in parts], f"Outcomes: {label}", height=22.0)


def bar(amount: float, whole: float, label: str, tone: str = "main") -> Markup:
    """One plain bar: how much of the whole."""
    return stacked([Part(tone, amount)], label, whole=whole, height=10.0)


def balance(earlier: int, this_run: int, target: int, full: int, label: str) -> Markup:
    """A class's accepted labels, those of earlier runs and of this one, against the target line.

    `full` is what the width stands for; a longer bar is cut there and ends in a point. The bar keeps to the middle
    and the line runs from top to bottom, so that the lines of stacked rows join, however tall a row grows.
    """
    accepted = earlier + this_run
    first = share(earlier, full) * 100
    first, second = _widths([first, share(accepted, full) * 100 - first])
    elements: list[svg.Element] = [_middle(0, 100, "track")]
    if first:
        elements.append(_middle(0, first, "tone-earlier"))
    if second:
        elements.append(_middle(first, second, "tone-main"))
    if accepted > full:
        head: list[svg.PathData] = [svg.M(-3, -7), svg.L(1, -7), svg.L(8, 0), svg.L(1, 7), svg.L(-3, 7), svg.Z()]
        point = svg.Path(d=head, class_=["head", "tone-main" if second else "tone-earlier"])
        elements.append(svg.SVG(xmlns=None, x=_pct(100), y=_pct(50), overflow="visible", elements=[point]))
    at = _pct(share(target, full) * 100)
    elements += [
        svg.Line(x1=at, x2=at, y1=0, y2=_pct(100), class_=["halo"]),
        svg.Line(x1=at, x2=at, y1=-1, y2=_pct(100), class_=["plumb"]),
    ]
    return _canvas(label, 34.0, elements)


def target_label(target: int, full: int) -> Markup:
    """The words that head the target line."""
    height, part = 20.0, share(target, full)
    anchor: Literal["start", "middle", "end"] = "middle"
    if not _ROOM < part < 1 - _ROOM:
        anchor = "start" if part <= _ROOM else "end"
    words = svg.Text(x=_pct(part * 100), y=14, text_anchor=anchor, class_=["target"], text=f"target {count(target)}")
    return _canvas(f"Target {count(target)}", height, [words])


def bob(target: int, full: int) -> Markup:
    """The weight that hangs from the target line."""
    shape: list[svg.PathData] = [svg.M(-4.5, 0), svg.L(4.5, 0), svg.L(4.5, 4), svg.L(0, 14), svg.L(-4.5, 4), svg.Z()]
    weight = svg.SVG(
        xmlns=None, x=_pct(share(target, full) * 100), overflow="visible", elements=[svg.Path(d=shape, class_=["bob"])]
    )
    return _canvas("The target", 16.0, [weight])


def interval(value: Interval, label: str) -> Markup:
    """A proportion as a dot with its interval as a whisker, on an axis from 0 to 100%."""
    middle, low, high = (share(end, 1) * 100 for end in (value.value, value.low, value.high))
    elements: list[svg.Element] = [
        _line(0, 100, "axis"),
        *(svg.Line(x1=_pct(x), x2=_pct(x), y1=6, y2=12, class_=["axis"]) for x in (0, 50, 100)),
        _line(min(low, high), max(low, high), "whisker"),
        svg.Circle(cx=_pct(middle), cy=9, r=4.5, class_=["dot"]),
    ]
    return _canvas(label, 18.0, elements)


def _widths(widths: Sequence[float]) -> list[float]:
    """Percentages (at most 100 together) with slivers widened enough to be seen.

    The room for it comes first from what is free and then from what the others have beyond a sliver's width.
    """
    added = sum(_SLIVER - width for width in widths if 0 < width < _SLIVER)
    beyond = sum(width - _SLIVER for width in widths if width > _SLIVER)
    short = max(0.0, added - (100.0 - sum(widths)))
    keep = max(0.0, 1.0 - short / beyond) if beyond else 1.0
    return [_SLIVER + max(0.0, width - _SLIVER) * keep if width > 0 else 0.0 for width in widths]


def _pct(value: float) -> svg.Length:
    return svg.Length(round(value, 2), "%")


def _rect(start: float, width: float, height: float, name: str) -> svg.Rect:
    return svg.Rect(x=_pct(start), y=0, width=_pct(width), height=height, rx=3, class_=[name])


def _middle(start: float, width: float, name: str) -> svg.Rect:
    rect = _rect(start, width, _BAR, name)
    rect.y, rect.transform = _pct(50), [svg.Translate(0, -_BAR / 2)]
    return rect


def _line(start: float, end: float, name: str) -> svg.Line:
    return svg.Line(x1=_pct(start), x2=_pct(end), y1=9, y2=9, class_=[name])


def _canvas(label: str, height: float, elements: list[svg.Element]) -> Markup:
    canvas = svg.SVG(
        xmlns=None,  # inline in HTML it needs none
        width=_pct(100),
        height=height,
        class_=["plot"],
        elements=elements,
        extra={"role": "img", "aria-label": str(escape(label))},
    )
    return Markup(str(canvas))  # noqa: S704 - numbers and fixed names only; the label is escaped above
