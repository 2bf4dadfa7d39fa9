"""What a run tells CloudWatch, through the shipped state machine; and that the laptop has what alarms would watch."""

import json
from collections import Counter
from pathlib import Path

from tests.statemachine.pipeline import Pipeline, Row, csv_file
from tests.statemachine.test_paths import ANSWERS


def sizes(logs: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in logs.glob("*.log")}


def sent(logs: Path, before: dict[str, int]) -> Counter[tuple[str, str]]:
    """(stage, metric) → the sum of what was sent since then."""
    found: Counter[tuple[str, str]] = Counter()
    for path in logs.glob("*.log"):
        for line in path.read_bytes()[before.get(path.name, 0) :].decode().splitlines():
            if '"_aws"' in line:
                entry = json.loads(line)
                for metric in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    found[entry["stage"], metric["Name"]] += sum(entry[metric["Name"]])
    return found


def test_a_run_counts_its_cases_calls_tokens_and_cost_and_a_reused_reply_costs_nothing(pipeline: Pipeline) -> None:
    pipeline.script(*ANSWERS)
    body = csv_file([Row(f"metric-{number}", says="banana") for number in range(4)])
    before = sizes(pipeline.logs)
    summary = pipeline.run(body, "metrics.csv").check_succeeded().summary
    found = sent(pipeline.logs, before)
    assert (found["collate", "CasesLabeled"], found["collate", "CasesDropped"]) == (4, 0)
    assert found["classify", "ModelCalls"] == summary.model_calls == 4
    assert found["classify", "InputTokens"] == summary.usage.input_tokens > 0
    assert found["classify", "OutputTokens"] == summary.usage.output_tokens > 0
    assert summary.cost.usd is not None
    assert abs(found["classify", "SpendUsd"] - summary.cost.usd) < 1e-9

    before = sizes(pipeline.logs)
    pipeline.run(body, "metrics.csv", force="true").check_succeeded()
    again = sent(pipeline.logs, before)
    assert (again["classify", "CasesAsked"], again["classify", "ModelCalls"], again["classify", "SpendUsd"]) == (
        4,
        0,
        0,
    )


def test_throttled_calls_are_counted_beside_the_answered_ones(pipeline: Pipeline) -> None:
    throttle = {"do": "fault", "code": "ThrottlingException", "contains": "banana", "times": 6}
    pipeline.script(throttle, *ANSWERS)
    before = sizes(pipeline.logs)
    pipeline.run(csv_file([Row("metric-throttled", says="banana")]), "metrics-throttled.csv").check_succeeded()
    found = sent(pipeline.logs, before)
    assert found["classify", "ModelThrottles"] >= 1
    assert found["classify", "ModelCalls"] == 1


def test_what_waits_for_the_undeliverable_is_there_and_so_is_the_dashboard(pipeline: Pipeline) -> None:
    queue = pipeline.physical("DeadLetters")
    attributes = pipeline.stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["SqsManagedSseEnabled"] == "true"
    body = pipeline.stack.client("cloudwatch").get_dashboard(DashboardName=pipeline.physical("Dashboard"))
    assert "${" not in body["DashboardBody"]
    assert json.loads(body["DashboardBody"])["widgets"]
    answer = pipeline.aws["lambda"].invoke(FunctionName=pipeline.physical("WatchRunsFunction"), Payload=b"{}")
    assert set(json.loads(answer["Payload"].read())) == {"running", "oldest_seconds"}
