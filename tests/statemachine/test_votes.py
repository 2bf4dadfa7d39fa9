"""Votes and calibrated confidence through the shipped state machine."""

from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.contracts.confidence import Calibration
from plumbline.contracts.replies import Reply
from tests.statemachine.pipeline import TASK, Pipeline, Row, csv_file
from tests.statemachine.test_paths import ANSWERS, CATEGORIES

VOTES = {"vote_samples": "2", "vote_below": "0.95"}


def test_uncertain_labels_get_votes_that_are_paid_once_and_counted(pipeline: Pipeline) -> None:
    pipeline.script({"do": "answer", "category": CATEGORIES[4], "contains": "apple", "vote": True}, *ANSWERS)
    body = csv_file([Row("vote-for", says="banana"), Row("vote-against", says="apple")])
    run = pipeline.run(body, "votes.csv", **VOTES).check_succeeded()
    labels = run.labels()
    agreed, outvoted = labels["vote-for"], labels["vote-against"]
    assert agreed.signals is not None
    assert outvoted.signals is not None
    assert (agreed.signals.votes_for, outvoted.signals.votes_for) == (1.0, 0.0)
    # The first answer stays the label; that all others differ makes it a close call.
    assert (outvoted.category, outvoted.runner_up, outvoted.close_call) == (CATEGORIES[0], CATEGORIES[4], True)
    assert outvoted.confidence < agreed.confidence
    votes = pipeline.lines(keys.votes(run.run_id, "00000"), Reply)
    assert sorted((vote.case_id, vote.sample) for vote in votes) == [
        *(("vote-against", 1), ("vote-against", 2)),
        *(("vote-for", 1), ("vote-for", 2)),
    ]
    summary = run.summary
    assert (summary.model_calls, summary.vote_calls) == (6, 4)
    assert summary.close_calls == 1

    answered = pipeline.calls.answered
    again = pipeline.run(body, "votes.csv", force="true", **VOTES).check_succeeded()
    assert (again.summary.model_calls, again.summary.reused_calls) == (0, 6)
    assert pipeline.calls.answered == answered
    assert again.labels()["vote-for"].confidence == agreed.confidence


def test_a_run_that_asks_for_no_votes_gets_none(pipeline: Pipeline) -> None:
    run = pipeline.run(csv_file([Row("no-vote")]), "no-vote.csv").check_succeeded()
    assert not pipeline.has(keys.votes(run.run_id, "00000"))
    assert run.summary.vote_calls == 0


def test_where_voting_breaks_off_the_labels_stay_and_what_was_answered_is_counted(pipeline: Pipeline) -> None:
    pipeline.script({"do": "fault", "code": "AccessDeniedException", "vote": True}, *ANSWERS)
    run = pipeline.run(csv_file([Row("cut-vote", says="melon")]), "cut-vote.csv", **VOTES).check_succeeded()
    assert run.outcomes["cut-vote"].outcome == "labeled"
    assert (run.summary.model_calls, run.summary.vote_calls) == (1, 0)


def test_a_calibration_in_the_bucket_makes_confidence_a_probability_and_sends_the_unlikely_to_a_person(
    pipeline: Pipeline,
) -> None:
    pipeline.script(*ANSWERS)
    first = pipeline.run(csv_file([Row("likely-0", says="grape")]), "likely.csv").check_succeeded().summary
    calibration = Calibration(
        task=TASK,
        prompt=first.prompt,
        model_id=first.model_id,
        fitted_at=first.finished_at,
        cases=150,
        weights={f"category={CATEGORIES[5]}": -4.0},
        intercept=3.0,
        auroc=0.8,
        calibration_error=0.05,
        accuracy=wilson(120, 150),
    )
    key = keys.calibration(TASK, first.prompt.sha256, first.model_id)
    pipeline.aws["s3"].put_object(
        Bucket=pipeline.physical("DataBucket"), Key=key, Body=calibration.model_dump_json().encode()
    )
    try:
        rows = [Row("likely-1", says="grape"), Row("likely-2", says="plum")]
        run = pipeline.run(csv_file(rows), "calibrated.csv").check_succeeded()
    finally:
        pipeline.aws["s3"].delete_object(Bucket=pipeline.physical("DataBucket"), Key=key)
    outcomes = run.outcomes
    assert (outcomes["likely-1"].outcome, outcomes["likely-1"].calibrated) == ("labeled", True)
    assert (outcomes["likely-2"].outcome, outcomes["likely-2"].reason) == ("needs_review", "low_confidence")
    block = run.summary.confidence
    assert block is not None
    assert (block.calibrated, block.fitted_on) == (2, 150)
