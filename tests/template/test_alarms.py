"""Alarms, the dashboard and dead letters: nothing is lost unseen, and everything that is shown is measured."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.reading import ROOT, functions, listed, resources, template

ALARMS = resources("AWS::CloudWatch::Alarm")
DEAD_LETTERS = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
OF_THIS_STACK = {"Ref": "AWS::StackName"}
# Metrics whose name is put together: by outcome in plumbline.metrics, by status in promote_model.
COMPOSED = {
    *(f"Cases{outcome}" for outcome in ("Labeled", "NeedsReview", "Dropped", "Failed", "Unchanged")),
    *(f"Models{status}" for status in ("Promoted", "Rejected", "Failed", "Stopped")),
}
# Where a metric of the package is counted, and not in a handler.
ELSEWHERE = {"classify": ["metrics.py"], "repair": ["metrics.py"], "vote": ["metrics.py"], "collate": ["metrics.py"]}


def _metrics(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in properties:
        yield properties
    for metric in properties.get("Metrics", []):
        if "MetricStat" in metric:
            yield metric["MetricStat"]["Metric"]


def _plumbline() -> Iterator[tuple[str, str]]:
    """(metric, stage) of every metric of our own that an alarm or the dashboard names."""
    for alarm in ALARMS.values():
        for metric in _metrics(alarm["Properties"]):
            if metric["Namespace"] == "Plumbline":
                service, stage = metric["Dimensions"]
                assert (service["Name"], service["Value"], stage["Name"]) == ("service", OF_THIS_STACK, "stage")
                yield metric["MetricName"], stage["Value"]
    for widget in _widgets():
        for metric in widget["properties"].get("metrics", []):
            if metric[0] == "Plumbline":
                _, name, service, stack, stage_dimension, stage, _ = metric
                assert (service, stack, stage_dimension) == ("service", "${AWS::StackName}", "stage")
                yield name, stage


def _widgets() -> list[dict[str, Any]]:
    [dashboard] = resources("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
    widgets: list[dict[str, Any]] = body["widgets"]
    return widgets


def _counted(name: str, stage: str) -> bool:
    """Whether the stage's handler, or what it calls, counts a metric of that name."""
    handler = (ROOT / "functions" / stage / "handler.py").read_text("utf-8")
    package = ROOT / "layers" / "core" / "plumbline"
    sources = [handler, *((package / file).read_text("utf-8") for file in ELSEWHERE.get(stage, []))]
    return name in COMPOSED or any(f'"{name}"' in source for source in sources)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_happened_and_where_it_is_explained(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    why, _, paragraph = properties["AlarmDescription"].partition(" What to do: docs/operations.md, ")
    assert why.endswith(".")
    assert paragraph == f"{name.removesuffix('Alarm')}."
    assert f"\n### {name.removesuffix('Alarm')}\n" in OPERATIONS
    kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Alarm")).lower()
    assert properties["AlarmName"] == {"Fn::Sub": "${AWS::StackName}-" + kebab}


def test_no_paragraph_explains_an_alarm_that_there_is_not() -> None:
    part = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert {f"{name}Alarm" for name in re.findall(r"^### (\w+)$", part, re.MULTILINE)} == set(ALARMS)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_tells_the_users_topic_and_none_where_there_is_none(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    wanted = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    assert properties["AlarmActions"] == properties["OKActions"] == wanted
    assert template()["Parameters"]["AlarmTopic"]["Default"] == ""


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_silence_is_no_alarm_and_a_threshold_is_stated(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    assert properties["TreatMissingData"] == "notBreaching"
    assert 1 <= properties["DatapointsToAlarm"] <= properties["EvaluationPeriods"]
    assert {"Threshold", "ComparisonOperator"} <= set(properties)
    assert ("Period" in properties) != ("Metrics" in properties)


def test_a_share_is_told_only_of_enough_cases() -> None:
    shares = {n: a["Properties"]["Metrics"][0]["Expression"] for n, a in ALARMS.items() if "Metrics" in a["Properties"]}
    divided = {name for name, expression in shares.items() if " / " in expression}
    assert divided == {"ThrottledAlarm", "RepairRateAlarm", "CasesLostAlarm"}
    assert all(re.match(r"IF\(.+ >= \d+, .+, 0\)$", shares[name]) for name in divided)


def test_every_metric_of_ours_that_is_shown_is_counted_by_that_stage() -> None:
    shown = set(_plumbline())
    assert len(shown) > 20
    assert {stage for _, stage in shown} <= set(functions())
    assert [pair for pair in shown if not _counted(*pair)] == []
    searched = {
        found
        for widget in _widgets()
        for metric in widget["properties"].get("metrics", [])
        if isinstance(metric[0], dict)
        for found in re.findall(r'MetricName="(\w+)"', metric[0]["expression"])
    }
    package = "".join(p.read_text("utf-8") for p in (ROOT / "layers" / "core" / "plumbline").glob("*.py"))
    assert searched >= {"InputTokens", "OutputTokens", "CacheReadTokens", "CacheWriteTokens", "SpendUsd"}
    assert [name for name in searched if f'"{name}"' not in package] == []


def test_the_dashboard_shows_every_alarm_and_its_widgets_do_not_overlap() -> None:
    first, *widgets = _widgets()
    shown = {arn.partition(":alarm:")[2].removeprefix("${AWS::StackName}-") for arn in first["properties"]["alarms"]}
    named = {a["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for a in ALARMS.values()}
    assert shown == named
    places = [(w["x"], w["y"]) for w in widgets]
    assert len(places) == len(set(places))
    assert all(w["x"] % 8 == 0 and (w["y"] - 3) % 6 == 0 and (w["width"], w["height"]) == (8, 6) for w in widgets)
    assert all(w["properties"]["region"] == "${AWS::Region}" for w in widgets)


def test_dimensions_are_the_stack_and_the_stage_and_no_more() -> None:
    package = ROOT / "layers" / "core" / "plumbline"
    adding = [path.name for path in package.rglob("*.py") if "add_dimension" in path.read_text("utf-8")]
    assert adding == ["observability.py"]
    assert (package / "observability.py").read_text("utf-8").count("add_dimension") == 1


def _targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, rule in resources("AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            yield f"{name}.{target['Id']}", target
    for name, schedule in resources("AWS::Scheduler::Schedule").items():
        yield name, schedule["Properties"]["Target"]


@pytest.mark.parametrize(("name", "target"), list(_targets()))
def test_every_target_of_a_rule_or_a_schedule_has_a_bound_and_a_dead_letter_queue(
    name: str, target: dict[str, Any]
) -> None:
    assert target["DeadLetterConfig"] == {"Arn": DEAD_LETTERS}, name
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 8


def test_every_function_that_is_invoked_with_nobody_waiting_keeps_what_it_failed_at() -> None:
    invoked = {target["Arn"]["Fn::GetAtt"][0] for _, target in _targets() if "Fn::GetAtt" in target["Arn"]}
    assert invoked == {
        *("StartRunFunction", "StartTrainingFunction", "PromoteModelFunction", "RecordFailureFunction"),
        "WatchRunsFunction",
    }
    keeping = {
        name
        for name, body in resources("AWS::Serverless::Function").items()
        if body["Properties"].get("DeadLetterQueue") == {"Type": "SQS", "TargetArn": DEAD_LETTERS}
    }
    assert keeping == invoked


def test_who_may_send_dead_letters_and_nobody_else() -> None:
    policy = template()["Resources"]["DeadLettersPolicy"]["Properties"]
    assert policy["Queues"] == [{"Ref": "DeadLetters"}]
    deny, allow = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (allow["Effect"], allow["Action"], allow["Resource"]) == ("Allow", "sqs:SendMessage", DEAD_LETTERS)
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    rules = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {rule["Fn::GetAtt"][0] for rule in rules} == set(resources("AWS::Events::Rule"))
    senders = {
        name
        for name, role in resources("AWS::IAM::Role").items()
        for document in role["Properties"]["Policies"]
        for statement in document["PolicyDocument"]["Statement"]
        if "sqs:SendMessage" in listed(statement["Action"])
    }
    assert senders == {
        *("StartRunRole", "StartTrainingRole", "PromoteModelRole", "RecordFailureRole", "WatchRunsRole"),
        *("PredictDailyRole", "WatchRunsScheduleRole"),
    }


def test_dead_letters_are_encrypted_and_kept_as_long_as_sqs_keeps_anything() -> None:
    properties = resources("AWS::SQS::Queue")["DeadLetters"]["Properties"]
    assert properties["SqsManagedSseEnabled"] is True
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    [alarm] = [a for a in ALARMS.values() if a["Properties"].get("Namespace") == "AWS/SQS"]
    assert alarm["Properties"]["Threshold"] == 1
