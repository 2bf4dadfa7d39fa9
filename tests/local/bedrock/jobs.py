"""A stand-in with an S3 of moto's behind it, for the tests of batch jobs."""

import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config

from local.bedrock import BedrockStandIn
from plumbline.contracts.batch import ENDED
from plumbline.contracts.replies import ModelRequest
from tests.local.bedrock.prompts import request

BUCKET = "plumbline-data"
ROLE = "arn:aws:iam::123456789012:role/plumbline-batch"
MODEL = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"


# One for all tests: a session reads a service's description once.
SESSION = boto3.Session("test", "test", region_name="us-east-1")


def client(service: str, endpoint: str | None = None) -> Any:
    """A boto3 client that tries once."""
    make: Any = SESSION.client
    return make(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))


def converse_body(asked: ModelRequest) -> dict[str, Any]:
    return {
        "system": [{"text": asked.system}],
        "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in asked.turns],
        "inferenceConfig": {"maxTokens": asked.max_tokens, "temperature": asked.temperature},
    }


def native_body(asked: ModelRequest) -> dict[str, Any]:
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": asked.max_tokens,
        "temperature": asked.temperature,
        "system": asked.system,
        "messages": [{"role": turn.role, "content": turn.text} for turn in asked.turns],
    }


def records(count: int, body: Any = converse_body, first: int = 0) -> list[dict[str, Any]]:
    numbers = range(first, first + count)
    return [
        {"recordId": f"{number:011d}", "modelInput": body(request(f"case {number}", model_id=MODEL))}
        for number in numbers
    ]


class Desk:
    """What the tests do with batch jobs."""

    def __init__(self, stand_in: BedrockStandIn, s3: Any) -> None:
        self.stand_in, self.s3 = stand_in, s3
        self.bedrock = client("bedrock", stand_in.endpoint)
        self.runtime = client("bedrock-runtime", stand_in.endpoint)

    def put(self, key: str, lines: Sequence[object]) -> str:
        body = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        return f"s3://{BUCKET}/{key}"

    def asking(self, name: str = "job-1", **more: Any) -> dict[str, Any]:
        """CreateModelInvocationJob's arguments."""
        source = more.pop("source", f"s3://{BUCKET}/in/records.jsonl")
        return {
            "jobName": name,
            "roleArn": ROLE,
            "modelId": MODEL,
            "modelInvocationType": "Converse",
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": source}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
            "clientRequestToken": name,
            **more,
        }

    def create(self, name: str = "job-1", **more: Any) -> str:
        arn: str = self.bedrock.create_model_invocation_job(**self.asking(name, **more))["jobArn"]
        return arn

    def get(self, arn: str) -> dict[str, Any]:
        job: dict[str, Any] = self.bedrock.get_model_invocation_job(jobIdentifier=arn)
        return job

    def until(self, arn: str, *statuses: str) -> dict[str, Any]:
        """The job once it has one of the statuses; any ended one where none is named."""
        deadline, pause = time.monotonic() + 60, threading.Event()
        while time.monotonic() < deadline:
            job = self.get(arn)
            if job["status"] in (statuses or ENDED):
                return job
            pause.wait(0.01)
        raise AssertionError(f"the job is {job['status']} still")

    def output(self, arn: str, name: str = "records.jsonl.out") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read(arn, name).splitlines()]

    def read(self, arn: str, name: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=f"out/{arn.rpartition('/')[2]}/{name}")["Body"].read()
        return body
