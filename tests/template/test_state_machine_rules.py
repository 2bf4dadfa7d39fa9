"""What every state of every state machine has to have."""

import inspect
from typing import Any

import pytest

from plumbline.contracts import errors
from plumbline.spend import MOST_WAITS
from tests.template.reading import SECOND_STATES, definition, every_state, functions, snake, states

TASKS = {name: state for name, state in every_state() if state["Type"] == "Task"}
OURS = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
PLATFORM = {"Runtime.ExitError", "Sandbox.Timedout", "Sandbox.Timeout", "IdempotencyAlreadyInProgressError"}

AFTER_A_PAID_BATCH = ("CheckBatch", "ImportBatch")  # idempotent and free, while what they are about is paid for


@pytest.mark.parametrize("name", [name for name, _ in every_state()])
def test_every_state_says_what_it_is_for(name: str) -> None:
    assert dict(every_state())[name]["Comment"].endswith(".")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout_above_its_functions_a_retry_and_a_catch(name: str) -> None:
    task, state = TASKS[name], name.split(".")[1]
    function = SECOND_STATES.get(state, state)
    assert task["Parameters"]["FunctionName"] == f"${{{function}Arn}}"
    assert task["TimeoutSeconds"] > functions()[snake(function)]["Timeout"]
    assert task["Retry"]
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def _retries() -> list[tuple[str, dict[str, Any]]]:
    return [(name, retry) for name, state in every_state() for retry in state.get("Retry", [])]


@pytest.mark.parametrize(("name", "retry"), _retries())
def test_every_retry_names_its_errors_and_backs_off_with_jitter_to_a_bound(name: str, retry: dict[str, Any]) -> None:
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"
    assert retry["MaxDelaySeconds"] >= retry["IntervalSeconds"]
    assert 1 <= retry["MaxAttempts"] <= _most_attempts(name, retry["ErrorEquals"])
    for error in retry["ErrorEquals"]:
        known = error in OURS | PLATFORM or error.startswith(("Lambda.", "States."))
        assert known, f"{name} retries {error}, which nothing raises"
        assert error not in {"States.ALL", "States.TaskFailed"}


def _most_attempts(name: str, errors: list[str]) -> int:
    if errors == ["ModelThrottled"]:
        return 150
    return 100 if name.rsplit(".", 1)[-1] in AFTER_A_PAID_BATCH else 10


def _waits(retry: dict[str, Any]) -> list[float]:
    """The seconds that each wait takes on average: full jitter draws from 0 to the delay."""
    delays = (retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))
    return [min(delay, retry["MaxDelaySeconds"]) / 2 for delay in delays]


@pytest.mark.parametrize("stage", ["Classify", "Repair", "Vote"])
def test_throttling_is_waited_out_for_hours_and_less_long_than_the_run_may_take(stage: str) -> None:
    task = dict(states())[stage]
    [retry] = [retry for retry in task["Retry"] if retry["ErrorEquals"] == ["ModelThrottled"]]
    waits = _waits(retry)
    assert 6 * 3600 < sum(waits) < definition()["TimeoutSeconds"] / 2
    assert max(waits) <= 300 / 2, "once the service lets calls through again, nobody sleeps on for long"


@pytest.mark.parametrize("stage", AFTER_A_PAID_BATCH)
@pytest.mark.parametrize(
    "error", ["ModelThrottled", "ModelUnavailable", "StoreUnavailable", "Lambda.ServiceException", "Lambda.Unknown"]
)
def test_what_reads_a_paid_batch_does_not_give_up_for_hours(stage: str, error: str) -> None:
    [retry] = [retry for retry in dict(states())[stage]["Retry"] if error in retry["ErrorEquals"]]
    waits = _waits(retry)
    if (stage, error) == ("ImportBatch", "Lambda.Unknown"):  # a crash at its end costs a quarter of an hour each time
        assert sum(waits) > 600
    else:
        assert 6 * 3600 < sum(waits) < definition()["TimeoutSeconds"] / 10
    assert max(waits) <= 600 / 2


def test_a_look_at_the_jobs_outlives_two_silent_attempts_of_botocores() -> None:
    assert functions()["check_batch"]["Timeout"] > 2 * (60 + 5)


@pytest.mark.parametrize("stage", ["Classify", "Repair", "Vote"])
def test_a_shard_waits_some_minutes_for_other_shards_calls_and_then_takes_the_budget_to_be_used_up(stage: str) -> None:
    task = dict(states())[stage]
    [retry] = [retry for retry in task["Retry"] if retry["ErrorEquals"] == ["BudgetBusy"]]
    assert retry["MaxAttempts"] == MOST_WAITS, "never given up by the state machine, which would lose the shard"
    assert task["Parameters"]["Payload"]["retries.$"] == "$$.State.RetryCount"
    assert 300 < sum(_waits(retry)) < 3600


def test_what_asking_again_cannot_mend_is_never_retried() -> None:
    retried = {error for _, retry in _retries() for error in retry["ErrorEquals"]}
    assert not retried & {
        "ModelAccessDenied",
        "ModelRequestRejected",
        "InvalidCaseFile",
        "InvalidPrompt",
        "BudgetExceeded",
        "FailedFast",
    }
    assert {"ModelThrottled", "ModelUnavailable"} <= retried


@pytest.mark.parametrize(("machine", "of_shards"), [("LabelCases", "LabelShards"), ("PredictCases", "PredictShards")])
def test_a_shards_workflow_catches_everything_and_ends_well(machine: str, of_shards: str) -> None:
    inside = dict(states(machine))[of_shards]["ItemProcessor"]["States"]
    assert not [name for name, state in inside.items() if state["Type"] == "Fail"]
    for name, state in inside.items():
        if state["Type"] == "Task":
            expected = {"RecordShardFailure": "ShardDone", "RecordUnanswered": "Parse"}.get(name, "RecordShardFailure")
            assert state["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": expected}


@pytest.mark.parametrize("stage", ["Classify", "Repair"])
def test_what_the_model_does_to_one_case_leaves_the_others_their_answers(stage: str) -> None:
    first, _ = dict(states())[stage]["Catch"]
    # These are raised once the answers that there are lie in the shard's replies.
    assert set(first["ErrorEquals"]) == {
        "ModelThrottled",
        "ModelUnavailable",
        "ModelAccessDenied",
        "FailedFast",
        "BudgetBusy",
        "IdempotencyAlreadyInProgressError",
    }
    assert first["Next"] == "RecordUnanswered"
    assert dict(states())["RecordUnanswered"]["Next"] == "Parse"


def test_an_export_to_predict_never_sinks_the_others() -> None:
    inside = dict(states("PredictCases"))["PredictExports"]["ItemProcessor"]["States"]
    assert not [name for name, state in inside.items() if state["Type"] == "Fail"]
    caught = {name: state["Catch"][0]["Next"] for name, state in inside.items() if "Catch" in state}
    assert caught == {
        "Ingest": "RecordFailure",
        "PredictShards": "ExportBrokeOff",
        "RecordFailure": "ExportFailed",
    }


def test_exports_are_predicted_one_after_the_other() -> None:
    assert dict(states("PredictCases"))["PredictExports"]["MaxConcurrency"] == 1


def test_the_repair_loop_is_bounded_by_the_runs_own_setting() -> None:
    choice = dict(states())["AnyUnparsed"]["Choices"][0]["And"]
    assert {"Variable": "$.attempt", "NumericLessThanPath": "$.run.max_repairs"} in choice


def test_the_rounds_of_a_selection_end_when_select_next_says_so() -> None:
    known = dict(states())
    more = known["MoreToChoose"]
    assert more["Default"] == "Collate"
    assert {"Variable": "$.select.value.more", "BooleanEquals": True} in more["Choices"][1]["And"]
    assert known["AnyChosen"]["Default"] == "Collate"


def test_a_failed_run_is_recorded_before_it_fails() -> None:
    known = dict(states())
    assert known["RecordFailure"]["Next"] == "Failed"
    assert known["Failed"]["CausePath"] == "$.failure.value.cause"
    for name in ("Ingest", "LabelShards", "SelectNext", "Collate", "CheckBalance", "Report"):
        assert known[name]["Catch"][0]["Next"] == "RecordFailure"


def test_a_replay_that_reads_replies_anew_never_comes_to_a_state_that_asks_the_model_first() -> None:
    known = dict(states())
    at, mode = "AlreadyMasked", {"$.mode": "parse"}
    passed = [at]
    while known[at]["Type"] in ("Choice", "Pass"):
        state = known[at]
        taken = [
            rule["Next"] for rule in state.get("Choices", []) if mode.get(rule["Variable"]) == rule["StringEquals"]
        ]
        at = taken[0] if taken else state.get("Default") or state["Next"]
        passed.append(at)
    assert passed == ["AlreadyMasked", "FirstAttempt", "OnlyRead", "Parse"]
