"""The batch road through the shipped state machine and the stand-in's jobs, whatever becomes of them."""

from typing import Any

import pytest

from plumbline import keys
from plumbline.contracts.batch import BatchSubmission
from plumbline.contracts.batch_summary import JobStatus
from tests.statemachine.pipeline import Pipeline, Row, Run, csv_file

BEGINS = [
    "WhereToStart",
    "Ingest",
    "AnyNewCases",
    "MaskForBatch",
    "LabelShards",
    "MoreToChoose",
    "SubmitBatch",
    "AnyJob",
]
ENDS = ["LabelAnswered", "LabelShards", "MoreToChoose", "Collate", "CheckBalance", "IsBalanced", "NoTraining"]


def _rows(name: str, count: int) -> list[Row]:
    return [Row(f"{name}-{number}") for number in range(count)]


def _run(pipeline: Pipeline, rows: list[Row], name: str, **options: str) -> tuple[Run, dict[str, int]]:
    """The run, well ended, every case labeled, and how many calls it took on each road; none of them twice."""
    before = pipeline.calls
    run = pipeline.run(csv_file(rows), name, **({"mode": "batch"} | options)).check_succeeded()
    after = pipeline.calls
    assert after.repeated == before.repeated, "a case that was answered was asked again"
    assert {case_id for case_id, outcome in run.outcomes.items() if outcome.outcome == "labeled"} == {
        row.case_id for row in rows
    }
    on_demand, batch = after.answered - before.answered, after.batch_answered - before.batch_answered
    assert run.summary.model_calls == len(rows)
    return run, {"on_demand": on_demand, "batch": batch}


def _submission(run: Run) -> BatchSubmission:
    return BatchSubmission.model_validate_json(run.pipeline.read(keys.batch(run.run_id)))


def test_a_run_in_two_jobs_calls_nobody_else_and_the_same_cases_again_need_no_job(pipeline: Pipeline) -> None:
    rows = _rows("batch-happy", 12)
    run, calls = _run(pipeline, rows, "batch-happy.csv")
    assert calls == {"on_demand": 0, "batch": 12}
    states = run.states()
    assert states[:8] == BEGINS
    assert states[8:11] == ["FirstCheck", "CheckBatch", "BatchEnded"]
    assert states[-9:-2] == ENDS
    summary = run.summary
    assert summary.ingest.road == "batch"
    assert summary.batch is not None
    assert (summary.batch.jobs, summary.batch.records, summary.batch.answered) == ({"Completed": 2}, 12, 12)
    assert [job.records for job in _submission(run).jobs] == [6, 6]
    assert summary.batch_calls == 12
    # Through another road than the first: the stored replies answer, and there is nothing to submit.
    again = pipeline.run(csv_file(rows), "batch-happy.csv", mode="batch", force="true").check_succeeded()
    assert "CheckBatch" not in again.states()
    assert (again.summary.model_calls, again.summary.reused_calls) == (0, 12)
    assert "answer already" in str(again.summary.batch_reason)


@pytest.mark.parametrize(
    ("ends", "answered"), [("Failed", 0), ("Stopped", 3), ("PartiallyCompleted", 3), ("Expired", 0)]
)
def test_whatever_ends_a_job_its_answers_count_and_the_rest_is_asked_on_demand(
    pipeline: Pipeline, ends: JobStatus, answered: int
) -> None:
    pipeline.faults({"ends": ends, "after": 0.5})
    run, calls = _run(pipeline, _rows(f"batch-{ends}", 6), f"batch-{ends}.csv")
    batch = run.summary.batch
    assert batch is not None
    assert batch.jobs == {ends: 1}
    assert batch.records == batch.answered + sum(batch.errors.values()) + batch.missing == 6
    # Every answer that the job wrote is used, and what it did not write is asked for.
    assert calls["on_demand"] == 6 - batch.answered
    assert batch.answered >= min(answered, calls["batch"]) or ends == "Failed"


def test_errors_missing_and_doubled_lines_strangers_and_another_order_lose_and_double_nothing(
    pipeline: Pipeline,
) -> None:
    faults: dict[str, Any] = {"errors": 0.3, "missing": 0.3, "repeated": 0.5, "strangers": 0.5, "reordered": True}
    pipeline.faults(faults, seed=4)
    run, calls = _run(pipeline, _rows("batch-messy", 12), "batch-messy.csv")
    batch = run.summary.batch
    assert batch is not None
    assert batch.records == batch.answered + sum(batch.errors.values()) + batch.missing == 12
    assert batch.errors
    assert batch.missing
    assert batch.repeated
    assert batch.strangers
    assert calls == {"on_demand": 12 - batch.answered, "batch": batch.answered}


def test_too_few_cases_for_a_job_are_asked_on_demand_with_the_reason(pipeline: Pipeline) -> None:
    run, calls = _run(pipeline, _rows("batch-few", 3), "batch-few.csv")
    assert calls == {"on_demand": 3, "batch": 0}
    assert run.states()[:9] == [*BEGINS, "LabelAnswered"]
    assert "3 records are fewer than the 4" in str(run.summary.batch_reason)


def test_a_model_that_batch_inference_refuses_is_asked_on_demand_with_the_reason(pipeline: Pipeline) -> None:
    pipeline.faults({"refuse": "ValidationException"})
    run, calls = _run(pipeline, _rows("batch-refused", 6), "batch-refused.csv")
    assert calls == {"on_demand": 6, "batch": 0}
    assert "refused" in str(run.summary.batch_reason)


def test_a_submission_whose_answer_is_lost_and_one_that_is_throttled_submit_one_job_each(pipeline: Pipeline) -> None:
    pipeline.faults({"order": [1], "answer_lost": 1}, {"refuse": "ThrottlingException", "times": 2})
    run, calls = _run(pipeline, _rows("batch-lost", 12), "batch-lost.csv")
    assert calls == {"on_demand": 0, "batch": 12}
    listed = pipeline.stack.client("bedrock").list_model_invocation_jobs(
        nameContains=_submission(run).jobs[0].name.rsplit("-", 1)[0]
    )["invocationJobSummaries"]
    assert len(listed) == 2


def test_a_run_that_may_not_wait_is_asked_on_demand(pipeline: Pipeline) -> None:
    run, calls = _run(pipeline, _rows("batch-hurry", 6), "batch-hurry.csv", mode="on_demand")
    assert calls == {"on_demand": 6, "batch": 0}
    assert "MaskForBatch" not in run.states()
