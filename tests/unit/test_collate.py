"""Collate: exactly one outcome for each ingested case, and figures that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.collate import collate
from plumbline.contracts.confidence import Calibration
from plumbline.contracts.errors import BrokenInvariant, NothingLabeled
from plumbline.contracts.labels import Outcome
from plumbline.contracts.prompts import NoneOfThese
from plumbline.contracts.replies import Reply, Usage
from plumbline.contracts.runs import CollateTask, RunRequest, ShardFailure
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_models, write_models
from plumbline.parse import parse
from plumbline.prompting import LoadedPrompt
from tests import builders as b
from tests.fakes import MemoryLedger, MemorySpend, MemoryStore


def run_collate(
    data: MemoryStore,
    cases: int,
    prompt: LoadedPrompt | None = None,
    run: RunRequest | None = None,
    held: float = 0.0,
    **ingest: object,
) -> tuple[dict[str, Outcome], RunSummary, MemoryLedger]:
    ledger, spend = MemoryLedger(), MemorySpend()
    spend.reserve("run-1", held, 1.0)
    task = CollateTask(run=run or b.run(), ingest=b.ingest_result(cases, **ingest))
    collate(task, data=data, ledger=ledger, spend=spend, prompt=prompt or b.prompt(), minutes_per_case=5)
    outcomes = {o.case_id: o for o in read_models(data, keys.outcomes("run-1"), Outcome)}
    return outcomes, RunSummary.model_validate_json(data.read(keys.summary("run-1"))), ledger


def shard(data: MemoryStore, name: str, answers: dict[str, str]) -> None:
    """A shard that went through Anonymize, Classify and Parse."""
    b.store_cases(data, *(b.case(case_id) for case_id in answers), shard=name)
    write_models(data, keys.replies("run-1", name), [b.reply(case_id, text) for case_id, text in answers.items()])
    parse(b.shard_task(shard=name), data=data, prompt=b.prompt())


def fail_shard(data: MemoryStore, name: str, error: str) -> None:
    data.write(keys.shard_failure("run-1", name), ShardFailure(shard=name, error=error).model_dump_json().encode())


def test_every_kind_of_end_has_its_outcome() -> None:
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry"), "B": "junk"})
    b.store_cases(data, b.case("C"), shard="00001")
    fail_shard(data, "00001", "ModelThrottled")
    b.store_index(
        data,
        b.index("A", gold_category="Billing Inquiry"),
        b.index("same", shard=None),
        b.index("B", gold_category="Software Defect"),
        b.index("C", shard="00001", gold_category="Weather"),
        b.index("D", shard="00002"),
    )
    outcomes, summary, ledger = run_collate(data, 5, new=4, unchanged=1, shards=3)

    assert {name: (o.outcome, o.reason) for name, o in outcomes.items()} == {
        "A": ("labeled", None),
        "same": ("unchanged", None),
        "B": ("dropped", "the reply names no category"),
        "C": ("failed", "ModelThrottled"),
        "D": ("failed", "ShardLost"),
    }
    assert sum(summary.outcomes.values()) == summary.ingest.cases == 5
    assert summary.outcome_reasons["failed: ModelThrottled"] == 1
    assert summary.accuracy is not None
    assert (summary.accuracy.accuracy.value, summary.accuracy.coverage.n, summary.accuracy.unknown_gold) == (1.0, 2, 1)
    assert (summary.model_calls, summary.usage.input_tokens) == (2, 2000)
    assert summary.cost.usd == 0.0  # local models are free, and known to be
    assert summary.cost.human_hours == pytest.approx(4 * 5 / 60)
    # Only what is labeled counts as known next time; the rest is tried again.
    assert set(ledger.hashes) == {("root_cause", "A")}


def test_reused_answers_are_no_spend() -> None:
    data = MemoryStore()
    b.store_cases(data, b.case("A"), b.case("B"))
    replies = [b.reply("A", b.answer("Software Defect")), b.reply("B", b.answer("Software Defect"), from_cache=True)]
    write_models(data, keys.replies("run-1", "00000"), replies)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    b.store_index(data, b.index("A"), b.index("B"))
    _, summary, _ = run_collate(data, 2)
    assert (summary.model_calls, summary.reused_calls, summary.usage.input_tokens) == (1, 1, 1000)


def test_a_shard_that_broke_off_while_re_asking_has_failed_and_not_been_dropped() -> None:
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry"), "B": "junk"})
    fail_shard(data, "00000", "ModelUnavailable")
    b.store_index(data, b.index("A"), b.index("B"))
    outcomes, _, _ = run_collate(data, 2)
    assert (outcomes["A"].outcome, outcomes["B"].outcome) == ("labeled", "failed")
    assert outcomes["B"].reason == "ModelUnavailable"


def test_an_error_of_an_earlier_round_is_no_outcome_of_a_case_that_was_asked_to_the_end() -> None:
    data = MemoryStore()
    b.store_cases(data, b.case("A"), b.case("B"))
    fail_shard(data, "00000", "ModelThrottled")  # in round 1; what follows is round 2
    said = [b.reply("A", b.answer("Billing Inquiry")), *(b.reply("B", "junk", attempt=n) for n in range(3))]
    write_models(data, keys.replies("run-1", "00000"), said)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    b.store_index(data, b.index("A"), b.index("B"))
    outcomes, summary, _ = run_collate(data, 2)
    assert (outcomes["A"].outcome, outcomes["B"].outcome) == ("labeled", "dropped")
    assert "failed: ModelThrottled" not in summary.outcome_reasons


def test_a_run_whose_every_new_case_failed_fails_with_the_reasons() -> None:
    data = MemoryStore()
    fail_shard(data, "00000", "ModelAccessDenied")
    b.store_index(data, b.index("A"), b.index("B"), b.index("old", shard=None))
    with pytest.raises(
        NothingLabeled,
        match=r"all 2 new cases failed: ModelAccessDenied \(2\).*enable access.*plumbline resume run-1",
    ):
        run_collate(data, 3, new=2, unchanged=1)
    assert data.exists(keys.summary("run-1"))  # the accounts are kept all the same


def test_a_case_that_ingest_counted_and_nobody_accounts_for_breaks_the_run() -> None:
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry")})
    b.store_index(data, b.index("A"))
    with pytest.raises(BrokenInvariant, match="2 cases were ingested but 1 have an outcome"):
        run_collate(data, 2)
    assert not data.exists(keys.outcomes("run-1"))


def test_a_label_for_a_case_that_was_not_ingested_breaks_the_run() -> None:
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry"), "stranger": b.answer("Billing Inquiry")})
    b.store_index(data, b.index("A"))
    with pytest.raises(BrokenInvariant, match="belong to no ingested case"):
        run_collate(data, 1)


def test_a_case_that_was_ingested_twice_breaks_the_run() -> None:
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry")})
    b.store_index(data, b.index("A"), b.index("A"))
    with pytest.raises(BrokenInvariant, match="came out of ingest twice"):
        run_collate(data, 2)


_answers = st.sampled_from([b.answer("Billing Inquiry"), b.answer("Software Defect"), "junk", "", "<category>x"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["ok", "failed", "lost", "unchanged"]), st.lists(_answers, max_size=4)), max_size=5
    )
)
def test_the_outcomes_always_sum_to_the_ingested_cases(shards: list[tuple[str, list[str]]]) -> None:
    data, lines = MemoryStore(), []
    for number, (fate, answers) in enumerate(shards):
        ids = {f"{number}-{position}": text for position, text in enumerate(answers)}
        lines += [b.index(case_id, shard=None if fate == "unchanged" else f"{number:05}") for case_id in ids]
        if fate == "ok":
            shard(data, f"{number:05}", ids)
        elif fate == "failed":
            fail_shard(data, f"{number:05}", "ModelThrottled")
    b.store_index(data, *lines)
    unchanged = sum(line.status == "unchanged" for line in lines)
    try:
        outcomes, summary, _ = run_collate(data, len(lines), new=len(lines) - unchanged, unchanged=unchanged)
    except NothingLabeled:
        return
    assert len(outcomes) == len(lines) == sum(summary.outcomes.values())
    assert sum(summary.classes.values()) == summary.outcomes["labeled"]


def calibrate(data: MemoryStore) -> None:
    """Clear answers are right nine times in ten, close calls four times in ten."""
    calibration = Calibration(
        task="root_cause",
        prompt=b.REF,
        model_id="local.test",
        fitted_at=b.NOW,
        cases=150,
        weights={"runner_up": -2.6},
        intercept=2.2,
        auroc=0.81,
        calibration_error=0.04,
        accuracy=wilson(120, 150),
    )
    key = keys.calibration("root_cause", b.REF.sha256, "local.test")
    data.write(key, calibration.model_dump_json().encode())


CLOSE = {"A": b.answer("Billing Inquiry"), "B": b.answer("Software Defect", runner_up="Customer Education")}


def test_a_label_more_likely_wrong_than_right_goes_to_a_person_with_the_models_proposal() -> None:
    data = MemoryStore()
    calibrate(data)
    shard(data, "00000", CLOSE)
    b.store_index(data, b.index("A", gold_category="Billing Inquiry"), b.index("B", gold_category="Software Defect"))
    outcomes, summary, ledger = run_collate(data, 2)
    assert (outcomes["A"].outcome, outcomes["A"].calibrated) == ("labeled", True)
    assert (outcomes["B"].outcome, outcomes["B"].reason) == ("needs_review", "low_confidence")
    assert (outcomes["B"].category, outcomes["B"].runner_up) == ("Software Defect", "Customer Education")
    assert outcomes["B"].confidence == pytest.approx(0.4, abs=0.01)
    # Nothing of it counts as labeled: not among the classes, not in the accuracy, not in the ledger.
    assert summary.classes == {"Billing Inquiry": 1, "Software Defect": 0, "Customer Education": 0}
    assert summary.accuracy is not None
    assert (summary.accuracy.accuracy.n, summary.accuracy.coverage.value) == (1, 0.5)
    assert set(ledger.hashes) == {("root_cause", "A")}
    block = summary.confidence
    assert block is not None
    assert (block.calibrated, block.uncalibrated, block.fitted_on, block.auroc) == (2, 0, 150, 0.81)
    assert block.unlikely == {"Software Defect": 1}


def test_without_a_calibration_no_label_is_sent_away_and_the_summary_says_that_none_is_calibrated() -> None:
    data = MemoryStore()
    shard(data, "00000", CLOSE | {"C": "<reasoning><category>Bill"})
    b.store_index(data, *(b.index(case_id) for case_id in "ABC"))
    outcomes, summary, _ = run_collate(data, 3)
    assert {o.outcome for o in outcomes.values()} == {"labeled"}
    assert summary.confidence is not None
    assert (summary.confidence.calibrated, summary.confidence.uncalibrated) == (0, 3)
    assert summary.confidence.auroc is None
    calibrate(data)  # fitted when the labels were written already: it says nothing of them
    again = run_collate(data, 3)[1].confidence
    assert again == summary.confidence


def test_a_case_that_fits_no_category_goes_to_a_person_and_is_no_label() -> None:
    loaded = b.prompt()
    none = NoneOfThese(name="None of these", description="Anything else.")
    loaded = LoadedPrompt(prompt=loaded.prompt.model_copy(update={"none_of_these": none}), ref=loaded.ref)
    data = MemoryStore()
    b.store_cases(data, b.case("A"), b.case("B"))
    answers = {"A": b.answer("Billing Inquiry"), "B": b.answer("none of these", runner_up="Customer Education")}
    write_models(data, keys.replies("run-1", "00000"), [b.reply(case_id, text) for case_id, text in answers.items()])
    parse(b.shard_task(), data=data, prompt=loaded)
    b.store_index(data, b.index("A"), b.index("B"))
    outcomes, summary, ledger = run_collate(data, 2, loaded)
    found = outcomes["B"]
    assert (found.outcome, found.reason, found.category) == ("needs_review", "fits_no_category", None)
    assert (found.runner_up, found.close_call) == ("Customer Education", False)
    assert "None of these" not in summary.classes
    assert set(ledger.hashes) == {("root_cause", "A")}


def test_gold_that_says_none_of_these_counts_against_a_label_and_is_no_misspelled_category() -> None:
    loaded = b.prompt()
    none = NoneOfThese(name="None of these", description="Anything else.")
    loaded = LoadedPrompt(prompt=loaded.prompt.model_copy(update={"none_of_these": none}), ref=loaded.ref)
    data = MemoryStore()
    shard(data, "00000", {"A": b.answer("Billing Inquiry"), "B": b.answer("Billing Inquiry")})
    gold = {"A": "Billing Inquiry", "B": "None of these"}
    b.store_index(data, *(b.index(case_id, gold_category=name) for case_id, name in gold.items()))
    _, summary, _ = run_collate(data, 2, loaded)
    assert summary.accuracy is not None
    assert (summary.accuracy.accuracy.value, summary.accuracy.unknown_gold) == (0.5, 0)
    assert summary.accuracy.confusion["None of these"]["Billing Inquiry"] == 1


def test_votes_are_spend_and_belong_to_labels() -> None:
    data = MemoryStore()
    shard(data, "00000", CLOSE | {"C": "junk"})
    b.store_index(data, *(b.index(case_id) for case_id in "ABC"))
    votes = [b.reply("B", b.answer("Software Defect"), sample=n, from_cache=n == 3) for n in (1, 2, 3)]
    write_models(data, keys.votes("run-1", "00000"), votes)
    _, summary, _ = run_collate(data, 3)
    assert (summary.model_calls, summary.reused_calls, summary.vote_calls) == (5, 1, 3)
    assert summary.usage.input_tokens == 5000
    assert summary.confidence is not None
    assert summary.confidence.voted == 1
    for stranger, said in (("Z", "belong to no ingested case"), ("C", "no label")):
        write_models(data, keys.votes("run-1", "00000"), [*votes, b.reply(stranger, "x", sample=1)])
        with pytest.raises(BrokenInvariant, match=said):
            run_collate(data, 3)


def refused(case_id: str) -> Reply:
    """What Classify writes of a case that the budget could not pay for."""
    return b.reply(case_id, "").model_copy(update={"error": "BudgetExceeded", "usage": Usage()})


def test_a_run_that_hits_its_cap_ends_with_what_it_has_and_the_rest_stays_new() -> None:
    data = MemoryStore()
    b.store_cases(data, b.case("A"), b.case("B"), b.case("C"))
    write_models(
        data, keys.replies("run-1", "00000"), [b.reply("A", b.answer("Software Defect")), refused("B"), refused("C")]
    )
    parse(b.shard_task(), data=data, prompt=b.prompt())
    b.store_index(
        data, b.index("A", gold_category="Software Defect"), b.index("B", gold_category="Billing Inquiry"), b.index("C")
    )
    outcomes, summary, ledger = run_collate(data, 3)
    assert [(o.outcome, o.reason) for o in outcomes.values()] == [
        ("labeled", None),
        ("dropped", "budget_reached"),
        ("dropped", "budget_reached"),
    ]
    assert summary.budget_reached == 2
    assert summary.model_calls == 1
    assert summary.cost.human_hours == pytest.approx(5 / 60)  # of the case that was decided
    assert summary.accuracy is not None
    assert summary.accuracy.coverage.n == 1  # a case that was never asked about says nothing of the model
    assert not [sample for sample in summary.samples if sample.kind == "dropped"]
    assert [case_id for _, case_id in ledger.hashes] == ["A"]


def test_a_cap_that_lets_nothing_through_is_no_failure_but_beside_it_every_other_case_may_have_failed() -> None:
    data = MemoryStore()
    b.store_cases(data, b.case("A"))
    write_models(data, keys.replies("run-1", "00000"), [refused("A")])
    parse(b.shard_task(), data=data, prompt=b.prompt())
    b.store_index(data, b.index("A"))
    _, summary, _ = run_collate(data, 1)
    assert (summary.outcomes["dropped"], summary.outcomes["labeled"]) == (1, 0)

    b.store_cases(data, b.case("B"), shard="00001")
    fail_shard(data, "00001", "ModelAccessDenied")
    b.store_index(data, b.index("A"), b.index("B", shard="00001"))
    with pytest.raises(NothingLabeled, match="all 1 new cases failed"):
        run_collate(data, 2, shards=2)


def test_batch_replies_cost_half_and_what_may_have_been_spent_besides_is_said() -> None:
    data = MemoryStore()
    b.store_cases(data, *(b.case(case_id) for case_id in "ABC"))
    tokens = Usage(input_tokens=1_000_000)
    answers = [b.reply(case_id, b.answer("Software Defect")).model_copy(update={"usage": tokens}) for case_id in "ABC"]
    answers[1] = answers[1].model_copy(update={"batch": True})
    answers[2] = answers[2].model_copy(update={"batch": True, "from_cache": True})
    write_models(data, keys.replies("run-1", "00000"), answers)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    b.store_index(data, *(b.index(case_id) for case_id in "ABC"))
    _, summary, _ = run_collate(data, 3, run=b.run(model_id="us.anthropic.claude-haiku-4-5"), held=0.25)
    assert summary.cost.usd == pytest.approx(1.0 + 0.5)
    assert summary.cost.saved_by_reuse_usd == pytest.approx(0.5)
    assert summary.cost.perhaps_spent_usd == pytest.approx(0.25)
    assert (summary.model_calls, summary.batch_calls) == (2, 1)
    assert (summary.usage.input_tokens, summary.batch_usage.input_tokens) == (2_000_000, 1_000_000)
