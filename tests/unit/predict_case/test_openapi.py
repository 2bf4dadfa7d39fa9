"""The API's description: complete, in one shape, and true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import plumbline
from plumbline.contracts.api import ErrorAnswer, Health, Prediction
from plumbline.predict_case.body import MAX_LEVELS, MAX_VALUES
from plumbline.predict_case.openapi import ERRORS
from plumbline.predict_case.request import MAX_MESSAGES, CaseBody
from tests.template.reading import ROOT, resources
from tests.unit.predict_case.calling import ask, post
from tests.unit.predict_case.models import World


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(world, "GET", "/openapi.json")["body"])
    return found


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(child)


class TestOpenApi:
    def test_it_says_what_it_describes(self, document: dict[str, Any]) -> None:
        assert document["servers"] == [{"url": "/v1"}]
        assert document["info"]["title"] == "Plumbline: root causes of support cases"
        assert document["info"]["version"] == plumbline.__version__
        assert set(document["paths"]) == {"/predictions", "/health"}
        tags = {tag["name"] for tag in document["tags"] if tag["description"]}
        for path in document["paths"].values():
            for operation in path.values():
                assert operation["summary"]
                assert operation["description"]
                assert set(operation["tags"]) <= tags

    def test_every_reference_resolves_and_no_schema_is_left_over(self, document: dict[str, Any]) -> None:
        schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert {node["$ref"] for node in parts(document) if "$ref" in node} == schemas

    def test_every_answer_is_documented_in_its_one_shape(self, document: dict[str, Any]) -> None:
        post_, get = document["paths"]["/predictions"]["post"], document["paths"]["/health"]["get"]
        assert set(post_["responses"]) == {"200", *(str(int(status)) for status in ERRORS)}
        assert list(get["responses"]) == ["200", "403", "429", "500", "502", "504"]
        for operation, shape in ((post_, "Prediction"), (get, "Health")):
            for status, response in operation["responses"].items():
                reference = response["content"]["application/json"]["schema"]["$ref"]
                assert reference.endswith(f"/{shape if status == '200' else 'ErrorAnswer'}"), status
                assert response["description"]

    def test_every_example_is_what_its_model_takes(self, document: dict[str, Any]) -> None:
        models: dict[str, type[BaseModel]] = {
            "Prediction": Prediction,
            "Health": Health,
            "ErrorAnswer": ErrorAnswer,
            "CaseBody": CaseBody,
        }
        contents = [
            content["application/json"] for node in parts(document["paths"]) if (content := node.get("content"))
        ]
        assert len(contents) == 1 + 1 + len(ERRORS) + 6
        for content in contents:
            model = models[content["schema"]["$ref"].rpartition("/")[2]]
            assert content["examples"]
            for example in content["examples"].values():
                assert example["summary"]
                model.model_validate_json(json.dumps(example["value"]))

    def test_the_examples_of_a_case_are_answered(self, world: World, document: dict[str, Any]) -> None:
        case = document["components"]["schemas"]["CaseBody"]
        assert {"case_id", "subject", "messages"} == set(case["properties"])
        request = document["paths"]["/predictions"]["post"]["requestBody"]["content"]["application/json"]
        for example in [*case["examples"], *(named["value"] for named in request["examples"].values())]:
            assert post(world, example)["statusCode"] == 200

    def test_api_gateways_own_answers_are_documented(self, document: dict[str, Any]) -> None:
        gateway = resources("AWS::Serverless::Api")["PredictionsApi"]["Properties"]["GatewayResponses"]
        documented = {code for _, messages in ERRORS.values() for code in messages}
        for kind, response in gateway.items():
            template = response["ResponseTemplates"]["application/json"]
            error = ErrorAnswer.model_validate_json(template).error
            assert error.code in documented, kind
        assert document["info"]["description"].count("not_found") == 1

    def test_the_page_of_the_documentation_lists_every_code(self) -> None:
        text = (ROOT / "docs/api.md").read_text("utf-8")
        codes = {code for _, messages in ERRORS.values() for code in messages} | {"not_found", "method_not_allowed"}
        assert [code for code in codes if f"`{code}`" not in text] == []
        limits = (MAX_VALUES, MAX_MESSAGES, MAX_LEVELS)
        assert [limit for limit in limits if f"{limit:,}" not in text] == []


def test_the_swagger_page_needs_no_other_site(world: World) -> None:
    answer = ask(world, "GET", "/swagger")
    assert answer["statusCode"] == 200
    assert answer["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert "/predictions" in answer["body"]
    assert "src=" not in answer["body"].split("<script>")[0]
    assert "<title>Plumbline" in answer["body"]
    assert 'name="viewport"' in answer["body"]
    assert len(answer["body"]) < 6_000_000
