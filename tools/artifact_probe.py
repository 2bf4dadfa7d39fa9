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
    if asked["masks"]:
        report["masked"] = _masked()
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


def _masked() -> str:
    """A text with two names after anonymization with the language model of the layer."""
    cases = importlib.import_module("plumbline.contracts.cases")
    detector = importlib.import_module("plumbline.anonymize.detector").SpacyDetector()
    case = cases.Case(case_id="smoke", messages=[cases.Message(role="customer", text=NAMED)])
    [masked] = importlib.import_module("plumbline.anonymize").anonymize([case], detector)
    text: str = masked.messages[0].text
    return text


if __name__ == "__main__":
    main()
