"""What the state machine sends each function is what the function's model takes."""

from typing import Any, get_args

import pytest

from plumbline import keys
from plumbline.contracts.base import Model
from plumbline.contracts.batch import CheckBatchTask, ImportBatchTask, SubmitBatchTask
from plumbline.contracts.predictions import (
    AnyFailureTask,
    AnyIngestTask,
    AnyRun,
    AnyShardFailureTask,
    AnyShardTask,
    ExportPredicted,
    FindExportsTask,
    FoundExports,
    PredictionRun,
    PredictShardTask,
    SummarizeTask,
)
from plumbline.contracts.runs import (
    AskTask,
    BalanceTask,
    CaughtError,
    ClassifyTask,
    CollateTask,
    FailureTask,
    IngestTask,
    ReportTask,
    RunRequest,
    ShardEntry,
    ShardFailureTask,
    ShardMode,
    ShardTask,
    TrainingOutcome,
    TrainingTask,
)
from plumbline.contracts.selection import SelectTask
from tests.template.reading import SECOND_STATES, functions, snake, states
from tools.answers import examples

EVENTS: dict[str, type[Model]] = {
    "ingest": IngestTask,
    "anonymize": ShardTask,
    "embed_shard": ShardTask,
    "submit_batch": SubmitBatchTask,
    "check_batch": CheckBatchTask,
    "import_batch": ImportBatchTask,
    "select_next": SelectTask,
    "classify": ClassifyTask,
    "parse": ShardTask,
    "repair": AskTask,
    "vote": AskTask,
    "record_shard_failure": ShardFailureTask,
    "record_unanswered": ShardFailureTask,
    "collate": CollateTask,
    "check_balance": BalanceTask,
    "start_training": TrainingTask,
    "report": ReportTask,
    "record_failure": FailureTask,
}
PAYLOADS = {
    snake(name): {key.removesuffix(".$"): value for key, value in state["Parameters"]["Payload"].items()}
    for name, state in states()
    if state["Type"] == "Task"
}
# Functions that no state machine calls.
OTHERS = {"start_run", "promote_model", "predict_case", "watch_runs"}
# The first ask of a case has no number yet: Anonymize and Classify take the model's default. A run forces no training.
LEFT_OUT = {
    "anonymize": {"attempt"},
    "embed_shard": {"attempt"},
    "classify": {"attempt"},
    "start_training": {"force"},
}


def test_every_task_has_a_model() -> None:
    assert set(PAYLOADS) == set(EVENTS)
    invoked = set(EVENTS) - {snake(state) for state in SECOND_STATES}
    assert invoked | set(PREDICTS) | {"find_exports"} == set(functions()) - OTHERS


@pytest.mark.parametrize("stage", EVENTS)
def test_a_payload_has_the_fields_of_the_functions_model(stage: str) -> None:
    assert set(PAYLOADS[stage]) == set(EVENTS[stage].model_fields) - LEFT_OUT.get(stage, set())


@pytest.mark.parametrize("stage", EVENTS)
def test_what_a_payload_leaves_out_has_a_default(stage: str) -> None:
    required = {name for name, field in EVENTS[stage].model_fields.items() if field.is_required()}
    assert required <= set(PAYLOADS[stage])


@pytest.mark.parametrize(
    "example", [e for e in examples() if e.function in EVENTS and e.case == "typical"], ids=lambda e: e.name
)
def test_a_typical_event_has_the_shape_of_the_payload(example: Any) -> None:
    assert set(example.event) == set(PAYLOADS[example.function])
    EVENTS[example.function].model_validate(example.event)


@pytest.mark.parametrize("stage", EVENTS)
def test_the_whole_run_travels_under_one_name(stage: str) -> None:
    if "run" in EVENTS[stage].model_fields:
        assert PAYLOADS[stage]["run"] == "$.run"
        assert EVENTS[stage].model_fields["run"].annotation is RunRequest


PREDICTS: dict[str, type[Model]] = {
    "ingest": AnyIngestTask,
    "anonymize": AnyShardTask,
    "predict_shard": PredictShardTask,
    "record_shard_failure": AnyShardFailureTask,
    "record_failure": AnyFailureTask,
    "summarize_predictions": SummarizeTask,
}
TO_PREDICT = {
    snake(name): {key.removesuffix(".$"): value for key, value in state["Parameters"]["Payload"].items()}
    for name, state in states("PredictCases")
    if state["Type"] == "Task" and name != "FindExports"
}


def test_the_input_of_predict_cases_is_the_event_of_its_first_stage() -> None:
    parameters = dict(states("PredictCases"))["FindExports"]["Parameters"]
    assert parameters["Payload.$"] == "$"
    assert not [name for name, field in FindExportsTask.model_fields.items() if field.is_required()]


@pytest.mark.parametrize("stage", PREDICTS)
def test_a_payload_of_predict_cases_has_the_fields_of_the_functions_model(stage: str) -> None:
    assert set(TO_PREDICT) == set(PREDICTS)
    assert set(TO_PREDICT[stage]) == set(PREDICTS[stage].model_fields) - LEFT_OUT.get(stage, set())
    if "run" in PREDICTS[stage].model_fields:
        assert TO_PREDICT[stage]["run"] == "$.run"


def test_a_function_of_both_machines_takes_the_runs_of_both() -> None:
    for stage in PREDICTS.keys() & EVENTS.keys():
        annotation = PREDICTS[stage].model_fields["run"].annotation
        assert annotation == get_args(AnyRun)[0], stage
        assert {get_args(kind)[0] for kind in get_args(annotation)} == {RunRequest, PredictionRun}


@pytest.mark.parametrize(
    "example", [e for e in examples() if e.function in PREDICTS and e.case == "predicts"], ids=lambda e: e.name
)
def test_an_event_of_predict_cases_has_the_shape_of_the_payload(example: Any) -> None:
    assert set(example.event) == set(TO_PREDICT[example.function])
    PREDICTS[example.function].model_validate(example.event)


def test_what_becomes_of_an_export_fits_the_summarys_model() -> None:
    known = dict(states("PredictCases"))
    assert known["PredictExports"]["ItemsPath"] == "$.found.value.runs"
    assert "runs" in FoundExports.model_fields
    for name in ("ExportDone", "ExportBrokeOff", "ExportFailed"):
        assert {key.removesuffix(".$") for key in known[name]["Parameters"]} <= set(ExportPredicted.model_fields)


def test_what_becomes_of_training_fits_reports_model() -> None:
    known = dict(states())
    for shape in (
        known["StartTraining"]["ResultSelector"],
        known["NoTraining"]["Result"],
        known["TrainingNotStarted"]["Parameters"],
    ):
        assert {key.removesuffix(".$") for key in shape} <= set(TrainingOutcome.model_fields)


def test_an_item_of_shards_json_gives_a_shards_workflow_its_input() -> None:
    selector = dict(states())["LabelShards"]["ItemSelector"]
    assert selector == {"run.$": "$.run", "shard.$": "$$.Map.Item.Value.shard", "mode.$": "$.label.mode"}
    assert "shard" in ShardEntry.model_fields


def test_what_the_map_is_about_is_a_list_that_a_stage_writes_and_a_mode_that_a_shards_task_knows() -> None:
    known = dict(states())
    written = {"shards": keys.shards("r"), "chosen": keys.chosen_shards("r"), "masked": keys.masked_shards("r")}
    for name in ("LabelAll", "EmbedBacklog", "LabelChosen", "MaskForBatch", "LabelAnswered"):
        label = known[name]["Result"]
        assert label["mode"] in get_args(ShardMode)
        assert written[label["list"]] == f"runs/r/{label['list']}.json"
        assert known[name]["ResultPath"] == "$.label"


def test_an_error_as_step_functions_hands_it_on_fits_the_failure_models() -> None:
    assert set(CaughtError.model_fields) == {"Error", "Cause"}
    for stage in ("record_failure", "record_shard_failure"):
        assert PAYLOADS[stage]["error"] == "$.error"
