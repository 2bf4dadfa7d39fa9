"""A run whose budget ends midway, through the shipped state machine."""

from collections import Counter

import pytest

from plumbline.contracts.labels import Outcome
from tests.statemachine.pipeline import Pipeline, Row, Run, csv_file, until

CASES = 18
# Read at the third ask only, so that a case costs some three times what Ingest takes it to cost.
DEAR = ({"do": "junk", "attempt": 0}, {"do": "junk", "attempt": 1})
ASKS = 3


def spent(run: Run) -> tuple[float, float]:
    """What the run's row in the ledger says: USD spent, and USD still set aside."""
    [item] = [i for i in run.pipeline.table("LedgerTable") if i["pk"]["S"] == f"spend#{run.run_id}"]
    committed, settled = (int(item[name]["N"]) / 1e6 for name in ("committed", "spent"))
    return settled, committed - settled


def reasons(run: Run) -> Counter[tuple[str, str | None]]:
    def of(outcome: Outcome) -> tuple[str, str | None]:
        return outcome.outcome, outcome.reason

    return Counter(map(of, run.outcomes.values()))


def test_a_run_that_hits_its_cap_ends_in_order_and_the_next_one_labels_the_rest_and_pays_nothing_twice(
    pipeline: Pipeline,
) -> None:
    pipeline.script(*DEAR)
    pilot = pipeline.run(csv_file([Row("cap-pilot")]), "cap-pilot.csv").check_succeeded().summary
    estimate, cost = pilot.ingest.estimated_usd, pilot.cost.usd
    assert estimate
    assert cost
    budget = 1.05 * CASES * estimate  # Ingest takes it to be enough
    assert budget < 0.8 * CASES * cost

    before = pipeline.calls
    body = csv_file([Row(f"cap-{n}") for n in range(CASES)])
    # One shard after the other: all at once could spend the whole budget on first asks, which label nothing here.
    with (
        pipeline.environment("StartRunFunction", MAP_CONCURRENCY="1"),
        pipeline.environment("IngestFunction", CASES_PER_SHARD="3"),
    ):
        run = pipeline.run(body, "cap.csv", budget_usd=f"{budget:.6f}").check_succeeded()
    summary, found = run.summary, reasons(run)
    assert set(found) == {("labeled", None), ("dropped", "budget_reached")}
    assert found["labeled", None] >= 3
    assert found["dropped", "budget_reached"] == summary.budget_reached >= 3
    settled, set_aside = spent(run)
    assert summary.cost.usd == pytest.approx(settled, abs=1e-6 * CASES * ASKS)  # rounded up to micro-dollars
    assert settled <= budget
    assert set_aside == summary.cost.perhaps_spent_usd == 0
    calls = pipeline.calls
    assert calls.answered - before.answered == summary.model_calls < CASES * ASKS  # nothing else was asked
    assert "used up" in run.pipeline.read(str(run.row.report_key)).decode()

    again = pipeline.run(body, "cap.csv", budget_usd="50").check_succeeded()
    assert again.summary.ingest.unchanged == found["labeled", None]
    assert reasons(again) == {("labeled", None): summary.budget_reached, ("unchanged", None): found["labeled", None]}
    assert summary.model_calls + again.summary.model_calls == CASES * ASKS
    calls = pipeline.calls
    assert calls.answered - before.answered == CASES * ASKS
    assert calls.repeated == before.repeated


def test_votes_end_at_the_cap_and_the_labels_stay(pipeline: Pipeline) -> None:
    rows = [Row(f"cap-vote-{n}") for n in range(4)]
    # A first ask sets aside some $0.02 and costs a fifth of that: there is room for all of them and for few votes.
    run = pipeline.run(csv_file(rows), "cap-votes.csv", budget_usd="0.2", vote_samples="20", vote_below="1")
    summary = run.check_succeeded().summary
    assert summary.outcomes["labeled"] == len(rows)
    assert 0 < summary.vote_calls < 20 * len(rows)
    assert summary.cost.usd is not None
    assert summary.cost.usd <= 0.2


def test_a_killed_worker_leaves_its_calls_counted_as_perhaps_paid_and_its_shard_is_labeled(pipeline: Pipeline) -> None:
    pipeline.script({"do": "answer", "contains": "anvil", "seconds": 25.0})
    with pipeline.environment("ClassifyFunction", LOCK_SECONDS="0.2"):
        stored = pipeline.stored_replies()
        rows = [Row("cap-killed-0"), *(Row(f"cap-killed-{n}", says="anvil") for n in range(1, 4))]
        run_id, _ = pipeline.put(csv_file(rows), "cap-killed.csv", budget_usd="5")
        until(lambda: pipeline.stored_replies() == stored + 1, "the answer that comes at once")
        until(lambda: _set_aside(pipeline, run_id, 3), "three calls under way")
        assert pipeline.kill("ClassifyFunction") == 1
        pipeline.script()
        run = pipeline.ended(run_id).check_succeeded()
    assert run.summary.outcomes["labeled"] == len(rows)
    settled, set_aside = spent(run)
    assert 0 < set_aside < 0.2
    assert run.summary.cost.perhaps_spent_usd == pytest.approx(set_aside)
    assert run.summary.cost.usd == pytest.approx(settled, abs=1e-4)
    assert "Perhaps spent besides" in run.pipeline.read(str(run.row.report_key)).decode()


def _set_aside(pipeline: Pipeline, run_id: str, calls: int) -> bool:
    found = [i for i in pipeline.table("LedgerTable") if i["pk"]["S"] == f"spend#{run_id}"]
    return bool(found) and int(found[0]["committed"]["N"]) - int(found[0]["spent"]["N"]) > calls * 10_000
