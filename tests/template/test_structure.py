"""The repository's own rules: where dependencies stand, who may import whom, what may not be written anywhere."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.template.reading import ROOT
from tools.lock import pinned, pins

SOURCES = ("functions", "layers/core/plumbline", "cli", "local", "bench", "tools", "training")
HEAVY = {"spacy", "onnxruntime", "tokenizers", "autogluon", "torch", "numpy"}


def _python(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _packages(folder: str) -> dict[Path, set[str]]:
    return {path: {name.split(".")[0] for name in _imports(path)} for path in _python(folder)}


def test_each_layer_has_the_versions_that_are_tested_with() -> None:
    layers = {name: pins(ROOT / "layers" / name / "requirements.txt") for name in pinned()}
    layers["nlp"] |= pins(ROOT / "layers" / "nlp" / "model.txt")
    for name, wanted in pinned().items():
        assert set(wanted) <= layers[name], "run `make lock`"
        assert all("==" in pin for pin in layers[name])


def test_what_two_layers_share_has_one_version() -> None:
    first, second = (
        {pin.split("==")[0].lower(): pin for pin in pins(ROOT / "layers" / name / "requirements.txt")}
        for name in ("dependencies", "nlp")
    )
    assert {name: first[name] for name in first.keys() & second.keys()} == {
        name: second[name] for name in first.keys() & second.keys()
    }


def test_the_package_imports_neither_the_functions_nor_the_laptops_side() -> None:
    for path, packages in _packages("layers/core/plumbline").items():
        assert not packages & {"functions", "cli", "local", "bench", "tools", "tests"}, path


def test_functions_import_only_the_package_and_powertools() -> None:
    for path, packages in _packages("functions").items():
        allowed = {"plumbline", "aws_lambda_powertools", "typing", "collections", "datetime", "functions", "functools"}
        assert packages <= allowed, path


def test_boto3_stays_in_the_adapters() -> None:
    for path, packages in _packages("layers/core/plumbline").items():
        if "adapters" not in path.parts:
            assert not packages & {"boto3", "botocore"}, path


def test_nothing_reads_the_environment_but_settings() -> None:
    for path in _python("layers/core/plumbline"):
        if path.name != "settings.py":
            text = path.read_text("utf-8")
            assert "os.environ" not in text, path
            assert "getenv" not in text, path


def test_no_machine_is_named_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    # Put together here so that this file does not name them itself.
    forbidden = ["/" + "work/", "/" + "root/", "/." + "library", "file:///" + "opt", "farm" + "-"]
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix in {".png", ".gz", ".onnx"} or not path.is_file():
            continue
        text = path.read_text("utf-8")
        for word in forbidden:
            assert word not in text, f"{name} names {word}"
