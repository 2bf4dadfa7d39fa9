"""Every event under events/ through its real handler, in the environment that the template declares."""

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.base import Model
from plumbline.contracts.batch import CheckBatchResult, ImportBatchResult, SubmitBatchResult
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.datasets import TrainingStarted
from plumbline.contracts.models import PromotionResult
from plumbline.contracts.predictions import FoundExports, SummarizeResult
from plumbline.contracts.runs import (
    BalanceResult,
    CollateResult,
    FailureResult,
    IngestResult,
    ReportResult,
    ShardResult,
)
from plumbline.contracts.selection import SelectResult
from plumbline.jsonl import read_models
from plumbline.start_run import Started
from plumbline.watch_runs import RunsUnderWay
from tests.contract.environment import RESOURCES
from tests.template.reading import functions
from tools import world
from tools.answers import Example, differences, examples


class ProxyAnswer(Model):
    """What API Gateway wants of a function."""

    statusCode: int  # noqa: N815 - API Gateway's names
    multiValueHeaders: dict[str, list[str]]  # noqa: N815
    body: str
    isBase64Encoded: bool  # noqa: N815


ANSWERS: dict[str, type[Model]] = {
    "start_run": Started,
    "ingest": IngestResult,
    "anonymize": ShardResult,
    "embed_shard": ShardResult,
    "select_next": SelectResult,
    "submit_batch": SubmitBatchResult,
    "check_batch": CheckBatchResult,
    "import_batch": ImportBatchResult,
    "classify": ShardResult,
    "parse": ShardResult,
    "repair": ShardResult,
    "vote": ShardResult,
    "record_shard_failure": ShardResult,
    "collate": CollateResult,
    "check_balance": BalanceResult,
    "start_training": TrainingStarted,
    "report": ReportResult,
    "record_failure": FailureResult,
    "promote_model": PromotionResult,
    "predict_case": ProxyAnswer,
    "find_exports": FoundExports,
    "predict_shard": ShardResult,
    "summarize_predictions": SummarizeResult,
    "watch_runs": RunsUnderWay,
}
CONTEXT = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)
EXAMPLES = examples()


def _invoke(example: Example) -> dict[str, Any]:
    handler = importlib.import_module(f"functions.{example.function}.handler")
    answer: dict[str, Any] = handler.lambda_handler(example.event, CONTEXT)
    return answer


@pytest.mark.usefixtures("seeded", "bedrock")
@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.error], ids=lambda e: e.name)
def test_a_good_event_gets_its_answer(example: Example, environment: Callable[[str], None]) -> None:
    environment(example.function)
    answer = _invoke(example)
    assert differences(example.answer, answer) == []
    kind = ANSWERS[example.function]
    assert set(answer) == set(kind.model_fields), "the answer is not the contract's whole model"
    kind.model_validate(answer)


@pytest.mark.usefixtures("seeded", "bedrock")
@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.error], ids=lambda e: e.name)
def test_a_bad_event_raises_the_error_that_the_state_machine_knows(
    example: Example, environment: Callable[[str], None]
) -> None:
    environment(example.function)
    with pytest.raises(Exception) as raised:
        _invoke(example)
    assert type(raised.value).__name__ == example.error
    assert str(raised.value), "an error says what to do"


@pytest.mark.usefixtures("seeded")
def test_a_case_for_a_person_is_stored_without_its_texts(environment: Callable[[str], None]) -> None:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    [example] = [e for e in EXAMPLES if e.name == "anonymize/needs-review"]
    environment("anonymize")
    _invoke(example)
    data = S3ObjectStore(RESOURCES["DataBucket"])
    held, other = read_models(data, keys.anonymized(world.TYPICAL, world.HELD_SHARD), AnonymizedCase)
    assert held.review == ("leftover: NUMBER",)
    assert [message.text for message in held.messages] == [""]
    assert (held.entities, other.review) == ({"NAME": 1}, ())
    assert all(message.text for message in other.messages)


@pytest.mark.parametrize("stage", sorted(functions()))
def test_every_function_has_a_typical_event_and_a_bad_one(stage: str) -> None:
    own = {example.case: example for example in EXAMPLES if example.function == stage}
    assert own["typical"].error is None
    assert "InvalidEvent" in {example.error for example in own.values()}


def test_every_folder_of_events_is_a_function() -> None:
    assert {example.function for example in EXAMPLES} == set(functions()) == set(ANSWERS)
