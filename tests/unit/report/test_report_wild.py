"""Whatever a valid summary holds, the report renders: well-formed, encodable, without one tag of its own making."""

from datetime import UTC, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.contracts.runs import BalanceResult, IngestResult
from plumbline.contracts.summary import RunSummary, Sample
from plumbline.report import render
from tests.unit.report.html_page import Page

ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
moments = st.datetimes(timezones=ZONES)
names = st.text(max_size=90)
numbers = st.one_of(st.integers(0, 60), st.integers(-5, 10**15))
counts = st.dictionaries(names, numbers, max_size=6)
balances = st.builds(
    BalanceResult, missing=counts, more_cases_needed=st.dictionaries(names, st.none() | numbers, max_size=6)
)
anything = st.builds(
    RunSummary,
    started_at=moments,
    finished_at=moments,
    ingest=st.builds(IngestResult, cases=numbers, new=numbers, rejected=numbers, reject_reasons=counts),
    outcome_reasons=counts,
    balance=st.none() | balances,
    accuracy=st.none() | st.builds(AccuracyBlock),
    training_job=st.none() | names,
    training_error=st.none() | names,
    samples=st.lists(st.builds(Sample), max_size=8).map(tuple),
)


@given(anything)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_summary_renders(summary: RunSummary) -> None:
    html = render(summary)
    html.encode("utf-8")
    page = Page(html)
    assert {"run", "funnel", "balance", "cost", "quality", "samples", "next"} <= page.sections.keys()
    assert "script" not in page.tags
