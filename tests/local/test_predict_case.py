"""The real template: cases over HTTP through the real function, while models are promoted."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from local import info
from local.stack import LocalStack
from plumbline.contracts.api import ErrorAnswer
from plumbline.contracts.models import DatasetRef
from tests.fakes import MemoryModelRegistry, MemoryStore
from tests.template.reading import ROOT
from tools.tiny_model import put_in_service

pytestmark = pytest.mark.xdist_group("embedded-aws")
CATEGORIES = ("Billing Inquiry", "Software Defect")
DATASET = DatasetRef(version="d1", manifest_sha256="0" * 64, rows={"train": 4}, train_per_class={})
CASE = {"subject": "A crash", "messages": [{"role": "customer", "text": "Hello, I am Gwendolyn Harcastle. crash"}]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("stack")
    with LocalStack(ROOT / "template.yaml", state_dir=folder, model="scripted", keep_state=False) as stack:
        note = info.read(folder)
        assert note is not None
        assert note.api_endpoint == stack.api_endpoint
        yield stack


def _promote(stack: LocalStack, version: str) -> None:
    data, registry = MemoryStore(), MemoryModelRegistry()
    words = {"invoice": CATEGORIES[0], "crash": CATEGORIES[1]}
    pointer = put_in_service(data, registry, version, CATEGORIES, words, DATASET)
    for key, content in data.objects.items():
        stack.client("s3").put_object(Bucket=stack.resources["DataBucket"], Key=key, Body=content)
    stack.client("ssm").put_parameter(
        Name=f"/{stack.stack_name}/models/root_cause", Value=pointer.model_dump_json(), Type="String", Overwrite=True
    )


def _post(stack: LocalStack, case: Any) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{stack.api_endpoint}/predictions", data=json.dumps(case).encode())
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.parametrize("path", ["", "/", "/nothing"])
def test_where_nothing_stands_the_function_says_what_there_is(stack: LocalStack, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{stack.api_endpoint}{path}")
    with refused.value as answer:
        error = ErrorAnswer.model_validate_json(answer.read()).error
    assert (answer.code, error.code) == (404, "not_found")
    assert "POST /predictions" in error.message


def test_a_chunked_case_is_read_like_any_other(stack: LocalStack) -> None:
    body = iter([b'{"subject"', b": []}"])
    request = urllib.request.Request(f"{stack.api_endpoint}/predictions", data=body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert (answer.code, b"`subject` is a list" in answer.read()) == (422, True)


def test_a_case_over_http_before_during_and_after_promotions(stack: LocalStack) -> None:
    outputs = stack.client("cloudformation").describe_stacks()["Stacks"][0]["Outputs"]
    assert {o["OutputKey"]: o["OutputValue"] for o in outputs}["ApiUrl"] == stack.api_endpoint
    status, answer = _post(stack, CASE)
    assert (status, answer["error"]["code"]) == (503, "no_model")
    _promote(stack, "v1")
    asked_until = time.monotonic() + 60
    while (found := _post(stack, CASE))[0] == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < asked_until:
        assert found[1]["error"]["code"] == "no_model"  # what it read last holds for two seconds
    status, answer = found
    assert (status, answer["category"], answer["model_version"]) == (200, "Software Defect", "v1")
    assert answer["anonymized_entities"] == {"NAME": 1}
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(_post, stack, CASE) for _ in range(100)]
        _promote(stack, "v2")
        asked += [pool.submit(_post, stack, CASE) for _ in range(100)]
        answers = [future.result() for future in asked]
    assert {status for status, _ in answers} == {200}
    assert {answer["category"] for _, answer in answers} == {"Software Defect"}
    logs = "".join(path.read_text("utf-8") for path in (Path(stack._folder) / "logs").glob("PredictCase*.log"))
    assert "Gwendolyn" not in logs
    assert "crash" not in logs
