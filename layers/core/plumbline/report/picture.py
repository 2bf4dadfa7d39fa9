"""An SVG file of its own: what every such picture has.

The colours are those of report.css, light and dark. Lengths are pixels; the picture scales as a whole. svg.py escapes
nothing: every text that reaches an element has to come through `safe`.
"""

from collections.abc import Sequence

import svg
from markupsafe import escape

TITLE_LEFT, _TITLE_FOOT = 20, 30
_NOTE_ABOVE = 12  # of the note's foot, above the picture's
_STYLE = """
svg {{ --paper: #fffefb; --ink: #1a232e; --muted: #55606d; --rule: #dcd8cd; --main: #0b5a9c; --other: #b9480f;
  font: {size}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial,
    sans-serif; }}
@media (prefers-color-scheme: dark) {{
  svg {{ --paper: #171e26; --ink: #e8ecf1; --muted: #a1adba; --rule: #2b3541; --main: #62b2f2; --other: #ff8f63; }}
}}
.paper {{ fill: var(--paper); }} .title {{ fill: var(--ink); font-size: 16px; font-weight: 600; }}
.muted {{ fill: var(--muted); font-size: 12px; }} .grid {{ stroke: var(--rule); stroke-width: 1; }}
.dot {{ fill: var(--main); stroke: var(--paper); stroke-width: 1.5; }}
"""


def picture(
    width: float,
    height: float,
    elements: Sequence[svg.Element],
    *,
    title: str,
    note: str,
    label: str,
    style: str = "",
    font_size: int = 14,
) -> str:
    """The SVG document: paper, title on top, the elements, the note at the foot. `label` is for screen readers.

    `style` is CSS for the classes of the elements; paper, title, muted, grid and dot are there. Texts may be any.
    """
    canvas = svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, width, height),
        width=width,
        height=height,
        elements=[
            svg.Style(text=_STYLE.format(size=font_size) + style),
            svg.Rect(width=width, height=height, class_=["paper"]),
            svg.Text(x=TITLE_LEFT, y=_TITLE_FOOT, class_=["title"], text=safe(title)),
            *elements,
            svg.Text(x=TITLE_LEFT, y=height - _NOTE_ABOVE, class_=["muted"], text=safe(note)),
        ],
        extra={"role": "img", "aria-label": safe(f"{title}. {label}")},
    )
    return f"{canvas}\n"


def safe(text: str) -> str:
    """The text as it can stand in an element or an attribute."""
    return str(escape(text))
