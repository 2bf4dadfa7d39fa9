"""Imports and invokes every built artifact in the runtime's Python, with nothing on its path but the artifact."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.answers import examples
from tools.artifact_probe import NAMED
from tools.built import ROOT, BuiltFunction, built_functions
from tools.find_python import find

LIMIT_BYTES = 250 * 1024 * 1024  # Lambda quotas: function and layers, unzipped
NAMES = ("Gwendolyn", "Harcastle", "Piotr", "Nowakowski")
# Of the package, these modules need the nlp layer already when they are imported.
NEED_NLP = ["plumbline.anonymize.national_ids", "plumbline.anonymize.phones"]
OURS_ALONE = {"tests", "local", "cli", "bench", "tools", "samples", "events"}


def main() -> int:
    """0 when every artifact imports, answers a bad event with InvalidEvent, fits, and holds nothing foreign."""
    python = find("3.12") / "python3.12"
    faults: list[str] = []
    print(f"{'function':<28}{'MB':>7}{'import CPU ms':>15}")
    for function in built_functions():
        report = _probe(function, python)
        faults += [f"{function.logical_id}: {fault}" for fault in (*_faults(report), *_content_faults(function))]
        megabytes = function.unzipped_bytes / 1024**2
        print(f"{function.logical_id:<28}{megabytes:>7.1f}{report.get('import_ms', '-'):>15}")
    for fault in faults:
        print(f"FAILED {fault}", file=sys.stderr)
    print(
        f"{len(faults)} fault(s)" if faults else "Every artifact imports, refuses a bad event as it should, and fits."
    )
    return 1 if faults else 0


def _probe(function: BuiltFunction, python: Path) -> dict[str, Any]:
    """What the artifact does in a Python of its own: isolated, without site-packages, from an empty folder."""
    bad = next(e for e in examples() if e.function == function.stage and e.error == "InvalidEvent")
    nlp = "NlpLayer" in function.layers
    asked = {
        "search_path": function.search_path,
        "handler": function.handler,
        "event": bad.event,
        "skip": [] if nlp else NEED_NLP,
        "masks": nlp,
        "infers": "InferenceLayer" in function.layers,
    }
    probe = ROOT / "tools" / "artifact_probe.py"
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            # -B: an artifact must not change by being tried. Lambda's own folders cannot be written to either.
            [python, "-I", "-S", "-B", probe, json.dumps(asked)],
            env=_environment(function),
            cwd=empty,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    if done.returncode:
        return {"crash": done.stderr.strip().splitlines()[-1:]}
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report


def _environment(function: BuiltFunction) -> dict[str, str]:
    variables = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    # What the prompts layer puts under /opt.
    prompts = {"PROMPTS_DIR": str(function.layers["PromptsLayer"])} if "PromptsLayer" in function.layers else {}
    return variables | dict(function.environment) | prompts


def _faults(report: dict[str, Any]) -> list[str]:
    if "crash" in report:
        return [f"does not import: {' '.join(report['crash'])}"]
    faults = [f"cannot import {module}" for module in report["unimportable"]]
    if report["error"] != "InvalidEvent":
        faults.append(f"answers a bad event with {report['error']}, not with InvalidEvent")
    faults += [
        f"has no client of {service}: keep it in layers/dependencies/Makefile" for service in report["no_client"]
    ]
    if report.get("no_inference"):
        faults.append(f"cannot run a model: {report['no_inference']}")
    masked = report.get("masked")
    if masked is not None and (masked == NAMED or any(name in masked for name in NAMES) or "[NAME_1]" not in masked):
        faults.append("does not mask a name: the model of the nlp layer finds none")
    return faults


def _content_faults(function: BuiltFunction) -> list[str]:
    faults = []
    if function.unzipped_bytes > LIMIT_BYTES:
        faults.append(f"is {function.unzipped_bytes / 1024**2:.0f} MB unzipped with its layers; Lambda allows 250")
    names = [name for name, _ in function.files()]
    tops = {name.removeprefix("python/").split("/")[0] for name in names}
    faults += [f"holds {top}/, which belongs to the repository alone" for top in sorted(tops & OURS_ALONE)]
    foreign = [n for n in names if n.startswith("functions/") and not n.startswith(f"functions/{function.stage}/")]
    faults += [f"holds another function's {name}" for name in foreign]
    faults += [f"holds {name}" for name in names if Path(name).name.startswith(".env")]
    return faults


if __name__ == "__main__":
    sys.exit(main())
