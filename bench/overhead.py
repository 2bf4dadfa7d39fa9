"""What the pipeline costs beside the model, on paper: Step Functions, Lambda, S3, DynamoDB and logs per 1,000 cases.

A made-up export goes through the shipped template, state machine and handlers on the local stack. S3 requests and
DynamoDB units are counted on their way; transitions on the shipped state machine. The functions' seconds are those of
docs/benchmarks.md (or this run's own, `--seconds here`); the time that Classify waits for a model is assumed.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from samtranslator.yaml_helper import yaml_parse

from bench.aws_bill import (
    ALARM_METRIC_USD,
    CUSTOM_METRIC_USD,
    DASHBOARD_USD,
    PRICES,
    PRICES_AS_OF,
    Requests,
    gb_seconds,
    walk,
)
from bench.generate import generate
from bench.logs import StageFigures, stage_figures
from bench.measuring import ROOT, machine, show
from local import moto_patches
from local.stack import LocalStack
from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase
from plumbline.estimate import CaseTokens, Load, ModelCosts
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.prompting import load_prompt, prompt_tokens

MODEL: Final = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
PER: Final = 1_000
_SHARD, _AT_ONCE = 50, 8
# Busy milliseconds a case: docs/benchmarks.md, "The pipeline without model time", 10,000 cases, on a loaded machine.
MS_A_CASE: Final = {
    "ingest": 0.4,
    "anonymize": 54.2,
    "classify": 34.2,
    "parse": 3.7,
    "collate": 1.0,
    "check_balance": 0.4,
}
_AIM = 0.05
# Every shard has a case to repair: with one reply in fifty unreadable, two shards of three do.
_SHARD_WAYS: Final = {
    "AlreadyMasked": ["Anonymize"],
    "OnlyEmbed": ["FirstAttempt"],
    "OnlyRead": ["Classify"],
    "AnyUnparsed": ["NextAttempt", "AnyVotes"],
    "AnyVotes": ["ShardDone"],
}
_RUN_WAYS: Final = {
    "WhereToStart": ["Ingest"],
    "AnyNewCases": ["LabelAll"],
    "MoreToChoose": ["Collate"],
    "IsBalanced": ["NoTraining"],
}
_MASK_WAYS: Final = {"AlreadyMasked": ["Anonymize"], "OnlyEmbed": ["ShardDone"]}
_ANSWERED_WAYS: Final = {**_SHARD_WAYS, "AlreadyMasked": ["FirstAttempt"]}
_POLLS = 150  # of a batch job that takes a day
_BATCH_WAYS: Final = {
    "WhereToStart": ["Ingest"],
    "AnyNewCases": ["MaskForBatch"],
    "MoreToChoose": ["SubmitBatch", "Collate"],
    "AnyJob": ["FirstCheck"],
    "BatchEnded": [*["WaitForBatch"] * _POLLS, "ImportBatch"],
    "IsBalanced": ["NoTraining"],
}


@dataclass(frozen=True)
class Measured:
    """One run: what was counted, and how large its cases are."""

    cases: int
    requests: Mapping[str, float]
    stages: list[StageFigures]
    log_bytes: int
    case_tokens: int


def measure(cases: int) -> Measured:
    """Label that many made-up cases on a local stack."""
    requests = Requests(lambda: buckets)
    buckets: set[str] = set()
    bind = moto_patches.bind

    def counted_bind(*arguments: Any, **more: Any) -> Any:
        server = bind(*arguments, **more)
        server.app = requests.around(server.app)
        return server

    with tempfile.TemporaryDirectory() as name, mock.patch.object(moto_patches, "bind", counted_bind):
        folder = Path(name)
        generate(folder / "made-up.jsonl", cases=cases)
        parameters = {"ModelId": MODEL, "TrainingImage": "none", "Mode": "on_demand"}
        parameters = {key: value for key, value in parameters.items() if key in _template()["Parameters"]}
        stack = LocalStack(
            ROOT / "template.yaml", state_dir=folder, parameters=parameters, model="scripted", keep_state=False
        )
        with stack:
            buckets |= {stack.resources["RawBucket"], stack.resources["DataBucket"]}
            requests.counted.clear()
            run_id = _run(stack, folder / "made-up.jsonl")
            found = Counter(requests.counted)
            tokens = CaseTokens(_anonymized(stack, run_id, cases)).total
        logs = folder / "logs"
        log_bytes = sum(path.stat().st_size for path in logs.glob("*.log"))
        return Measured(cases, found, list(stage_figures(logs)), log_bytes, tokens)


def _run(stack: LocalStack, export: Path) -> str:
    steps, arn = stack.client("stepfunctions"), stack.resources["LabelCases"]
    stack.client("s3").upload_file(str(export), stack.resources["RawBucket"], f"{keys.INCOMING}{export.name}")
    while True:
        executions = steps.list_executions(stateMachineArn=arn)["executions"]
        if executions and executions[0]["status"] != "RUNNING":
            if executions[0]["status"] != "SUCCEEDED":
                raise RuntimeError(f"the run ended {executions[0]['status']}; the stages' logs say why")
            return str(executions[0]["name"])
        time.sleep(1)


def _anonymized(stack: LocalStack, run_id: str, cases: int) -> Iterator[AnonymizedCase]:
    for shard in range(-(-cases // _SHARD)):
        key = keys.anonymized(run_id, f"{shard:05d}")
        body = stack.client("s3").get_object(Bucket=stack.resources["DataBucket"], Key=key)["Body"].read()
        yield from (AnonymizedCase.model_validate_json(line) for line in body.splitlines())


def overhead(
    found: Measured, *, batch: bool, model_seconds: float, ms_a_case: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """By what is billed: (amount, USD) per 1,000 cases. A batch is 50,000 cases, and its waits are shared by them."""
    shards = PER / _SHARD
    amounts: dict[str, float] = {"state transition": _transitions(shards, batch=batch)}
    scale, memory = PER / found.cases, _memory()
    amounts["Lambda GB-second"] = sum(
        gb_seconds(PER * milliseconds / 1000, memory[stage]) for stage, milliseconds in ms_a_case.items()
    )
    if not batch:
        waits = -(-_SHARD // _AT_ONCE) * model_seconds
        amounts["Lambda GB-second"] += shards * gb_seconds(0.0, memory["classify"], waiting=waits)
    amounts["Lambda request"] = scale * sum(stage.invocations for stage in found.stages)
    amounts |= {name: scale * number for name, number in found.requests.items()}
    if batch:  # a shard is read for the record files and its answers are written; each reply is looked up and stored
        amounts["S3 PUT, POST, LIST"] += shards
        amounts["S3 GET, HEAD"] += 2 * shards
        amounts["DynamoDB read unit"] += PER
    amounts["GB of logs"] = scale * found.log_bytes / 1e9
    return {name: (amount, amount * PRICES[name]) for name, amount in amounts.items()}


def _transitions(shards: float, *, batch: bool) -> float:
    """Of 1,000 cases of a run of 50,000: its own steps are shared by fifty thousands."""
    definition = json.loads((ROOT / "statemachine" / "label_cases.asl.json").read_text("utf-8"))
    child = definition["States"]["LabelShards"]["ItemProcessor"]
    shared = walk(definition, _BATCH_WAYS if batch else _RUN_WAYS).transitions / 50
    ways = (_MASK_WAYS, _ANSWERED_WAYS) if batch else (_SHARD_WAYS,)
    return shared + shards * sum(walk(child, way).transitions for way in ways)


def _template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return loaded


def _here(found: Measured) -> dict[str, float]:
    return {stage.stage: 1000 * stage.seconds / found.cases for stage in found.stages}


def _memory() -> dict[str, int]:
    """Stage → MB."""
    return {
        body["Properties"]["CodeUri"].rpartition("/")[2]: body["Properties"]["MemorySize"]
        for body in _template()["Resources"].values()
        if body["Type"] == "AWS::Serverless::Function"
    }


def model_usd(found: Measured, prompt_version: str) -> dict[str, float]:
    """What the model costs per 1,000 cases, by road."""
    load = Load(
        cases=PER,
        case_tokens=round(found.case_tokens * PER / found.cases),
        prefix_tokens=prompt_tokens(load_prompt(ROOT / "prompts", "root_cause", prompt_version)),
        answer_tokens=ANSWER_TOKENS,
        starts=80,
    )
    costs = ModelCosts(MODEL)
    found_usd = {
        "on demand": costs.usd(load),
        "on demand, prompt cache": costs.usd(load, cached=True),
        "batch": costs.usd(load, batch=True),
    }
    return {road: usd for road, usd in found_usd.items() if usd is not None}


def standing_usd() -> dict[str, float]:
    """USD a month that alarms, the dashboard and metrics cost while they are in use, by the template."""
    alarms = [b["Properties"] for b in _template()["Resources"].values() if b["Type"] == "AWS::CloudWatch::Alarm"]
    watched = sum(sum("MetricStat" in m for m in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    return {
        f"{len(alarms)} alarms over {watched} metrics": watched * ALARM_METRIC_USD,
        "the dashboard": DASHBOARD_USD,
        "70 metrics, in hours with runs only (here: 2 hours a day)": 70 * CUSTOM_METRIC_USD * 2 / 24,
    }


def _show(found: Measured, prompt_version: str, model_seconds: float, ms_a_case: Mapping[str, float]) -> None:
    model, bills = model_usd(found, prompt_version), {}
    for road in ("on demand", "batch"):
        bills[road] = overhead(found, batch=road == "batch", model_seconds=model_seconds, ms_a_case=ms_a_case)
        rows = [
            [name, f"{amount:,.4g}" if amount < 1 else f"{amount:,.0f}", f"{usd:.5f}"]
            for name, (amount, usd) in bills[road].items()
        ]
        total = sum(usd for _, usd in bills[road].values())
        show(f"{road}: per 1,000 cases", ["billed", "amount", "USD"], [*rows, ["in all", "", f"{total:.5f}"]])
    totals = {road: sum(usd for _, usd in bill.values()) for road, bill in bills.items()}
    rows = []
    for road, usd in model.items():
        ours = totals["batch" if road == "batch" else "on demand"]
        rows.append([road, f"{usd:.3f}", f"{ours:.4f}", f"{ours / usd:.2%}", "yes" if ours < _AIM * usd else "no"])
    show(
        f"Beside the model ({MODEL}, {prompt_version}, prices of {price_table().as_of} and {PRICES_AS_OF})",
        ["road", "model USD", "the rest USD", "share", f"under {_AIM:.0%}"],
        rows,
    )
    here = _here(found)
    seconds = [
        [
            s.stage,
            f"{s.invocations:,}",
            f"{here[s.stage]:.1f}",
            f"{ms_a_case.get(s.stage, 0):.1f}",
            str(_memory()[s.stage]),
        ]
        for s in found.stages
    ]
    show("Functions", ["stage", "invocations", "ms a case here", "billed", "MB"], seconds)
    show("A month, whatever the cases", ["what", "USD"], [[name, f"{usd:.2f}"] for name, usd in standing_usd().items()])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--prompt-version", default="v3")
    parser.add_argument("--model-seconds", type=float, default=4.0, help="what one answer of the model takes")
    parser.add_argument("--seconds", choices=("docs", "here"), default="docs", help="of which run the functions' are")
    arguments = parser.parse_args()
    print(machine())
    found = measure(arguments.cases)
    ms_a_case = _here(found) if arguments.seconds == "here" else MS_A_CASE
    _show(found, arguments.prompt_version, arguments.model_seconds, ms_a_case)
    print(machine())


if __name__ == "__main__":
    main()
