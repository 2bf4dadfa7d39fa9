"""One case's prediction: latency, cold start and memory of PredictCase against AutoGluon's own predict, same model.

`--model` is an unpacked model.tar.gz: `predictor/` (AutoMM) and `serving/` (what the exported graph needs). Each
contestant runs in a process of its own, in turns, so that a busy machine slows all alike, on the same cases.
"PredictCase" is the whole handler's work on a request: JSON, masking with spaCy, the graph, the answer; "graph alone"
reads a text that is masked already, as AutoGluon's predict and its realtime=True do. A cold start is imports, loading
and the first answer; AutoGluon's import is part of it, as it would be in a function. Percentiles leave the first answer
out. Beside it: cases per second of predict_shard by shard size. AutoGluon runs in the training environment
(PLUMBLINE_TRAINING_PYTHON, or .venv-training); without one the others run alone.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from bench.measuring import ROOT, ProcessFailed, environment, machine, peak_mb, ratio, show
from plumbline.contracts.cases import AnonymizedCase, Case
from plumbline.contracts.models import SERVING_FILES, ModelPointer, ServingFile

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

CASES = ROOT / "samples" / "cases.jsonl"
NAMES = {
    "handler": "PredictCase",
    "graph": "graph alone",
    "predict": "AutoGluon predict",
    "realtime": "AutoGluon realtime=True",
}
_AUTOGLUON = ("predict", "realtime")
_SHARDS = (1, 5, 10, 25, 50)
_CHILD = Path(__file__).with_name("autogluon_child.py")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.predict_latency", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="an unpacked model.tar.gz")
    parser.add_argument("--cases", type=int, default=100, help="how many of the sample cases are asked, each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestant", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        print(json.dumps(_run_here(options.contestant, options.model, options.cases)))
        return
    print(machine())
    python = training_python()
    contestants = [name for name in NAMES if python or name not in _AUTOGLUON]
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name in contestants:
            taken[name].append(_measured(name, options.model, options.cases, python))
    _table(taken, options.cases)
    _shard_table(options.model, options.rounds)
    print(machine())


def training_python() -> Path | None:
    """The Python that has AutoGluon, where there is one."""
    named = os.environ.get("PLUMBLINE_TRAINING_PYTHON")
    python = Path(named) if named else ROOT / ".venv-training" / "bin" / "python"
    if not python.exists():
        print("No training environment (PLUMBLINE_TRAINING_PYTHON): AutoGluon is left out.", file=sys.stderr)
        return None
    return python


def raw_cases(count: int) -> list[Case]:
    """The first of the sample cases, again from the start where they do not suffice."""
    lines = CASES.read_bytes().splitlines()
    return [Case.model_validate_json(lines[number % len(lines)]) for number in range(count)]


def _measured(contestant: str, model: Path, count: int, python: Path | None) -> dict[str, Any]:
    """What one contestant needs: `cold` seconds, `warm` seconds of each answer, `mb` of memory at the most."""
    if contestant in _AUTOGLUON:
        command: list[str | Path] = [cast("Path", python), _CHILD, model / "predictor", contestant]
    else:
        arguments = ["--model", str(model), "--cases", str(count), "--contestant", contestant]
        command = [sys.executable, "-m", "bench.predict_latency", *arguments]
    asked = json.dumps(_texts(raw_cases(count))) if contestant in _AUTOGLUON else ""
    environ = environment() | {"POWERTOOLS_TRACE_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, input=asked, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ProcessFailed(f"{NAMES[contestant]} ended with {done.returncode}; its errors stand above")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _texts(cases: Sequence[Case]) -> list[str]:
    from plumbline.case_text import case_text  # noqa: PLC0415 - a contestant measures its own imports

    return [case_text(case) for case in _masked(cases)]


def _masked(cases: Sequence[Case]) -> list[AnonymizedCase]:
    """The cases as predict_shard gets them. Patterns are enough here: what is measured reads any text."""
    from plumbline.anonymize import Privacy, anonymize  # noqa: PLC0415 - as above
    from plumbline.anonymize.detector import PatternDetector  # noqa: PLC0415

    hashes = [case.content_hash() for case in cases]
    masked = anonymize(cases, Privacy(PatternDetector()))
    return [case.model_copy(update={"content_hash": known}) for case, known in zip(masked, hashes, strict=True)]


def _run_here(contestant: str, model: Path, count: int) -> dict[str, Any]:
    cases = raw_cases(count)
    asked: list[Any] = _texts(cases) if contestant == "graph" else [_event(case) for case in cases]
    os.environ["POWERTOOLS_LOG_LEVEL"] = "ERROR"  # a line a case is not what is measured
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        answer = _graph(model) if contestant == "graph" else _handler(model, Path(folder))
        answer(asked[0])
        cold = time.perf_counter() - started
        warm = []
        for one in asked[1:]:
            before = time.perf_counter()
            answer(one)
            warm.append(time.perf_counter() - before)
    return {"cold": cold, "warm": warm, "mb": peak_mb()}


def _graph(model: Path) -> Any:
    from plumbline.predict.classifier import Classifier  # noqa: PLC0415 - part of the cold start

    classifier = Classifier.load(model / "serving")
    return lambda text: classifier.probabilities([text])


def _handler(model: Path, cache: Path) -> Any:
    """The work of functions/predict_case, with a folder in the place of S3 and a fixed pointer in the place of SSM."""
    from bench.ingest import DiskStore  # noqa: PLC0415 - part of the cold start
    from plumbline.anonymize import Privacy  # noqa: PLC0415
    from plumbline.anonymize.detector import SpacyDetector  # noqa: PLC0415
    from plumbline.predict_case import CasePredictor  # noqa: PLC0415
    from plumbline.predict_case.api import respond  # noqa: PLC0415
    from plumbline.predict_case.current import CurrentModel  # noqa: PLC0415

    registry: Any = SimpleNamespace(current=lambda _: pointer_to(model))
    current = CurrentModel("root_cause", registry=registry, data=DiskStore(model), cache=cache)
    predictor = CasePredictor(current, Privacy(SpacyDetector()), 0.5, 6000)
    context = cast("LambdaContext", SimpleNamespace(aws_request_id="bench"))

    def answer(event: dict[str, Any]) -> None:
        status = respond(event, context, predictor, 1_000_000)["statusCode"]
        if status != 200:
            raise ProcessFailed(f"the API answered {status}")

    return answer


def _event(case: Case) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": "/predictions",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "bench", "stage": "v1", "path": "/v1/predictions"},
        "body": case.model_dump_json(include={"subject", "messages"}),
        "isBase64Encoded": False,
    }


def pointer_to(model: Path) -> ModelPointer:
    """The model as a promoted one, its folder being the bucket."""
    files = []
    for name in SERVING_FILES:
        data = (model / "serving" / name).read_bytes()
        files.append(ServingFile(name=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))
    return ModelPointer(
        task="root_cause",
        version="bench",
        prefix="serving/",
        files=tuple(files),
        promoted_at=datetime.now(UTC),
        why="by_hand",
    )


def _table(taken: dict[str, list[dict[str, Any]]], count: int) -> None:
    warm = {name: sorted(s for one in rounds for s in one["warm"]) for name, rounds in taken.items()}
    middle = {name: statistics.median(seconds) for name, seconds in warm.items()}
    memory = {name: max(one["mb"] for one in rounds) for name, rounds in taken.items()}
    theirs = [name for name in taken if name in _AUTOGLUON]
    rows = []
    for name, rounds in taken.items():
        better = min(theirs, key=lambda other: middle[other]) if theirs else name
        rows.append(
            [
                NAMES[name],
                *(f"{1000 * _percentile(warm[name], share):.1f}" for share in (0.5, 0.95, 0.99)),
                ratio(middle[name], middle[better]) if theirs else "-",
                f"{statistics.median(one['cold'] for one in rounds):.1f}",
                f"{memory[name]:,.0f}",
                ratio(memory[name], memory[better]) if theirs else "-",
            ]
        )
    columns = ["one case", "p50 ms", "p95 ms", "p99 ms", "p50 to AutoGluon's best", "cold s", "peak MB", "of its MB"]
    show(f"Single cases, {count} of the samples, {len(next(iter(taken.values())))} rounds", columns, rows)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _shard_table(model: Path, rounds: int) -> None:
    """Cases per second of predict_shard: read the shard, predict, write, remember."""
    from bench.ingest import DiskStore, EmptyLedger  # noqa: PLC0415 - as above
    from plumbline import keys  # noqa: PLC0415
    from plumbline.contracts.predictions import PredictionRun, PredictShardTask  # noqa: PLC0415
    from plumbline.jsonl import write_models  # noqa: PLC0415
    from plumbline.predict_shard import Models, predict_shard  # noqa: PLC0415

    now = datetime.now(UTC)
    pointer = pointer_to(model)
    run = PredictionRun(run_id="bench", task="root_cause", key="daily/x", started_at=now, day=now.date(), model=pointer)
    speed: dict[int, list[float]] = {size: [] for size in _SHARDS}
    with tempfile.TemporaryDirectory() as folder:
        data = DiskStore(Path(folder))
        for name in SERVING_FILES:
            data.write(pointer.prefix + name, (model / "serving" / name).read_bytes())
        models = Models(Path(folder) / "cache")
        models.get(pointer, data)
        for _ in range(rounds):
            for size in _SHARDS:
                write_models(data, keys.anonymized(run.run_id, str(size)), _masked(raw_cases(size)))
                task = PredictShardTask(run=run, shard=str(size))
                before = time.perf_counter()
                predict_shard(task, data=data, ledger=EmptyLedger(), models=models, abstain_below=0.5, now=now)
                speed[size].append(size / (time.perf_counter() - before))
    best = {size: statistics.median(found) for size, found in speed.items()}
    rows = [[str(size), f"{value:,.0f}", ratio(value, best[_SHARDS[0]])] for size, value in best.items()]
    show(f"predict_shard, one thread, {rounds} rounds", ["cases in a shard", "cases/s", "to a shard of one"], rows)


if __name__ == "__main__":
    main()
