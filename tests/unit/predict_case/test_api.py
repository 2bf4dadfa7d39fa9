"""The API's answers, good and bad: one shape for every error, and nothing of the case in any log or error."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize.detector import PatternDetector
from plumbline.contracts.api import ErrorAnswer, Health, Prediction
from plumbline.contracts.errors import InvalidEvent, ModelThrottled, StoreDenied
from plumbline.contracts.models import MODEL_FILE
from plumbline.predict_case import CasePredictor
from plumbline.predict_case.api import respond
from plumbline.predict_case.current import CurrentModel
from plumbline.predict_case.fallback import LanguageModelFallback
from tests.builders import answer as reply_text
from tests.builders import prompt
from tests.fakes import FakeModel
from tests.unit.predict_case.models import World

SECRET = "zebrafish"  # what no answer and no log may repeat
CONTEXT = cast("LambdaContext", SimpleNamespace(aws_request_id="lambda-1", get_remaining_time_in_millis=lambda: 20_000))
MAX_BYTES = 100_000


def event(method: str, path: str, body: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"content-type": "application/x-www-form-urlencoded"},  # what curl -d sends
        "multiValueHeaders": {"content-type": ["application/x-www-form-urlencoded"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "api-1", "stage": "v1", "path": f"/v1{path}"},
        "body": body,
        "isBase64Encoded": False,
    } | changes


@pytest.fixture
def empty(tmp_path: Path) -> World:
    return World(tmp_path / "empty")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.promote("v1")
    return world


def predictor(world: World, fallback: LanguageModelFallback | None = None) -> CasePredictor:
    models = CurrentModel("root_cause", registry=world.registry, data=world.data, cache=world.cache)
    return CasePredictor(models, PatternDetector(), 0.6, 6000, (lambda: fallback) if fallback else None)


def ask(world: World, *request: Any, fallback: LanguageModelFallback | None = None, **changes: Any) -> dict[str, Any]:
    return respond(event(*request, **changes), CONTEXT, predictor(world, fallback), MAX_BYTES)


def post(world: World, case: Any, **changes: Any) -> dict[str, Any]:
    return ask(world, "POST", "/predictions", json.dumps(case), **changes)


def problem(answer: dict[str, Any], status: int) -> str:
    """The error's code, when the answer is one in the documented shape."""
    assert answer["statusCode"] == status
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert answer["multiValueHeaders"]["x-request-id"] == ["api-1"]
    error = ErrorAnswer.model_validate_json(answer["body"]).error
    assert error.request_id == "api-1"
    assert error.message
    assert SECRET not in answer["body"]
    return error.code


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Every record with all its fields, tracebacks too."""
    return "\n".join(f"{caplog.handler.format(record)} {vars(record)}" for record in caplog.records)


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
    ("body", "status", "code"),
    [
        (None, 400, "empty_body"),
        ("", 400, "empty_body"),
        (SECRET, 400, "invalid_json"),
        ('{"subject": "zebrafish', 400, "invalid_json"),
        ('{"subject": "zebrafish\x01\x02"}', 400, "invalid_json"),
        ("[" * 50_000, 400, "invalid_json"),
        ('{"case_id": ' + "9" * 5000 + "}", 400, "invalid_json"),
        (f'["{SECRET}"]', 422, "invalid_request"),
        (f'"{SECRET}"', 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ("{}", 422, "invalid_case"),
        ('{"messages": []}', 422, "invalid_case"),
        ('{"messages": [{"role": "customer", "text": "  "}], "subject": ""}', 422, "invalid_case"),
        ('{"messages": [{"text": "\\u0000\\u0001\\u0002\\u001b"}]}', 422, "invalid_case"),
        ('{"messages": 5, "subject": "zebrafish"}', 422, "invalid_request"),
        ('{"messages": [{"text": ["zebrafish"]}]}', 422, "invalid_request"),
        ('{"subject": ["zebrafish"]}', 422, "invalid_request"),
        ('{"zebrafish": "zebrafish"}', 422, "invalid_case"),
        ('{"subject": "\\ud800 zebrafish"}', 422, "invalid_case"),
        ('{"case_id": "' + "x" * 300 + '", "subject": "zebrafish"}', 422, "invalid_case"),
        (json.dumps({"subject": SECRET * 20_000}), 413, "case_too_large"),
    ],
)
def test_a_bad_body_is_refused_in_the_documented_shape_without_a_word_of_it(
    world: World, caplog: pytest.LogCaptureFixture, body: str | None, status: int, code: str
) -> None:
    assert problem(ask(world, "POST", "/predictions", body), status) == code
    assert SECRET not in logged(caplog)


@pytest.mark.parametrize("body", [base64.b64encode(b'{"subject": "\xff\xfe"}').decode(), "not base64!", "ä"])
def test_what_is_no_utf8_is_refused(world: World, body: str) -> None:
    answer = ask(world, "POST", "/predictions", body, isBase64Encoded=True)
    assert problem(answer, 400) == "invalid_encoding"


def test_base64_and_a_byte_order_mark_are_read(world: World) -> None:
    body = base64.b64encode(b'\xef\xbb\xbf{"subject": "crash"}').decode()
    assert ask(world, "POST", "/predictions", body, isBase64Encoded=True)["statusCode"] == 200


def test_deep_nesting_in_a_field_that_nobody_reads_does_no_harm(world: World) -> None:
    body = '{"subject": "crash", "x": ' + '{"a":' * 400 + "1" + "}" * 401
    assert ask(world, "POST", "/predictions", body)["statusCode"] == 200


def test_a_flood_of_control_characters_among_text_is_left_out(world: World) -> None:
    case = {"subject": "crash", "messages": [{"text": "\x00\x1b" * 2000 + "crash"}]}
    assert Prediction.model_validate_json(post(world, case)["body"]).category == "Software Defect"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/predictions", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("POST", "/swagger", 405, "method_not_allowed"),
        ("GET", "/predict", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
    ],
)
def test_unknown_paths_and_methods(world: World, method: str, path: str, status: int, code: str) -> None:
    answer = ask(world, method, path)
    assert problem(answer, status) == code
    assert ("Allow" in answer["multiValueHeaders"]) == (status == 405)


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


def test_openapi_documents_the_canonical_case_and_the_one_error_shape(world: World) -> None:
    document = json.loads(ask(world, "GET", "/openapi.json")["body"])
    assert document["servers"] == [{"url": "/v1"}]
    assert set(document["paths"]) == {"/predictions", "/health"}
    case = document["components"]["schemas"]["CaseBody"]
    assert {"case_id", "subject", "messages"} == set(case["properties"])
    for example in case["examples"]:
        assert post(world, example)["statusCode"] == 200
    responses = document["paths"]["/predictions"]["post"]["responses"]
    for status, response in responses.items():
        reference = response["content"]["application/json"]["schema"]["$ref"]
        assert reference.endswith("/Prediction" if status == "200" else "/ErrorAnswer"), status
    assert "HTTPValidationError" not in json.dumps(document["paths"])
    assert {"400", "413", "422", "500", "503"} < set(responses)


# Powertools leaves the page's two files open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_swagger_page_needs_no_other_site(world: World) -> None:
    answer = ask(world, "GET", "/swagger")
    assert answer["statusCode"] == 200
    assert answer["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert "/predictions" in answer["body"]
    assert "src=" not in answer["body"].split("<script>")[0]
    assert len(answer["body"]) < 6_000_000


@pytest.mark.parametrize("bad", [{}, {"run": {"run_id": "x"}}, {"requestContext": None, "httpMethod": "GET"}])
def test_what_is_no_api_event_is_an_invalid_event(world: World, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match="API Gateway"):
        respond(bad, CONTEXT, predictor(world), MAX_BYTES)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(st.sampled_from(["subject", "messages", "text", "id", "x"]), inside, max_size=4)
    ),
    max_leaves=15,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("models"))
    world.promote("v1")
    return world


@given(value=_JSON)
def test_any_json_gets_an_answer_in_a_documented_shape(shared: World, value: Any) -> None:
    answer = post(shared, value)
    assert answer["statusCode"] in (200, 400, 422), answer
    kind = Prediction if answer["statusCode"] == 200 else ErrorAnswer
    kind.model_validate_json(answer["body"])
