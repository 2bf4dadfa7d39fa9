"""What the artifact smoke has to notice."""

from pathlib import Path
from typing import Any

import pytest

from tools.artifact_probe import NAMED
from tools.built import BuiltFunction
from tools.smoke import _content_faults, _faults

GOOD: dict[str, Any] = {"import_ms": 1, "error": "InvalidEvent", "unimportable": [], "no_client": []}
MASKED = "Hello, my name is [NAME_1] and [NAME_2] from sales cannot log in either."


@pytest.mark.parametrize("report", [GOOD, GOOD | {"masked": MASKED}])
def test_a_sound_artifact_has_no_fault(report: dict[str, Any]) -> None:
    assert _faults(report) == []


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"crash": ["ModuleNotFoundError: No module named 'boto3'"]}, "does not import: ModuleNotFoundError"),
        (GOOD | {"unimportable": ["plumbline.report (No module named 'jinja2')"]}, "cannot import plumbline.report"),
        (GOOD | {"no_client": ["ssm (UnknownServiceError)"]}, "has no client of ssm"),
        (GOOD | {"no_inference": "ImportError: numpy"}, "cannot run a model: ImportError: numpy"),
        (GOOD | {"error": "InvalidSettings"}, "answers a bad event with InvalidSettings"),
        (GOOD | {"error": None}, "answers a bad event with None"),
        (GOOD | {"masked": NAMED}, "does not mask a name"),
        (GOOD | {"masked": NAMED.replace("Gwendolyn Harcastle", "[NAME_1]")}, "does not mask a name"),
    ],
)
def test_a_fault_is_named(report: dict[str, Any], said: str) -> None:
    [fault] = _faults(report)
    assert fault.startswith(said)


@pytest.fixture
def function(tmp_path: Path) -> BuiltFunction:
    for name in ("code/functions/parse/handler.py", "core/python/plumbline/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    return BuiltFunction(
        logical_id="ParseFunction",
        stage="parse",
        handler="functions.parse.handler.lambda_handler",
        folder=tmp_path / "code",
        layers={"CoreLayer": tmp_path / "core"},
        environment={},
    )


def test_an_artifact_of_its_own_code_and_layers_is_clean(function: BuiltFunction) -> None:
    assert _content_faults(function) == []
    assert function.search_path == [str(function.folder), str(function.layers["CoreLayer"] / "python")]


@pytest.mark.parametrize(
    "name", ["code/tests/x.py", "core/python/local/x.py", "code/functions/report/handler.py", "code/.env"]
)
def test_what_does_not_belong_into_an_artifact_is_named(function: BuiltFunction, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    [fault] = _content_faults(function)
    assert fault.startswith("holds ")


def test_an_artifact_above_lambdas_limit_is_named(function: BuiltFunction) -> None:
    with (function.folder / "big").open("wb") as file:
        file.truncate(251 * 1024 * 1024)  # sparse: takes no room
    assert _content_faults(function) == ["is 251 MB unzipped with its layers; Lambda allows 250"]
