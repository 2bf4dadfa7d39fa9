"""What AWS bills: request units, S3's price classes, steps of the shipped state machine."""

import io
import json
from typing import Any

import pytest

from bench.aws_bill import STEPS_OF_AN_EXECUTION, Requests, gb_seconds, item_bytes, units, walk
from bench.overhead import _ANSWERED_WAYS, _BATCH_WAYS, _MASK_WAYS, _RUN_WAYS, _SHARD_WAYS, standing_usd
from tests.template.reading import definition

ITEM = {
    "id": {"S": "reply#1"},
    "data": {"S": "x" * 2000},
    "n": {"N": "12"},
    "deep": {"M": {"a": {"L": [{"BOOL": True}]}}},
}


def test_the_size_of_an_item_is_its_names_and_values() -> None:
    assert item_bytes({"id": {"S": "äb"}}) == 2 + 3
    assert item_bytes(ITEM) == (2 + 7) + (4 + 2000) + (1 + 3) + (4 + 3 + (1 + 3 + 1 + 1))


@pytest.mark.parametrize(
    ("operation", "sent", "answered", "billed"),
    [
        ("PutItem", {"Item": ITEM}, {}, {"DynamoDB write unit": 2}),
        ("PutItem", {"Item": {"id": {"S": "a"}}}, {}, {"DynamoDB write unit": 1}),
        (
            "UpdateItem",
            {"Key": {"id": {"S": "a"}}, "ExpressionAttributeValues": {":d": {"S": "x" * 1024}}},
            {},
            {"DynamoDB write unit": 2},
        ),
        ("GetItem", {"ConsistentRead": True}, {"Item": ITEM}, {"DynamoDB read unit": 1}),
        ("GetItem", {}, {}, {"DynamoDB read unit": 0.5}),
        ("Query", {}, {"Items": [ITEM, ITEM, ITEM]}, {"DynamoDB read unit": 1}),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{}, {}, {}]}}},
            {"Responses": {"t": [{"id": {"S": "x" * 5000}}]}},
            {"DynamoDB read unit": 2},
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"PutRequest": {"Item": {}}}]}},
            {},
            {"DynamoDB write unit": 3},
        ),
        ("DescribeTable", {}, {}, {}),
    ],
)
def test_request_units(operation: str, sent: Any, answered: Any, billed: dict[str, float]) -> None:
    assert units(operation, sent, answered) == billed


def test_requests_are_counted_on_their_way_and_pass_unchanged() -> None:
    seen: list[bytes] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["wsgi.input"].read())
        return [b"{}"]

    requests = Requests(lambda: {"bucket"})
    counted = requests.around(application)

    def ask(method: str, path: str, body: bytes = b"", target: str = "") -> None:
        sent = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body))}
        answer = counted({**sent, "HTTP_X_AMZ_TARGET": target, "wsgi.input": io.BytesIO(body)}, None)
        assert b"".join(answer) == b"{}"

    body = json.dumps({"Item": ITEM}).encode()
    ask("PUT", "/bucket/runs/1/a.jsonl", b"text")
    ask("GET", "/bucket/runs/1/a.jsonl")
    ask("HEAD", "/bucket/runs/1/a.jsonl")
    ask("GET", "/bucket")
    ask("DELETE", "/bucket/runs/1/a.jsonl")
    ask("POST", "/elsewhere")
    ask("POST", "/", body, "DynamoDB_20120810.PutItem")
    assert requests.counted == {"S3 PUT, POST, LIST": 2, "S3 GET, HEAD": 2, "DynamoDB write unit": 2}
    assert (seen[0], seen[-1]) == (b"text", body)


def test_the_ways_through_the_shipped_machine_are_ways_that_it_has() -> None:
    machine = definition()
    child = machine["States"]["LabelShards"]["ItemProcessor"]
    shard = walk(child, _SHARD_WAYS)
    assert shard.states[0] == child["StartAt"]
    assert (shard.states.count("Parse"), shard.states.count("Repair"), shard.states[-1]) == (2, 1, "ShardDone")
    assert shard.transitions == len(shard.states) + STEPS_OF_AN_EXECUTION
    assert "Classify" not in walk(child, _MASK_WAYS).states
    assert "Anonymize" not in walk(child, _ANSWERED_WAYS).states
    assert {"Ingest", "LabelShards", "Collate", "CheckBalance", "Report"} <= set(walk(machine, _RUN_WAYS).states)
    batch = walk(machine, _BATCH_WAYS).states
    assert (batch.count("LabelShards"), batch.count("CheckBatch"), batch.count("ImportBatch")) == (2, 151, 1)


def test_a_way_that_the_machine_does_not_have_is_told() -> None:
    machine = {
        "StartAt": "A",
        "States": {"A": {"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "C"}, "B": {"Type": "Succeed"}},
    }
    assert walk(machine, {"A": ["B"]}).states == ("A", "B")
    with pytest.raises(KeyError, match="never goes to D"):
        walk(machine, {"A": ["D"]})
    with pytest.raises(KeyError):
        walk(machine, {})


def test_a_small_function_computes_longer_and_waits_as_long() -> None:
    assert gb_seconds(1, 1769) == pytest.approx(1769 / 1024)
    assert gb_seconds(1, 512) == pytest.approx(1769 / 1024)
    assert gb_seconds(1, 3538) == pytest.approx(3538 / 1024)
    assert gb_seconds(0, 512, waiting=10) == pytest.approx(5)


def test_what_stands_every_month_is_read_off_the_template() -> None:
    assert any("alarms over" in name for name in standing_usd())
    assert 0 < sum(standing_usd().values()) < 15
