"""How far a run is, from what can be seen of it."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.progress import Execution, LabelFacts, Observed, ReplyFacts, Stage, progress_of
from plumbline.contracts.labels import Label, Lineage, Unparsed
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import RunRow, ShardEntry
from tests import builders as b


def execution(status: str = "RUNNING", error: str = "", cause: str = "") -> Execution:
    return Execution(status=status, run=b.run(max_repairs=2), error=error, cause=cause)


def row(status: str, **changes: str) -> RunRow:
    return RunRow.model_validate(
        {"run_id": "run-1", "task": "root_cause", "status": status, "source": "incoming/a.csv", "started_at": b.NOW}
        | changes
    )


def facts(labeled: int, repaired: int = 0) -> LabelFacts:
    return LabelFacts(labeled=labeled, repaired=repaired, classes={"Billing Inquiry": labeled})


def unparsed(attempt: int, *, final: bool = False) -> Unparsed:
    return Unparsed(case_id="c", attempt=attempt, reason="no category", final=final)


def two_shards(**changes: object) -> Observed:
    entries = (ShardEntry(shard="0", cases=50), ShardEntry(shard="1", cases=7))
    return Observed(**{"execution": execution(), "shards": entries, **changes})  # type: ignore[arg-type]


def test_before_anything_is_there_the_run_is_starting() -> None:
    assert progress_of(Observed()).stage is Stage.START
    assert progress_of(Observed(row=row("RUNNING"))).stage is Stage.START


def test_an_execution_without_shards_is_ingesting() -> None:
    assert progress_of(Observed(execution=execution())).stage is Stage.INGEST


def test_a_case_that_the_budget_could_not_pay_for_is_dropped_and_has_not_failed() -> None:
    unpaid = Unparsed(case_id="c", attempt=0, reason="BudgetExceeded", final=True)
    progress = progress_of(two_shards(unparsed={"0": (unpaid, unparsed(0, final=True))}, labels={"0": facts(3)}))
    assert (progress.dropped, progress.failed) == (1, 1)


def test_a_shard_is_done_only_when_nothing_in_it_waits_for_another_ask() -> None:
    seen = two_shards(
        anonymized=frozenset("01"),
        classified=frozenset("01"),
        parsed=frozenset("01"),
        labels={"0": facts(48), "1": facts(7, repaired=2)},
        unparsed={"0": (unparsed(0), unparsed(1)), "1": ()},
    )
    progress = progress_of(seen)
    assert (progress.stage, progress.shards_done, progress.shards) == (Stage.LABEL, 1, 2)
    assert (progress.labeled, progress.repaired, progress.asking_again) == (55, 2, 2)
    assert progress.classes == {"Billing Inquiry": 55}


def test_after_the_last_ask_unread_replies_are_dropped_and_refused_cases_failed() -> None:
    seen = two_shards(
        parsed=frozenset("01"),
        labels={"0": facts(48), "1": facts(7)},
        unparsed={"0": (unparsed(2), unparsed(0, final=True)), "1": ()},
    )
    progress = progress_of(seen)
    assert (progress.dropped, progress.failed, progress.asking_again) == (1, 1, 0)
    assert progress.stage is Stage.COLLATE


def test_a_broken_shards_cases_without_an_answer_have_failed_and_the_others_may_still_be_asked_again() -> None:
    seen = two_shards(
        parsed=frozenset("0"), broken=frozenset("01"), labels={"0": facts(40)}, unparsed={"0": (unparsed(1),) * 10}
    )
    progress = progress_of(seen)
    assert (progress.labeled, progress.failed, progress.asking_again, progress.shards_done) == (40, 7, 10, 1)
    done = replace(seen, unparsed={"0": (unparsed(2),) * 10})
    progress = progress_of(done)
    assert (progress.labeled, progress.failed, progress.dropped, progress.shards_done) == (40, 7, 10, 2)


def test_a_shard_whose_unparsed_cases_are_not_read_yet_is_not_called_done() -> None:
    progress = progress_of(two_shards(parsed=frozenset("01"), labels={"0": facts(50)}, unparsed={"0": ()}))
    assert progress.shards_done == 1
    assert progress.partial


def test_a_file_with_nothing_new_goes_straight_to_the_accounts() -> None:
    assert progress_of(Observed(execution=execution(), shards=())).stage is Stage.COLLATE
    assert progress_of(Observed(execution=execution(), shards=(), has_summary=True)).stage is Stage.BALANCE


def test_cost_counts_paid_replies_at_the_run_s_model_price() -> None:
    run = b.run(model_id="us.anthropic.claude-haiku-4-5-20251001-v1:0")
    paid = ReplyFacts(paid=Usage(input_tokens=1_000_000, output_tokens=100_000), reused=3)
    progress = progress_of(two_shards(execution=Execution("RUNNING", run), replies={"0": paid}))
    assert progress.usd == pytest.approx(1.5)
    assert progress.reused == 3
    unpriced = Execution("RUNNING", b.run(model_id="vendor.unheard-of"))
    assert progress_of(two_shards(execution=unpriced, replies={"0": paid})).usd is None


def test_votes_are_paid_for_too_and_what_is_not_read_of_them_makes_the_cost_partial() -> None:
    run = b.run(model_id="us.anthropic.claude-haiku-4-5-20251001-v1:0")
    facts = ReplyFacts(paid=Usage(input_tokens=1_000_000), reused=1)
    seen = {"execution": Execution("RUNNING", run), "replies": {"0": facts}, "voted": frozenset("01")}
    progress = progress_of(two_shards(**seen, votes={"0": facts, "1": facts}))
    assert progress.usd == pytest.approx(2.0 + 1.0)
    assert (progress.reused, progress.partial) == (3, False)
    assert progress_of(two_shards(**seen, votes={"0": facts})).partial


def test_facts_are_counted_from_labels_and_replies() -> None:
    lineage = Lineage(prompt=b.REF, model_id="m", run_id="r")
    labels = [
        Label(case_id="1", category="A", confidence=1, lineage=lineage),
        Label(case_id="2", category="B", confidence=1, lineage=lineage, repairs=("label alias",)),
    ]
    assert LabelFacts.of(labels) == LabelFacts(2, 1, Counter(A=1, B=1))
    replies = [b.reply("1", "x"), b.reply("2", "x", from_cache=True), b.reply("3", "", error="ModelRequestRejected")]
    assert ReplyFacts.of(replies) == ReplyFacts(Usage(input_tokens=1000, output_tokens=100), 1)


@pytest.mark.parametrize(
    ("seen", "state", "error", "cause"),
    [
        (Observed(execution=execution("SUCCEEDED")), "SUCCEEDED", "", ""),
        (
            Observed(execution=execution("FAILED"), row=row("FAILED", error="BudgetExceeded", cause="too dear")),
            "FAILED",
            "BudgetExceeded",
            "too dear",
        ),
        (Observed(execution=execution("FAILED", error="RunFailed", cause="why")), "FAILED", "RunFailed", "why"),
        (Observed(row=row("FAILED", error="InvalidPrompt", cause="no v9")), "FAILED", "InvalidPrompt", "no v9"),
        # RecordFailure never ran: the row still says RUNNING, and only the execution knows better.
        (Observed(execution=execution("FAILED", error="E", cause="c"), row=row("RUNNING")), "FAILED", "E", "c"),
        (Observed(row=row("SUCCEEDED")), "SUCCEEDED", "", ""),
        (Observed(execution=execution("PENDING_REDRIVE")), "RUNNING", "", ""),
    ],
)
def test_how_a_run_ended_and_why(seen: Observed, state: str, error: str, cause: str) -> None:
    progress = progress_of(seen)
    assert (progress.state, progress.error, progress.cause) == (state, error, cause)


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_a_run_cut_off_is_stopped_although_its_row_says_running(status: str) -> None:
    progress = progress_of(Observed(execution=execution(status), row=row("RUNNING")))
    assert (progress.state, progress.error) == ("STOPPED", status)
    assert progress.cause


def test_a_failed_run_keeps_the_stage_at_which_it_failed() -> None:
    assert progress_of(Observed(execution=execution("FAILED"))).stage is Stage.INGEST
    assert progress_of(two_shards(execution=execution("FAILED"))).stage is Stage.LABEL


@given(
    cases=st.integers(1, 50),
    labeled=st.integers(0, 50),
    attempts=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=50),
    broken=st.booleans(),
)
def test_no_case_of_a_shard_is_counted_twice(
    cases: int, labeled: int, attempts: list[tuple[int, bool]], broken: bool
) -> None:
    labeled = min(labeled, cases)
    rest = tuple(unparsed(attempt, final=final) for attempt, final in attempts[: cases - labeled])
    seen = Observed(
        execution=execution(),
        shards=(ShardEntry(shard="0", cases=cases),),
        parsed=frozenset("0"),
        broken=frozenset("0") if broken else frozenset(),
        labels={"0": facts(labeled)},
        unparsed={"0": rest},
    )
    progress = progress_of(seen)
    accounted = progress.labeled + progress.asking_again + progress.dropped + progress.failed
    assert accounted == (cases if broken else labeled + len(rest))
    assert (progress.shards_done == 1) == (not progress.asking_again)
