"""A Plumbline stack in moto: buckets, ledger and state machine, as the template's outputs name them."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from rich.console import Console

from cli.stack import Stack
from plumbline.adapters import clients

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:demo-LabelCases"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for what the commands keep; none of the surrounding AWS settings."""
    monkeypatch.setattr("cli.paths.DEFAULT_HOME", tmp_path / "home")
    for name in ("PLUMBLINE_HOME", "AWS_ENDPOINT_URL", "AWS_PROFILE", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return tmp_path / "home"


@pytest.fixture
def aws() -> Iterator[None]:
    clients._client.cache_clear()
    with mock_aws():
        yield
    clients._client.cache_clear()


@pytest.fixture
def stack(aws: None) -> Stack:
    s3 = boto3.client("s3")
    for bucket in ("raw", "data"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("stepfunctions").create_state_machine(
        name="demo-LabelCases",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/demo",
    )
    return Stack(
        name="demo",
        region="us-east-1",
        raw_bucket="raw",
        data_bucket="data",
        ledger_table="ledger",
        state_machine_arn=MACHINE,
        task="root_cause",
        model_id="local.test",
    )


@pytest.fixture
def console() -> Console:
    """Eighty columns, no terminal; what was printed is in `export_text()`."""
    return Console(width=80, record=True, force_terminal=False, highlight=False, quiet=False)
