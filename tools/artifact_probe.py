"""Runs inside the Lambda runtime's Python, with nothing to import but one built function and its layers.

Takes a JSON text (search path, handler, bad event, whether names are to be masked), prints one JSON line.
"""

import importlib
import json
import pkgutil
import sys
import time
from types import SimpleNamespace
from typing import Any

CONTEXT = SimpleNamespace(aws_request_id="smoke", get_remaining_time_in_millis=lambda: 60_000)
# y = Identity(x) over one float, as ONNX.
IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a02080142040a001011"
)
NAMED = "Hello, my name is Gwendolyn Harcastle and Piotr Nowakowski from sales cannot log in either."


def main() -> None:
    """Import, invoke with an event that is none, import every other module, mask a name."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    sys.path[:0] = asked["search_path"]
    module, _, name = asked["handler"].rpartition(".")
    started = time.process_time()  # of this process alone: a busy machine changes little
    handler = getattr(importlib.import_module(module), name)
    report: dict[str, Any] = {"import_ms": round(1000 * (time.process_time() - started))}
    try:
        handler(asked["event"], CONTEXT)
        report["error"] = None
    except Exception as error:  # noqa: BLE001 - which error comes is what is asked
        report["error"] = type(error).__name__
    report["unimportable"] = _unimportable(asked["skip"])
    report["no_client"] = _without_client()
    if asked["masks"]:
        report["masked"] = _masked()
    if asked["infers"]:
        report["no_inference"] = _no_inference()
    sys.stdout.write("\n" + json.dumps(report) + "\n")


def _unimportable(skip: list[str]) -> list[str]:
    """The modules of the package that do not import here: a library is missing from the layers."""
    package = importlib.import_module("plumbline")
    failed = []
    for module in pkgutil.walk_packages(package.__path__, "plumbline."):
        if module.name in skip:
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            failed.append(f"{module.name} ({error})")
    return failed


def _without_client() -> list[str]:
    """The AWS services that an adapter calls and boto3 cannot: their description is missing from the layer."""
    adapter = importlib.import_module("plumbline.adapters.clients")
    makers = {name: make for name, make in vars(adapter).items() if getattr(make, "__module__", "") == adapter.__name__}
    failed = []
    for name, make in [*makers.items(), ("bedrock-runtime", lambda: _boto3_client("bedrock-runtime"))]:
        if name.startswith("_"):
            continue
        try:
            make()
        except Exception as error:  # noqa: BLE001 - botocore has many names for it
            failed.append(f"{name} ({type(error).__name__})")
    return failed


def _boto3_client(service: str) -> Any:
    return importlib.import_module("boto3").client(service)


def _no_inference() -> str | None:
    """Why no model could be run here: a library is missing, or was pruned too far."""
    try:
        runtime = importlib.import_module("onnxruntime")
        tokenizers = importlib.import_module("tokenizers")
        tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).encode("a")
        options = runtime.SessionOptions()
        # The smallest graph there is, as protobuf: y = Identity(x), a float of one element.
        session = runtime.InferenceSession(IDENTITY, options, providers=["CPUExecutionProvider"])
        numpy = importlib.import_module("numpy")
        [answer] = session.run(["y"], {"x": numpy.ones(1, dtype=numpy.float32)})
        return None if answer.tolist() == [1.0] else "a graph gives another answer"
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises bare and undocumented kinds
        return f"{type(error).__name__}: {error}"


def _masked() -> str:
    """A text with two names after anonymization with the language model of the layer."""
    cases = importlib.import_module("plumbline.contracts.cases")
    detector = importlib.import_module("plumbline.anonymize.detector").SpacyDetector()
    case = cases.Case(case_id="smoke", messages=[cases.Message(role="customer", text=NAMED)])
    anonymize = importlib.import_module("plumbline.anonymize")
    [masked] = anonymize.anonymize([case], anonymize.Privacy(detector))
    text: str = masked.messages[0].text
    return text


if __name__ == "__main__":
    main()
