"""The shipped state machine's paths where the model behaves."""

import json

import pytest

from plumbline import keys
from plumbline.contracts.datasets import DatasetManifest
from tests.statemachine.pipeline import TASK, Pipeline, Row, csv_file

CATEGORIES = (
    "Billing Inquiry",
    "Security Awareness",
    "Feature Request",
    "Documentation Improvement",
    "Software Defect",
    "Customer Education",
)
FRUITS = ("apple", "banana", "cherry", "grape", "melon", "plum")
ANSWERS = [{"do": "answer", "category": c, "contains": f} for c, f in zip(CATEGORIES, FRUITS, strict=True)]


def test_a_new_file_is_labeled_reported_and_entered_in_the_ledger_and_costs_nothing_the_second_time(
    pipeline: Pipeline,
) -> None:
    pipeline.script(*ANSWERS)
    rows = [Row(f"happy-{n}", says=FRUITS[n % 6], gold=CATEGORIES[n % 6]) for n in range(7)]
    rows.append(Row("happy-wrong", says="apple", gold="Customer Education"))
    body = csv_file(rows)
    run = pipeline.run(body, "happy.csv").check_succeeded()

    assert {case_id: o.category for case_id, o in run.outcomes.items()} == {
        **{f"happy-{n}": CATEGORIES[n % 6] for n in range(7)},
        "happy-wrong": "Billing Inquiry",
    }
    summary = run.summary
    assert (summary.outcomes["labeled"], summary.model_calls, summary.reused_calls) == (8, 8, 0)
    assert summary.accuracy is not None
    assert (summary.accuracy.accuracy.n, round(summary.accuracy.accuracy.value, 3)) == (8, 0.875)
    assert summary.accuracy.confusion["Customer Education"]["Billing Inquiry"] == 1
    assert run.row.verdict == "short"
    assert run.states() == [
        *(
            "WhereToStart",
            "Ingest",
            "AnyNewCases",
            "LabelAll",
            "LabelShards",
            "MoreToChoose",
            "Collate",
            "CheckBalance",
        ),
        *("IsBalanced", "NoTraining", "Report", "Done"),
    ]

    answered = pipeline.calls.answered
    again = pipeline.run(body, "happy.csv").check_succeeded()
    assert again.run_id != run.run_id
    assert {o.outcome for o in again.outcomes.values()} == {"unchanged"}
    assert again.states()[:4] == ["WhereToStart", "Ingest", "AnyNewCases", "Collate"]
    assert pipeline.calls.answered == answered


def test_the_same_upload_event_twice_starts_one_run(pipeline: Pipeline) -> None:
    run_id, version = pipeline.put(csv_file([Row("twice-1")]), "twice.csv")
    pipeline.ended(run_id).check_succeeded()
    event = pipeline.event("incoming/twice.csv", version)
    assert pipeline.invoke("StartRunFunction", event) == {"run_id": run_id, "started": False}
    assert pipeline.executions().count(run_id) == 1
    assert pipeline.row(run_id).status == "SUCCEEDED"


def test_a_balanced_dataset_is_written_and_trained_once(pipeline: Pipeline) -> None:
    pipeline.script(*ANSWERS)
    rows = [Row(f"balanced-{n}", says=FRUITS[n % 6]) for n in range(24)]
    run = pipeline.run(csv_file(rows), "balanced.csv", target_per_class="3").check_succeeded()
    assert run.row.verdict == "balanced"
    assert "StartTraining" in run.states()
    summary = run.summary
    assert summary.balance is not None
    assert summary.balance.selected == 18
    manifest = DatasetManifest.model_validate_json(pipeline.read(str(summary.balance.manifest_key)))
    assert manifest.per_class == dict.fromkeys(CATEGORIES, 3)
    job = pipeline.aws["sagemaker"].describe_training_job(TrainingJobName=summary.training_job)
    channels = {channel["ChannelName"] for channel in job["InputDataConfig"]}
    assert channels == {"training", "validation", "test", "manifest"}
    assert json.loads(job["HyperParameters"]["manifest"]).endswith(keys.dataset_manifest(TASK, manifest.version))
    code = json.loads(job["HyperParameters"]["sagemaker_submit_directory"])
    assert pipeline.has(code.split("/", 3)[3])


@pytest.mark.parametrize("error", ["TrainingUnavailable", "TrainingNotConfigured"])
def test_training_that_cannot_start_leaves_a_good_run_that_says_so(pipeline: Pipeline, error: str) -> None:
    pipeline.script(*ANSWERS)
    rows = [Row(f"{error}-{n}", says=FRUITS[n % 6]) for n in range(18)]
    # A service that knows no training jobs; a stack without a training image.
    unavailable = {"AWS_ENDPOINT_URL_SAGEMAKER": pipeline.stack.bedrock_endpoint}
    changes = unavailable if error == "TrainingUnavailable" else {"TRAINING_IMAGE": "none"}
    with pipeline.environment("StartTrainingFunction", **changes):
        run = pipeline.run(csv_file(rows), f"{error}.csv", target_per_class="3").check_succeeded()
    assert "TrainingNotStarted" in run.states()
    assert (run.summary.training_job, run.summary.training_error) == (None, error)


def test_a_run_above_its_budget_stops_before_it_spends_anything(pipeline: Pipeline) -> None:
    answered = pipeline.calls.answered
    run = pipeline.run(csv_file([Row("dear-1")]), "dear.csv", budget_usd="0.0001")
    run.check_failed("BudgetExceeded", "incoming/dear.csv", "nothing was spent", "Raise the budget")
    assert pipeline.calls.answered == answered


def test_an_upload_can_ask_for_another_prompt_version(pipeline: Pipeline) -> None:
    run = pipeline.run(csv_file([Row("prompt-1")]), "prompt.csv", prompt_version="v1")
    assert run.check_succeeded().summary.prompt.version == "v1"
