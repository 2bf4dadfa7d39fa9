"""What daily predictions ask of S3, DynamoDB and EventBridge, against moto."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from plumbline.adapters import clients
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.eventbridge import DefaultEventBus
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import EventsUnavailable


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    clients._client.cache_clear()
    with mock_aws():
        yield
    clients._client.cache_clear()


def test_a_listing_has_the_newest_versions_of_what_is_there() -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="raw")
    client.put_object(Bucket="raw", Key="daily/before-versions.csv", Body=b"x")
    client.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
    store = S3ObjectStore("raw")
    for content in (b"one", b"second"):
        store.write("daily/a.csv", content)
    store.write("daily/gone.csv", b"x")
    client.delete_object(Bucket="raw", Key="daily/gone.csv")
    store.write("incoming/a.csv", b"x")
    a, before = store.objects_under("daily/")
    assert (a.key, a.version_id, a.bytes) == ("daily/a.csv", store.head("daily/a.csv")["VersionId"], 6)
    assert (before.key, before.version_id) == ("daily/before-versions.csv", None)
    assert before.etag
    assert list(store.objects_under("nothing/")) == []


def test_a_listing_goes_beyond_one_page() -> None:
    boto3.client("s3").create_bucket(Bucket="data")
    store = S3ObjectStore("data")
    for number in range(1005):
        store.write(f"p/{number:04d}", b"")
    assert [stored.key for stored in store.objects_under("p/")] == [f"p/{number:04d}" for number in range(1005)]


def test_a_run_does_not_take_its_own_cases_for_done() -> None:
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    ledger = DynamoLedger("ledger")
    ledger.record_labeled("t", "run-1", {"a": "1"})
    ledger.record_labeled("t", "run-2", {"b": "2"})
    assert ledger.known_hashes("t", ["a", "b"]) == {"a": "1", "b": "2"}
    assert ledger.known_hashes("t", ["a", "b"], but_by="run-2") == {"a": "1"}


def test_an_event_goes_to_the_default_bus() -> None:
    client = clients.events()
    with Stubber(client) as stub:
        entry = {"Source": "plumbline", "DetailType": "Prediction Drift", "Detail": json.dumps({"task": "t"})}
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [entry]})
        DefaultEventBus().send("Prediction Drift", {"task": "t"})
        stub.assert_no_pending_responses()


def test_an_event_that_is_not_taken_can_be_sent_again() -> None:
    client = clients.events()
    with Stubber(client) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})
        with pytest.raises(EventsUnavailable, match="InternalFailure"):
            DefaultEventBus().send("Prediction Drift", {})
        stub.add_client_error("put_events", "ThrottlingException")
        with pytest.raises(EventsUnavailable, match="ThrottlingException"):
            DefaultEventBus().send("Prediction Drift", {})
