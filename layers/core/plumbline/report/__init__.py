"""Report: one self-contained HTML page per run, rendered from `RunSummary` alone.

No network, no script. Nothing is computed here but wording, shares of a whole and sizes of shapes.
"""

from plumbline.contracts.summary import RunSummary


def render(summary: RunSummary) -> str:
    """The run's report as one HTML document, to be stored as UTF-8.

    Every string of the summary is escaped: case text is hostile input. Raises nothing for a valid summary.
    """
    from plumbline.report.page import render_page  # noqa: PLC0415 - Jinja2 and svg.py cost 0.2 s; only a render pays

    return render_page(summary)
