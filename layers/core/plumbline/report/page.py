"""The page: the view of a summary put into the template."""

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from plumbline.contracts.summary import RunSummary
from plumbline.report import plots, words
from plumbline.report.view import view_of

# Characters that HTML forbids; a case's text may hold any of them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def render_page(summary: RunSummary) -> str:
    """The report as one HTML document."""
    return clean_page(template("report.html.j2").render(view=view_of(summary)))


@lru_cache(maxsize=2)
def template(name: str) -> Template:
    """A page's template: everything is escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=words.count, money=words.money, percent=words.percent, span=words.interval_span, marked=words.marked
    )
    environment.globals.update(plots=plots, plural=words.plural)
    return environment.get_template(name)


def clean_page(page: str) -> str:
    """The page without characters that HTML forbids."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", page)
