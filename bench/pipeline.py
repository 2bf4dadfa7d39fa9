"""The whole pipeline without model time: cases a second and each function's peak memory, as the number of cases grows.

A made-up export goes through the real template, state machine and handlers in the local stack; the stand-in for
Bedrock answers at once. Each size has a fresh process, a fresh stack and fresh files. The seconds are those of the
embedded AWS on this machine, where all functions and the services share its cores; they say nothing of AWS's own.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.generate import generate
from bench.logs import StageFigures, stage_figures
from bench.measuring import ROOT, ProcessFailed, in_fresh_process, machine, peak_mb, ratio, show
from local.stack import LocalStack
from plumbline import keys
from plumbline.contracts.runs import ReportResult
from plumbline.contracts.summary import RunSummary

_POLL_SECONDS = 1.0
_FILE = "made-up.jsonl"


class RunFailed(Exception):
    """The benchmark's run did not succeed, or not every case has its outcome."""


@dataclass(frozen=True)
class Options:
    """How the runs are made."""

    map_concurrency: int
    state_dir: Path | None


@dataclass(frozen=True)
class Measured:
    """One run. The services, the embedded AWS and the stand-in model, are one process; the workers are the functions.

    CPU seconds are from the upload to the end, starts of workers included, and do not count waiting for the machine.
    """

    cases: int
    seconds: float
    load: float
    near_duplicates: int
    selected: int
    services_mb: float
    services_cpu: float
    workers_cpu: float
    stages: list[StageFigures]

    @property
    def cpu(self) -> float:
        """CPU seconds of services and workers."""
        return self.services_cpu + self.workers_cpu

    def of(self, stage: str) -> StageFigures | None:
        """One function's figures; None where the run did not need it."""
        return next((figures for figures in self.stages if figures.stage == stage), None)


def run_here(cases: int, folder: Path, map_concurrency: int) -> Measured:
    """Label that many cases in this process's own local stack."""
    export = folder / _FILE
    generate(export, cases=cases)
    stack = LocalStack(
        ROOT / "template.yaml",
        state_dir=folder,
        parameters={
            "ModelId": "local.scripted",
            "MapConcurrency": str(map_concurrency),
            "TrainingImage": "none",
            # About half of what each of the six classes gets: the dataset grows with the run.
            "TargetPerClass": str(max(1, cases // 12)),
        },
        model="scripted",
        keep_state=False,
    )
    with stack:
        started, cpu = time.perf_counter(), time.process_time()
        output = _output(_execution(stack, export))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        s3, bucket = stack.client("s3"), stack.resources["DataBucket"]
        stored = s3.get_object(Bucket=bucket, Key=keys.summary(output.run_id))["Body"].read()
    # The workers have ended with the stack, and only then does the system count them.
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    summary = RunSummary.model_validate_json(stored)
    if summary.outcomes["labeled"] != cases:
        raise RunFailed(f"{cases} cases went in, and this came of them: {summary.outcomes}")
    return Measured(
        cases=cases,
        seconds=seconds,
        load=os.getloadavg()[1],
        near_duplicates=summary.balance.near_duplicates if summary.balance else 0,
        selected=summary.balance.selected if summary.balance else 0,
        services_mb=peak_mb(),
        services_cpu=cpu,
        workers_cpu=children.ru_utime + children.ru_stime,
        stages=list(stage_figures(folder / "logs")),
    )


def _execution(stack: LocalStack, export: Path) -> dict[str, Any]:
    """Upload the export, as a user does, and wait until the run that it starts has ended."""
    steps, machine_arn = stack.client("stepfunctions"), stack.resources["LabelCases"]
    stack.client("s3").upload_file(str(export), stack.resources["RawBucket"], f"{keys.INCOMING}{export.name}")
    while True:
        executions = steps.list_executions(stateMachineArn=machine_arn)["executions"]
        if executions and executions[0]["status"] != "RUNNING":
            described: dict[str, Any] = steps.describe_execution(executionArn=executions[0]["executionArn"])
            return described
        time.sleep(_POLL_SECONDS)


def _output(execution: dict[str, Any]) -> ReportResult:
    if execution["status"] != "SUCCEEDED":
        raise RunFailed(f"{execution['status']}: {execution.get('error')}: {execution.get('cause')}")
    return ReportResult.model_validate_json(execution["output"])


def _measured(cases: int, options: Options) -> Measured:
    with tempfile.TemporaryDirectory(dir=options.state_dir) as folder:
        found = in_fresh_process(
            "bench.pipeline", "--one", str(cases), folder, "--map-concurrency", str(options.map_concurrency)
        )
    return Measured(**{**found, "stages": [StageFigures(**stage) for stage in found["stages"]]})


def _show(runs: list[Measured]) -> None:
    base = runs[0]
    show(
        "The pipeline without model time",
        [
            "cases",
            "seconds",
            "cases/s",
            "CPU s",
            "of it workers",
            "cases/CPU s",
            "growth: cases",
            "seconds",
            "CPU",
            "load",
        ],
        [
            [
                f"{run.cases:,}",
                f"{run.seconds:.1f}",
                f"{run.cases / run.seconds:.1f}",
                f"{run.cpu:.0f}",
                f"{run.workers_cpu:.0f}",
                f"{run.cases / run.cpu:.1f}",
                ratio(run.cases, base.cases),
                ratio(run.seconds, base.seconds),
                ratio(run.cpu, base.cpu),
                f"{run.load:.1f}",
            ]
            for run in runs
        ],
        "CPU s: of the services (moto, the stand-in model) and the workers together, on all cores.",
    )
    show(
        "Around it",
        ["cases", "services' peak MB", "growth", "in the dataset", "near-duplicates"],
        [
            [
                f"{run.cases:,}",
                f"{run.services_mb:.0f}",
                ratio(run.services_mb, base.services_mb),
                f"{run.selected:,}",
                f"{run.near_duplicates:,}",
            ]
            for run in runs
        ],
        "The embedded AWS keeps every object and table of the run; on AWS that is not a process of ours.",
    )
    stages = list(dict.fromkeys(figures.stage for run in runs for figures in run.stages))
    _by_stage("Seconds by stage, summed over its invocations", runs, stages, lambda f, _: f.seconds)
    _by_stage("Milliseconds a case, by stage", runs, stages, lambda f, run: 1000 * f.seconds / run.cases)
    _by_stage("Peak memory of a worker, in MB as Lambda counts them", runs, stages, lambda f, _: f.peak_mb)


def _by_stage(
    title: str, runs: list[Measured], stages: list[str], figure: Callable[[StageFigures, Measured], float]
) -> None:
    """A row for each function, a column for each run, then how the figure grows from the first run to the last."""
    several = len(runs) > 1
    rows = []
    for stage in stages:
        found = [figure(figures, run) if (figures := run.of(stage)) else 0.0 for run in runs]
        rows.append([stage, *(f"{value:,.1f}" for value in found), *([ratio(found[-1], found[0])] if several else [])])
    show(title, ["stage", *(f"{run.cases:,}" for run in runs), *(["growth"] if several else [])], rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[1_000, 10_000], help="100000 takes an hour or more")
    parser.add_argument("--map-concurrency", type=int, default=4, help="shards at the same time")
    parser.add_argument("--state-dir", type=Path, help="where the runs' temporary folders go")
    parser.add_argument("--one", nargs=2, metavar=("CASES", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measured = run_here(int(arguments.one[0]), Path(arguments.one[1]), arguments.map_concurrency)
        print(json.dumps(asdict(measured)))
        return
    options = Options(arguments.map_concurrency, arguments.state_dir)
    print(machine())
    runs: list[Measured] = []
    try:
        for cases in arguments.cases:
            runs.append(_measured(cases, options))
            # At once, because the next size may take an hour.
            print(json.dumps(asdict(runs[-1])), file=sys.stderr, flush=True)
    except ProcessFailed as failure:
        sys.exit(str(failure))
    finally:
        if runs:
            _show(runs)
    print(machine())


if __name__ == "__main__":
    main()
