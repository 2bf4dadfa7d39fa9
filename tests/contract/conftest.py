"""The seeded world under moto, and one function's environment at a time."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from local.bedrock.scripted import Script, ScriptedModel
from plumbline.adapters import clients, model
from plumbline.adapters.bedrock import ConverseModel, MessagesModel
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.stepfunctions import LabelCasesWorkflow
from plumbline.settings import ModelSettings
from tests.contract.environment import ACCOUNT, RESOURCES, STACK, declared
from tests.contract.model import InProcessBedrock, batch_jobs_in_process
from tests.template.reading import template
from tools import world

# What Lambda itself sets, and what keeps powertools and boto3 in this process.
_OF_LAMBDA = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED")


@pytest.fixture(scope="package")
def fresh_clients() -> Iterator[None]:
    """The adapters' clients are made once for all of these tests, under moto, and do not outlive them."""
    clients._client.cache_clear()
    yield
    clients._client.cache_clear()


@pytest.fixture
def aws(fresh_clients: None) -> Iterator[None]:
    model.stored_model.cache_clear()
    with mock_aws():
        yield
    model.stored_model.cache_clear()


@pytest.fixture
def seeded(aws: None) -> None:
    """The template's buckets, tables and machine, with the world in them."""
    for bucket in ("RawBucket", "DataBucket"):
        clients.s3().create_bucket(Bucket=RESOURCES[bucket])
    for table in ("LedgerTable", "IdempotencyTable"):
        properties = template()["Resources"][table]["Properties"]
        shape = {name: properties[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")}
        clients.dynamodb().create_table(TableName=RESOURCES[table], **shape)
    machine, _ = (
        clients.stepfunctions().create_state_machine(
            name=f"{STACK}-{name}", definition=world.DO_NOTHING, roleArn=f"arn:aws:iam::{ACCOUNT}:role/none"
        )
        for name in ("LabelCases", "PredictCases")
    )
    world.seed(
        S3ObjectStore(RESOURCES["RawBucket"]),
        S3ObjectStore(RESOURCES["DataBucket"]),
        DynamoLedger(RESOURCES["LedgerTable"]),
        LabelCasesWorkflow(machine["stateMachineArn"]),
        AwsModelRegistry(f"/{STACK}/models/", RESOURCES["LedgerTable"]),
    )


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets one function's environment: the template's variables and no others of this process."""

    def of(stage: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", *_OF_LAMBDA)}
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in (kept | declared(stage)).items():
            monkeypatch.setenv(name, value)

    return of


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model calls are answered in this process, by the world's script."""
    client: Any = InProcessBedrock(ScriptedModel(Script.model_validate_json(json.dumps(world.SCRIPT))))

    def in_process(settings: ModelSettings) -> ConverseModel | MessagesModel:
        kind = MessagesModel if settings.model_api == "messages" else ConverseModel
        return kind(prompt_cache=settings.prompt_cache, concurrency=settings.case_concurrency, client=client)

    monkeypatch.setattr(model, "_bedrock", in_process)
    jobs = batch_jobs_in_process()
    monkeypatch.setattr(clients, "bedrock", lambda: jobs)
