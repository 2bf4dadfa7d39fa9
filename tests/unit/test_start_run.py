"""StartRun: an upload starts a run, once."""

from pathlib import Path
from typing import Any

import pytest

from plumbline.contracts.errors import InvalidEvent, InvalidPrompt, MissingObject
from plumbline.contracts.runs import RunRequest
from plumbline.settings import StartRunSettings
from plumbline.start_run import Started, Upload, run_id_of, start_run, upload_from_event
from tests import builders as b
from tests.fakes import MemoryLedger, MemoryWorkflow

PROMPTS = Path(__file__).parents[2] / "prompts"
SETTINGS = StartRunSettings(
    raw_bucket="raw",
    data_bucket="data",
    ledger_table="ledger",
    prompts_dir=PROMPTS,
    state_machine_arn="arn",
    task="root_cause",
    prompt_version="v3",
    model_id="local.embedding",
    target_per_class=3000,
    budget_usd=50,
)


def upload(**changes: Any) -> Upload:
    fields = {"bucket": "raw", "key": "incoming/cases.csv", "version_id": "1", "etag": "e", "at": b.NOW}
    return Upload.model_validate(fields | changes)


def start(ledger: MemoryLedger, workflow: MemoryWorkflow, metadata: dict[str, str] | None = None) -> Started:
    return start_run(upload(), SETTINGS, raw=lambda key, version: metadata or {}, ledger=ledger, workflow=workflow)


def event(**detail: Any) -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-03-04T09:00:00Z",
        "detail": {
            "bucket": {"name": "raw"},
            "object": {"key": "incoming/cases.csv", "etag": "e", "version-id": "1", "size": 5},
        }
        | detail,
    }


def test_the_event_names_the_very_version_that_was_uploaded() -> None:
    assert upload_from_event(event()) == upload()


@pytest.mark.parametrize("wrong", [{}, {"detail": {}}, {"detail": None}, event(bucket={}), event(object={"key": 1})])
def test_an_event_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match="Object Created"):
        upload_from_event(wrong)


def test_an_upload_starts_a_run_with_the_stacks_settings_and_a_row() -> None:
    ledger, workflow = MemoryLedger(), MemoryWorkflow()
    started = start(ledger, workflow)
    assert started.started
    assert started.run_id is not None
    run = workflow.started[started.run_id]
    assert (run.task, run.prompt_version, run.target_per_class, run.force) == ("root_cause", "v3", 3000, False)
    row = ledger.get_run("root_cause", started.run_id)
    assert row is not None
    assert (row.status, row.source) == ("RUNNING", "incoming/cases.csv")


def test_the_same_event_twice_starts_one_run_and_leaves_its_row_alone() -> None:
    ledger, workflow = MemoryLedger(), MemoryWorkflow()
    first = start(ledger, workflow)
    assert first.run_id is not None
    done = ledger.rows["root_cause", first.run_id].model_copy(update={"status": "SUCCEEDED"})
    ledger.put_run(done)
    again = start(ledger, workflow)
    assert (again.run_id, again.started) == (first.run_id, False)
    assert ledger.get_run("root_cause", first.run_id) == done


def test_a_new_version_of_the_same_key_is_another_run() -> None:
    assert run_id_of("b", "k", "1") == run_id_of("b", "k", "1") != run_id_of("b", "k", "2")


def test_the_uploads_metadata_choose_task_prompt_target_and_force() -> None:
    workflow = MemoryWorkflow()
    metadata = {
        "task": "npm_issue",
        "prompt_version": "v1",
        "target_per_class": "20",
        "budget_usd": "1.5",
        "force": "true",
        "mapping_key": "mappings/m.yaml",
        "s3cmd-attrs": "ignored",
    }
    started = start(MemoryLedger(), workflow, metadata)
    run = workflow.started[started.run_id or ""]
    assert (run.task, run.prompt_version, run.target_per_class) == ("npm_issue", "v1", 20)
    assert (run.budget_usd, run.force, run.mapping_key) == (1.5, True, "mappings/m.yaml")


@pytest.mark.parametrize(
    ("metadata", "error", "cause"),
    [
        ({"target_per_class": "many"}, InvalidEvent, "target_per_class"),
        ({"budget_usd": "-1"}, InvalidEvent, "budget_usd"),
        ({"prompt_version": "v9"}, InvalidPrompt, "v9"),
        ({"task": "weather"}, InvalidPrompt, "weather"),
    ],
)
def test_a_run_that_cannot_be_is_recorded_as_failed_with_its_reason(
    metadata: dict[str, str], error: type[Exception], cause: str
) -> None:
    ledger, workflow = MemoryLedger(), MemoryWorkflow()
    with pytest.raises(error):
        start(ledger, workflow, metadata)
    assert not workflow.started
    (row,) = ledger.runs("root_cause")
    assert (row.status, row.error) == ("FAILED", error.__name__)
    assert cause in (row.cause or "")


def test_a_folder_made_in_the_console_starts_nothing() -> None:
    workflow = MemoryWorkflow()
    folder = upload(key="incoming/")
    started = start_run(folder, SETTINGS, raw=lambda key, version: {}, ledger=MemoryLedger(), workflow=workflow)
    assert not started.started
    assert not workflow.started


def test_an_upload_that_is_gone_before_the_run_starts_leaves_a_row_that_says_so() -> None:
    def gone(key: str, version: str | None) -> dict[str, str]:
        raise MissingObject(f"s3://raw/{key} is not there")

    ledger, workflow = MemoryLedger(), MemoryWorkflow()
    with pytest.raises(MissingObject):
        start_run(upload(), SETTINGS, raw=gone, ledger=ledger, workflow=workflow)
    (row,) = ledger.runs("root_cause")
    assert (row.status, row.error) == ("FAILED", "MissingObject")


def test_an_empty_option_is_no_option() -> None:
    ledger, workflow = MemoryLedger(), MemoryWorkflow()
    started = start(ledger, workflow, {"task": ""})
    assert ledger.get_run("root_cause", started.run_id or "") is not None


def test_a_doubled_event_of_a_run_that_still_goes_on_is_not_counted_as_another() -> None:
    """Step Functions says yes to StartExecution with the same name and input while the first one runs."""

    class StillRunning(MemoryWorkflow):
        def start(self, run: RunRequest) -> bool:
            super().start(run)
            return True

    ledger, workflow = MemoryLedger(), StillRunning()
    assert start(ledger, workflow).started
    assert not start(ledger, workflow).started


def test_another_task_gets_its_own_newest_published_version() -> None:
    started = MemoryWorkflow()
    start(MemoryLedger(), started, {"task": "npm_issue"})
    (run,) = started.started.values()
    assert (run.task, run.prompt_version) == ("npm_issue", "v1")


def test_the_stack_says_how_the_model_is_asked_and_an_upload_may_say_otherwise() -> None:
    ledger = MemoryLedger()
    by_stack, by_upload = MemoryWorkflow(), MemoryWorkflow()
    settings = SETTINGS.model_copy(update={"mode": "batch"})
    start_run(upload(), settings, raw=lambda key, version: {}, ledger=ledger, workflow=by_stack)
    metadata = {"mode": "on_demand", "fail_fast": "true"}
    start_run(upload(), settings, raw=lambda key, version: metadata, ledger=ledger, workflow=by_upload)
    [first], [second] = by_stack.started.values(), by_upload.started.values()
    assert (first.mode, first.fail_fast) == ("batch", False)
    assert (second.mode, second.fail_fast) == ("on_demand", True)
