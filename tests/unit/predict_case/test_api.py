"""The API's answers, good and bad: one shape for every error, and nothing of the case in any log or error."""

import json
from typing import Any

import pytest

from plumbline.contracts.api import Health, Prediction
from plumbline.contracts.errors import InvalidEvent, ModelThrottled, StoreDenied
from plumbline.contracts.models import MODEL_FILE
from plumbline.predict_case.api import respond
from plumbline.predict_case.fallback import LanguageModelFallback
from tests.builders import answer as reply_text
from tests.builders import prompt
from tests.fakes import FakeModel
from tests.unit.predict_case.calling import CONTEXT, MAX_BYTES, SECRET, ask, logged, post, predictor, problem
from tests.unit.predict_case.models import World


def test_a_case_gets_its_prediction(world: World) -> None:
    case = {
        "subject": "A crash",
        "messages": [
            {"role": "customer", "text": "It is a crash, write to a@example.com", "at": "2026-03-02T09:00:00Z"},
            {"role": "agent", "text": "a@example.com is noted"},
        ],
    }
    answer = post(world, case)
    prediction = Prediction.model_validate_json(answer["body"])
    assert (answer["statusCode"], prediction.category, prediction.abstained) == (200, "Software Defect", False)
    assert prediction.anonymized_entities == {"EMAIL": 1}
    assert (prediction.model_version, prediction.request_id) == ("v1", "api-1")
    assert [other.category for other in prediction.alternatives] == ["Billing Inquiry"]
    assert answer["multiValueHeaders"]["x-request-id"] == ["api-1"]


def test_a_case_that_the_model_is_not_sure_about_gets_no_category(world: World) -> None:
    prediction = Prediction.model_validate_json(post(world, {"subject": "Hello"})["body"])
    assert (prediction.category, prediction.abstained, prediction.confidence) == (None, True, 0.5)
    assert len(prediction.alternatives) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"Ticket ID": 4711, "Title": "A crash", "Description": "crash crash", "VIP": True},
        {"id": 1, "subject": "crash", "description": "crash", "requester_id": 2, "via": {"channel": "web"}},
        {"key": "A-1", "fields": {"summary": "crash", "description": "crash", "comment": {"comments": []}}},
        {"number": "INC1", "short_description": "crash", "description": {"display_value": "crash", "value": "x"}},
        {"case_id": None, "text": "crash"},
        {"messages": '[{"role": "customer", "text": "crash"}]', "case_id": 7},
        {"messages": ["crash", {"body": "crash", "author": {"role": "agent"}}]},
        {"role": "customer", "text": "crash", "message_id": 3},
        {"subject": "crash", "messages": []},
        {"subject": "crash", "unheard_of": {"deep": [1, {"er": None}]}, "gold_category": "Billing Inquiry"},
    ],
)
def test_a_row_of_an_export_goes_as_it_is(world: World, row: dict[str, Any]) -> None:
    answer = post(world, row)
    assert answer["statusCode"] == 200, answer["body"]
    assert Prediction.model_validate_json(answer["body"]).category == "Software Defect"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/predictions", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("POST", "/swagger", 405, "method_not_allowed"),
        ("OPTIONS", "/predictions", 405, "method_not_allowed"),
        ("OPTIONS", "/health", 405, "method_not_allowed"),
        ("PUT", "/predictions", 405, "method_not_allowed"),
        ("GET", "/predict", 404, "not_found"),
        ("OPTIONS", "/", 404, "not_found"),
        ("GET", "/zebrafish/../\u0000", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
    ],
)
def test_unknown_paths_and_methods(world: World, method: str, path: str, status: int, code: str) -> None:
    answer = ask(world, method, path)
    assert problem(answer, status) == code
    assert ("Allow" in answer["multiValueHeaders"]) == (status == 405)


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/swagger"])
def test_head_is_get_without_the_body(world: World, path: str) -> None:
    answer, wanted = ask(world, "HEAD", path), ask(world, "GET", path)
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert answer["multiValueHeaders"] == wanted["multiValueHeaders"]


def test_head_of_what_takes_post_is_a_405(world: World) -> None:
    answer = ask(world, "HEAD", "/predictions")
    assert (answer["statusCode"], answer["multiValueHeaders"]["Allow"], answer["body"]) == (405, ["POST"], "")


def test_no_model_is_a_503_that_says_what_to_do(empty: World) -> None:
    answer = post(empty, {"subject": SECRET})
    assert problem(answer, 503) == "no_model"
    assert "plumbline train" in answer["body"]


def test_a_deleted_version_on_a_cold_start_is_a_503_that_says_what_to_do(world: World) -> None:
    for key in [key for key in world.data.objects if key.endswith(MODEL_FILE)]:
        del world.data.objects[key]
    answer = post(world, {"subject": SECRET})
    assert problem(answer, 503) == "model_unavailable"
    assert "roll back" in answer["body"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreDenied("s3://bucket/zebrafish: access denied"), 503, "model_unavailable"),
        (RuntimeError("zebrafish"), 500, "internal_error"),
        (MemoryError("zebrafish"), 500, "internal_error"),
    ],
)
def test_a_fault_of_the_service_says_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fails(task: str) -> None:
        raise error

    monkeypatch.setattr(world.registry, "current", fails)
    assert problem(post(world, {"subject": "crash"}), status) == code


def test_an_unexpected_error_is_logged_by_its_kind_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(task: str) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(world.registry, "current", fails)
    problem(post(world, {"subject": "crash"}), 500)
    assert "RuntimeError" in logged(caplog)
    assert SECRET not in logged(caplog)


def test_a_good_case_leaves_no_word_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert post(world, {"subject": f"crash {SECRET}", SECRET: SECRET})["statusCode"] == 200
    assert "model loaded" in logged(caplog)
    assert SECRET not in logged(caplog)


class TestLanguageModel:
    def test_it_answers_while_no_model_is_promoted(self, empty: World) -> None:
        model = FakeModel(lambda _: reply_text("Billing Inquiry", "Software Defect"))
        asked = LanguageModelFallback(prompt(), "some.model", model)
        case = {"subject": "crash", "messages": [{"text": "write to a@example.com"}]}
        prediction = Prediction.model_validate_json(post(empty, case, fallback=asked)["body"])
        assert (prediction.category, prediction.abstained) == ("Billing Inquiry", False)
        assert prediction.model_version == "llm:some.model:root_cause/v1"
        assert [other.category for other in prediction.alternatives] == ["Software Defect"]
        assert prediction.alternatives[0].confidence <= prediction.confidence
        assert "a@example.com" not in model.requests[0].turns[0].text

    def test_it_abstains_where_the_reply_names_no_category(self, empty: World) -> None:
        asked = LanguageModelFallback(prompt(), "some.model", FakeModel(lambda _: "I would rather not say."))
        prediction = Prediction.model_validate_json(post(empty, {"subject": "crash"}, fallback=asked)["body"])
        assert (prediction.category, prediction.abstained, prediction.alternatives) == (None, True, ())

    def test_it_is_not_shown_what_may_still_hold_personal_data(self, empty: World) -> None:
        model = FakeModel(lambda _: reply_text("Billing Inquiry"))
        asked = LanguageModelFallback(prompt(), "some.model", model)
        case = {"subject": "crash 7894561230123456", "messages": [{"text": "write to a@example.com"}]}
        prediction = Prediction.model_validate_json(post(empty, case, fallback=asked)["body"])
        assert (prediction.category, prediction.abstained, prediction.alternatives) == (None, True, ())
        assert (prediction.anonymized_entities, model.requests) == ({"EMAIL": 1}, [])

    def test_a_model_of_our_own_reads_it_all_the_same(self, world: World) -> None:
        prediction = Prediction.model_validate_json(post(world, {"subject": "crash 7894561230123456"})["body"])
        assert (prediction.category, prediction.abstained) == ("Software Defect", False)

    def test_a_promoted_model_comes_first(self, world: World) -> None:
        model = FakeModel(lambda _: reply_text("Billing Inquiry"))
        asked = LanguageModelFallback(prompt(), "some.model", model)
        prediction = Prediction.model_validate_json(post(world, {"subject": "crash"}, fallback=asked)["body"])
        assert prediction.model_version == "v1"
        assert model.requests == []

    def test_its_failure_is_a_503(self, empty: World) -> None:
        throttled = ModelThrottled("model some.model asks for fewer calls")
        asked = LanguageModelFallback(prompt(), "some.model", FakeModel(lambda _: throttled))
        assert problem(post(empty, {"subject": SECRET}, fallback=asked), 503) == "language_model_unavailable"


def test_health(world: World, empty: World) -> None:
    answer = ask(world, "GET", "/health")
    assert Health.model_validate_json(answer["body"]) == Health(status="ok", model_version="v1")
    none = ask(empty, "GET", "/health")
    assert (none["statusCode"], json.loads(none["body"])["status"]) == (200, "no_model")
    asked = LanguageModelFallback(prompt(), "some.model", FakeModel(lambda _: ""))
    assert json.loads(ask(empty, "GET", "/health", fallback=asked)["body"])["status"] == "ok"
    world.data.objects.clear()
    assert json.loads(ask(world, "GET", "/health")["body"])["status"] == "model_unavailable"


@pytest.mark.parametrize("bad", [{}, {"run": {"run_id": "x"}}, {"requestContext": None, "httpMethod": "GET"}])
def test_what_is_no_api_event_is_an_invalid_event(world: World, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match="API Gateway"):
        respond(bad, CONTEXT, predictor(world), MAX_BYTES)
