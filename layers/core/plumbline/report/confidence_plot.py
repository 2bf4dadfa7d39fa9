"""What a calibration is worth, as an SVG file of its own: said against seen, and what review catches."""

from collections.abc import Sequence

import svg

from plumbline.contracts.confidence import Bin, Calibration, Figures, ReviewPoint
from plumbline.report.picture import picture
from plumbline.report.words import percent

_WIDTH, _HEIGHT, _SIDE = 760, 440, 270
_LEFTS, _TOP = (70, 450), 84
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_DOT, _MOST_DOT = 3.0, 11.0
_STYLE = """
.head { fill: var(--ink); font-weight: 600; }
.even { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 4 4; }
.caught { fill: none; stroke: var(--main); stroke-width: 2.5; }
.kept { fill: none; stroke: var(--other); stroke-width: 2.5; }
.caught-word { fill: var(--main); font-size: 12px; } .kept-word { fill: var(--other); font-size: 12px; }
"""


def confidence_plot(calibration: Calibration, figures: Figures) -> str:
    """The SVG document: the reliability of the confidences on the left, review on the right."""
    title = f"Confidence of {calibration.prompt.task} {calibration.prompt.version}, {calibration.model_id}"
    auroc = "unknown" if figures.auroc is None else f"{figures.auroc:.2f}"
    note = (
        f"{calibration.cases} labels with gold, each judged by a fit without it; AUROC of errors {auroc}, "
        f"calibration error {percent(figures.calibration_error)}"
    )
    elements = [
        *_frame(0, "Said and seen", "confidence", "right", dashed="said is seen"),
        *_reliability(figures.bins),
        *_frame(1, "What review catches", "labels sent to people", "", dashed="chance"),
        *_review(figures.review),
    ]
    return picture(_WIDTH, _HEIGHT, elements, title=title, note=note, label=note, style=_STYLE, font_size=13)


def _frame(panel: int, head: str, along: str, up: str, *, dashed: str) -> list[svg.Element]:
    left, foot = _LEFTS[panel], _TOP + _SIDE
    key = f"dashed: {dashed}"
    elements: list[svg.Element] = [
        svg.Text(x=left, y=_TOP - 28, class_=["head"], text=head),
        svg.Text(x=left + _SIDE, y=_TOP - 28, text_anchor="end", class_=["muted"], text=key),
    ]
    for tick in _TICKS:
        x, y = _x(panel, tick), _y(tick)
        elements += [
            svg.Line(x1=x, x2=x, y1=_TOP, y2=foot, class_=["grid"]),
            svg.Line(x1=left, x2=left + _SIDE, y1=y, y2=y, class_=["grid"]),
            svg.Text(x=x, y=foot + 17, text_anchor="middle", class_=["muted"], text=f"{tick:.0%}"),
            svg.Text(x=left - 8, y=y + 4, text_anchor="end", class_=["muted"], text=f"{tick:.0%}"),
        ]
    elements.append(svg.Text(x=left + _SIDE / 2, y=foot + 36, text_anchor="middle", class_=["muted"], text=along))
    if up:
        elements.append(svg.Text(x=left + 6, y=_TOP + 14, class_=["muted"], text=up))
    return elements


def _reliability(bins: Sequence[Bin]) -> list[svg.Element]:
    """A dot a bin, the larger the more labels; on the dashed line what is said is what is seen."""
    most = max((one.cases for one in bins), default=1)
    dots: list[svg.Element] = [
        svg.Circle(
            cx=_x(0, one.confidence),
            cy=_y(one.accuracy),
            r=round(max(_LEAST_DOT, _MOST_DOT * (one.cases / most) ** 0.5), 2),
            class_=["dot"],
        )
        for one in bins
    ]
    return [svg.Line(x1=_x(0, 0), y1=_y(0), x2=_x(0, 1), y2=_y(1), class_=["even"]), *dots]


def _review(points: Sequence[ReviewPoint]) -> list[svg.Element]:
    caught = [(point.reviewed, point.errors_caught) for point in points]
    kept = [(point.reviewed, point.accuracy) for point in points if point.accuracy is not None]
    elements: list[svg.Element] = [svg.Line(x1=_x(1, 0), y1=_y(0), x2=_x(1, 1), y2=_y(1), class_=["even"])]
    for name, word, line in (("caught", "errors caught", caught), ("kept", "accuracy of the rest", kept)):
        path: list[svg.PathData] = [(svg.L if i else svg.M)(_x(1, x), _y(y)) for i, (x, y) in enumerate(line)]
        elements.append(svg.Path(d=path, class_=[name]))
        at = _LEFTS[1] + (0 if name == "caught" else 110)
        elements.append(svg.Text(x=at, y=_TOP - 9, class_=[f"{name}-word"], text=word))
    return elements


def _x(panel: int, share: float) -> float:
    return round(_LEFTS[panel] + share * _SIDE, 2)


def _y(share: float) -> float:
    return round(_TOP + (1 - share) * _SIDE, 2)
