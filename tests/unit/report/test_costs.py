"""The estimate against the cost, cache, road and batch, in words."""

import pytest

from plumbline.contracts.batch_summary import BatchSummary
from plumbline.contracts.replies import Usage
from plumbline.contracts.summary import RunSummary
from plumbline.report.costs import batch_note, cache_note, estimate_note, road_name
from plumbline.report.facts import cost_facts, run_facts
from tests.unit.report import summaries


def of(estimate: float | None, usd: float | None, reuse: float = 0.0, **changes: object) -> RunSummary:
    base = summaries.summary_of()
    return base.model_copy(
        update={
            "ingest": base.ingest.model_copy(update={"estimated_usd": estimate}),
            "cost": base.cost.model_copy(update={"usd": usd, "saved_by_reuse_usd": reuse}),
            "reused_calls": int(reuse > 0),
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("estimate", "usd", "reuse", "said"),
    [
        (1.04, 1.0, 0.0, "4.0% above what the calls cost"),
        (0.97, 1.0, 0.0, "3.0% below what the calls cost"),
        (1.0, 1.0, 0.0, "as much as the calls cost"),
        (1.0, 0.5, 0.5, "as much as the calls cost, reused replies at what they cost"),
        (None, 1.0, 0.0, ""),
        (0.0, 0.0, 0.0, ""),  # a stand-in costs nothing
        (1.0, None, 0.0, ""),
    ],
)
def test_the_estimate_is_held_against_the_cost(
    estimate: float | None, usd: float | None, reuse: float, said: str
) -> None:
    assert estimate_note(of(estimate, usd, reuse)) == said


@pytest.mark.parametrize("reason", ["left_for_later", "budget_reached"])
def test_a_run_that_left_cases_out_has_no_error_of_its_estimate(reason: str) -> None:
    assert estimate_note(of(1.0, 0.5, outcome_reasons={f"dropped: {reason}": 3})) == ""


def test_what_the_cache_read_and_saved() -> None:
    usage = Usage(input_tokens=600, cache_read_tokens=1300, cache_write_tokens=100)
    found = of(1.0, 1.0, usage=usage)
    found = found.model_copy(update={"cost": found.cost.model_copy(update={"saved_by_cache_usd": 0.25})})
    assert cache_note(found) == ("$0.25", "65.0% of the input tokens were read from it, 100 written to it")
    assert ("Saved by the prompt cache", "$0.25") in [(fact.term, fact.value) for fact in cost_facts(found)]
    assert cache_note(of(1.0, 1.0, usage=Usage(input_tokens=600))) == ("", "")


def test_what_became_of_a_batch() -> None:
    batch = BatchSummary(
        jobs={"Completed": 1, "PartiallyCompleted": 1}, records=9400, answered=9380, errors={"ThrottlingException": 15},
        missing=5,
    )  # fmt: skip
    base = summaries.summary_of()
    ingest = base.ingest.model_copy(update={"road": "batch", "road_reason": "mode batch was asked for"})
    found = base.model_copy(update={"batch": batch, "ingest": ingest})
    assert road_name(found) == "Batch"
    assert batch_note(found) == (
        "2 jobs (1 completed, 1 partially completed); 9,380 of 9,400 records answered; 20 asked again on demand "
        "(15 with error ThrottlingException, 5 without an answer)"
    )
    reason = "12 records are fewer than the 100 of the service"
    refused = base.model_copy(update={"batch_reason": reason, "ingest": ingest})
    assert road_name(refused) == "On demand"
    assert batch_note(refused) == "12 records are fewer than the 100 of the service"
    assert ("Model asked", "Batch", batch_note(found)) in [(f.term, f.value, f.note) for f in run_facts(found)]
