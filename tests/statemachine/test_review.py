"""A case that may still hold personal data: the shipped state machine keeps it from the model and says so."""

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase
from tests.statemachine.pipeline import Pipeline, Row, csv_file


def test_a_case_that_a_person_has_to_see_is_accounted_for_without_a_model_call(pipeline: Pipeline) -> None:
    rows = [
        Row("review-good"),
        Row("review-left", says="it is zyxleft 7894561230123456"),
        Row("review-policy", says="zyxpolicy, write to zyxmail@example.com"),
    ]
    asked = pipeline.calls.answered
    with pipeline.environment("AnonymizeFunction", PII_POLICY='{"EMAIL": "review"}'):
        run = pipeline.run(csv_file(rows), "review.csv").check_succeeded()
    outcomes = run.outcomes
    assert {case_id: (o.outcome, o.reason) for case_id, o in outcomes.items() if case_id != "review-good"} == {
        "review-left": ("needs_review", "Anonymization: leftover NUMBER"),
        "review-policy": ("needs_review", "Anonymization: policy EMAIL"),
    }
    assert outcomes["review-good"].outcome == "labeled"
    assert (run.summary.model_calls, pipeline.calls.answered - asked) == (1, 1)
    stored = pipeline.lines(keys.anonymized(run.run_id, "00000"), AnonymizedCase)
    assert [bool(case.subject) for case in stored] == [True, False, False]
    listed = pipeline.aws["s3"].list_objects_v2(Bucket=pipeline.physical("DataBucket"), Prefix=f"runs/{run.run_id}/")
    held = b"".join(pipeline.read(item["Key"]) for item in listed["Contents"]).decode()
    assert "zyx" not in held
    assert "7894561230123456" not in held

    # Nothing is remembered of them: with other settings the same upload labels them.
    with pipeline.environment("AnonymizeFunction", PII_ALLOW='["7894561230123456"]'):
        again = pipeline.run(csv_file(rows), "review.csv").check_succeeded()
    assert {o.case_id: o.outcome for o in again.outcomes.values()} == {
        "review-good": "unchanged",
        "review-left": "labeled",
        "review-policy": "labeled",
    }
