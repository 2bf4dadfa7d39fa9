"""Faults in front of a model: what each does on either road, and that the same ones come every time."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import ValidationError

from local.bedrock import BedrockStandIn
from local.bedrock.answering import ServiceError, StandInError
from local.bedrock.faults import FaultInjection, Faults, read_faults
from local.bedrock.scripted import Script, ScriptedModel
from plumbline.contracts.batch import BatchLimits
from plumbline.contracts.replies import ModelRequest
from tests.local.bedrock.jobs import BUCKET, MODEL, Desk, converse_body, records
from tests.local.bedrock.prompts import BILLING, CRASH, HOW_TO, request

THROTTLED = {"do": "fault", "share": 0.6, "each_call": True, "road": "on_demand"}


def injection(*rules: dict[str, Any], seed: int = 0) -> FaultInjection:
    return FaultInjection(Faults.model_validate({"seed": seed, "rules": rules}))


def outcome(faults: FaultInjection, asked: ModelRequest, road: Any = "on_demand") -> str:
    try:
        return faults.answer(ScriptedModel(Script(category=BILLING)), asked, road).text
    except ServiceError as fault:
        return fault.code


@pytest.fixture
def desk(s3: Any, tmp_path: Path) -> Iterator[Desk]:
    with BedrockStandIn("scripted", options={"category": BILLING}) as stand_in:
        stand_in.jobs.connect(s3, tmp_path / "jobs", limits=BatchLimits(min_records=1))
        yield Desk(stand_in, s3)


def follow(desk: Desk, seed: int = 0, rules: Any = (), **job: Any) -> None:
    desk.stand_in.faults.follow(Faults.model_validate({"seed": seed, "rules": rules, "jobs": [job] if job else []}))


def ran(desk: Desk, name: str = "job-1", count: int = 40) -> tuple[str, dict[str, Any]]:
    desk.put("in/records.jsonl", records(count))
    arn = desk.create(name)
    return arn, desk.until(arn)


# ---------------------------------------------------------------- calls


def test_the_same_seed_gives_the_same_faults_by_request_and_call_in_any_order() -> None:
    calls = [number for number in range(60) for _ in range(5)]

    def story(seed: int, shuffle: int) -> dict[int, list[str]]:
        faults, arrived = injection(THROTTLED, seed=seed), list(calls)
        random.Random(shuffle).shuffle(arrived)
        told: dict[int, list[str]] = {number: [] for number in calls}
        for number in arrived:
            told[number].append(outcome(faults, request(f"case {number}"))[:9])
        return told

    first = story(seed=1, shuffle=1)
    assert first == story(seed=1, shuffle=2)
    assert first != story(seed=2, shuffle=1)
    throttled = sum(said == "Throttlin" for told in first.values() for said in told)
    assert 0.5 < throttled / len(calls) < 0.7
    assert any(len(set(told)) == 2 for told in first.values()), "a request that was throttled is not throttled for ever"


def test_a_share_without_each_call_is_of_the_requests() -> None:
    faults = injection({"do": "fault", "share": 0.5})
    for number in range(20):
        assert len({outcome(faults, request(f"case {number}")) for _ in range(4)}) == 1


def test_a_rule_of_one_road() -> None:
    faults = injection({"do": "fault", "road": "batch", "code": "ModelTimeoutException"})
    assert "Billing" in outcome(faults, request("x"))
    assert outcome(faults, request("x"), "batch") == "ModelTimeoutException"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("answer", "<category>Billing &amp; Refunds</category>"),
        ("wrong_category", f"<category>{CRASH}</category>"),
        ("two_categories", f"<category>{CRASH}</category>"),
        ("truncate", "<reasoning>"),
        ("unknown_category", "A Category Outside The List"),
        ("refuse", "I'm sorry"),
        ("junk", "42"),
    ],
)
def test_an_odd_answer_of_any_model(action: str, told: str) -> None:
    said = outcome(injection({"do": action}), request("x"))
    assert told in said
    assert ("<category>Billing" in said) == (action in {"answer", "two_categories"})


def test_an_empty_answer_and_a_given_category() -> None:
    assert outcome(injection({"do": "empty"}), request("x")) == ""
    assert HOW_TO in outcome(injection({"do": "answer", "category": HOW_TO}), request("x"))


def test_a_slow_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("local.bedrock.faults.time.sleep", waited.append)
    assert "Billing" in outcome(injection({"do": "answer", "seconds": 7}), request("x"))
    assert waited[0] == 7


def test_faults_over_the_wire_and_counted(desk: Desk) -> None:
    follow(desk, rules=[{"do": "fault", "code": "ServiceUnavailableException", "times": 1}])
    body = converse_body(request("x", model_id=MODEL))
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        desk.runtime.converse(modelId=MODEL, **body)
    desk.runtime.converse(modelId=MODEL, **body)
    calls = desk.stand_in.calls
    assert (calls.answered, calls.faults) == (1, {"ServiceUnavailableException": 1})


def test_how_often_each_rule_acted_is_counted_anew_with_other_faults() -> None:
    faults = injection({"do": "fault", "contains": "poison"}, {"do": "junk", "times": 1}, {"do": "fault", "order": [9]})
    for text in ("poison", "x", "x", "poison", "y"):
        outcome(faults, request(text))
    assert faults.acted() == {"rules.0": 2, "rules.1": 2}
    faults.follow(Faults())
    assert faults.acted() == {}


def test_a_script_knows_no_road() -> None:
    with pytest.raises(ValidationError, match="road"):
        Script.model_validate({"rules": [{"do": "junk", "road": "batch"}]})


@pytest.mark.parametrize("content", ["", '{"jobs": [{"refuse": "Oops"}]}', '{"jobs": [{"ends": "InProgress"}]}'])
def test_a_file_of_faults_that_is_wrong(tmp_path: Path, content: str) -> None:
    path = tmp_path / "faults.json"
    with pytest.raises(StandInError, match="cannot be read"):
        read_faults(path)
    path.write_text(content)
    with pytest.raises(StandInError, match="is wrong in"):
        read_faults(path)


# ---------------------------------------------------------------- batch jobs


@pytest.mark.parametrize("code", ["ValidationException", "ServiceQuotaExceededException", "ThrottlingException"])
def test_a_job_that_is_refused(desk: Desk, code: str) -> None:
    follow(desk, refuse=code, times=2)
    for _ in range(2):
        with pytest.raises(desk.bedrock.exceptions.from_code(code)) as caught:
            desk.create()
        assert caught.value.response["Error"]["Code"] == code
    assert desk.bedrock.list_model_invocation_jobs()["invocationJobSummaries"] == []
    assert ran(desk, count=2)[1]["status"] == "Completed"
    assert desk.stand_in.calls.faults == {code: 2}
    assert desk.stand_in.calls.acted == {"jobs.0.refuse": 2}


def test_a_job_whose_answer_is_lost_is_taken_once(desk: Desk) -> None:
    follow(desk, answer_lost=1)
    desk.put("in/records.jsonl", records(3))
    with pytest.raises(desk.bedrock.exceptions.InternalServerException):
        desk.create()
    desk.until(desk.create())
    assert len(desk.bedrock.list_model_invocation_jobs()["invocationJobSummaries"]) == 1
    assert desk.stand_in.calls.batch_answered == 3
    assert desk.stand_in.calls.acted == {"jobs.0.answer_lost": 1}


@pytest.mark.parametrize(
    ("ends", "answered"), [("Failed", 12), ("Stopped", 12), ("PartiallyCompleted", 12), ("Expired", 0)]
)
def test_a_job_that_ends_otherwise_keeps_what_it_has(desk: Desk, ends: str, answered: int) -> None:
    follow(desk, ends=ends, after=0.3)
    arn, job = ran(desk)
    assert (job["status"], job["successRecordCount"], job["totalRecordCount"]) == (ends, answered, 40)
    assert job["message"]
    assert desk.stand_in.calls.batch_answered == answered
    assert desk.stand_in.calls.acted == {"jobs.0.ends": 1}
    if answered:
        assert len(desk.output(arn)) == answered
    else:
        assert desk.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["KeyCount"] == 0


def test_a_job_that_answers_all_and_fails(desk: Desk) -> None:
    follow(desk, ends="Failed", after=1.0)
    arn, job = ran(desk, count=4)
    assert (job["status"], len(desk.output(arn))) == ("Failed", 4)


def test_missing_failed_repeated_strange_and_shuffled_records(desk: Desk) -> None:
    follow(desk, missing=0.2, errors=0.2, repeated=0.2, strangers=0.1, reordered=True, error_code="ModelErrorException")
    arn, job = ran(desk, count=200)
    lines = desk.output(arn)
    sent = {record["recordId"] for record in records(200)}
    ours = [line for line in lines if line["recordId"] in sent]
    seen = Counter(line["recordId"] for line in ours)
    errors = {line["recordId"] for line in ours if "error" in line}
    calls = desk.stand_in.calls
    assert 20 < 200 - len(seen) < 60, "missing"
    assert 15 < len(errors) < 60
    assert 15 < sum(count == 2 for count in seen.values()) < 60
    assert 5 < len(lines) - len(ours) < 35, "strangers"
    assert [line["recordId"] for line in ours] != sorted(line["recordId"] for line in ours)
    assert calls.batch_answered == len(seen) - len(errors) == job["successRecordCount"]
    assert calls.record_errors == {"ModelErrorException": len(errors)}
    assert next(line for line in ours if "error" in line)["error"]["errorCode"] == 424
    assert (calls.repeated, job["processedRecordCount"]) == (0, len(seen))
    assert calls.acted == {
        "jobs.0.missing": 200 - len(seen),
        "jobs.0.errors": len(errors),
        "jobs.0.repeated": sum(count == 2 for count in seen.values()),
        "jobs.0.strangers": len(lines) - len(ours),
        "jobs.0.reordered": 1,
    }


def test_the_same_seed_gives_the_same_records_faults_whatever_else_is_in_the_job(desk: Desk) -> None:
    def missing(name: str, seed: int, count: int) -> set[str]:
        follow(desk, seed=seed, missing=0.5)
        arn, _ = ran(desk, name, count)
        return {record["recordId"] for record in records(20)} - {line["recordId"] for line in desk.output(arn)}

    first = missing("a", 5, 20)
    assert first == missing("b", 5, 30)
    assert first != missing("c", 6, 20)


def test_a_rule_for_calls_makes_an_error_of_a_record(desk: Desk) -> None:
    follow(desk, rules=[{"do": "fault", "code": "ModelTimeoutException", "order": [2]}, {"do": "junk", "order": [3]}])
    arn, job = ran(desk, count=3)
    lines = desk.output(arn)
    assert lines[1]["error"]["errorCode"] == 408
    assert "42" in lines[2]["modelOutput"]["output"]["message"]["content"][0]["text"]
    assert (job["status"], job["errorRecordCount"]) == ("Completed", 1)


def test_faults_of_one_job_and_throttled_polls(desk: Desk) -> None:
    follow(desk, order=[2], ends="Failed", throttled_polls=1.0)
    assert ran(desk, "first", 2)[1]["status"] == "Completed"
    desk.put("in/records.jsonl", records(2))
    arn = desk.create("second")
    with pytest.raises(desk.bedrock.exceptions.ThrottlingException):
        desk.get(arn)
    assert desk.stand_in.calls.acted["jobs.0.throttled_polls"] == 1
    follow(desk, name_contains="third", ends="Stopped")
    desk.until(arn)
    assert ran(desk, "the-third", 2)[1]["status"] == "Stopped"
