"""Batch jobs of the local stack: the clients find them, events tell of them, and they survive a restart."""

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from local.bedrock import BedrockStandIn
from local.bedrock.job_wire import Job
from local.stack import LocalStack
from plumbline.contracts.replies import ModelReply, ModelRequest
from tests.local.bedrock.jobs import MODEL, ROLE, records
from tests.local.bedrock.prompts import BILLING
from tests.local.conftest import FIXTURE, Driver, until

LIMITS = {"BatchMinRecords": "2"}


def stack_of(tmp_path: Path, server: BedrockStandIn) -> LocalStack:
    return LocalStack(FIXTURE, state_dir=tmp_path, model_server=server, time_scale=0.01, parameters=LIMITS)


def submit(driver: Driver) -> str:
    bucket = driver.physical("Inbox")
    lines = "".join(f"{json.dumps(record)}\n" for record in records(3))
    driver["s3"].put_object(Bucket=bucket, Key="batch/records.jsonl", Body=lines.encode())
    created = driver["bedrock"].create_model_invocation_job(
        jobName="run-1",
        clientRequestToken="run-1",
        roleArn=ROLE,
        modelId=MODEL,
        modelInvocationType="Converse",
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{bucket}/batch/records.jsonl"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/batch/out"}},
    )
    return str(created["jobArn"])


def ended(driver: Driver, arn: str) -> dict[str, Any]:
    def it_ended() -> dict[str, Any] | None:
        job: dict[str, Any] = driver["bedrock"].get_model_invocation_job(jobIdentifier=arn)
        return job if "endTime" in job else None

    return until(it_ended)


def test_a_job_runs_and_is_known_after_a_restart(tmp_path: Path) -> None:
    with BedrockStandIn("scripted", options={"category": BILLING}) as server, stack_of(tmp_path, server) as stack:
        driver = Driver(stack)
        arn = submit(driver)
        assert ended(driver, arn)["status"] == "Completed"
        key = f"batch/out/{arn.rpartition('/')[2]}/records.jsonl.out"
        body = driver["s3"].get_object(Bucket=driver.physical("Inbox"), Key=key)["Body"].read()
        assert len(body.splitlines()) == 3
    with BedrockStandIn("scripted", options={"category": BILLING}) as server, stack_of(tmp_path, server) as stack:
        driver = Driver(stack)
        assert submit(driver) == arn, "nothing is submitted twice"
        assert ended(driver, arn)["successRecordCount"] == 3
        assert server.calls.batch_answered == 0


def test_a_job_that_runs_at_the_stop_goes_on_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, opened = threading.Event(), threading.Event()
    with BedrockStandIn("scripted", options={"category": BILLING}) as server:
        answer, asked = server.model.answer, itertools.count()

        def hold_the_second(request: ModelRequest) -> ModelReply:
            if next(asked) == 1:
                reached.set()
                assert opened.wait(60)
            return answer(request)

        monkeypatch.setattr(server.model, "answer", hold_the_second)
        monkeypatch.setattr("local.bedrock.jobs._CLOSE_SECONDS", 0.0)
        with stack_of(tmp_path, server) as stack:
            driver = Driver(stack)
            arn = submit(driver)
            assert reached.wait(60)
        opened.set()
        assert server.calls.batch_answered == 1
    seen: list[Job] = []
    with BedrockStandIn("scripted", options={"category": BILLING}) as server:
        monkeypatch.setattr("local.moto_patches.publish_batch_job", lambda job, region: seen.append(job))
        with stack_of(tmp_path, server) as stack:
            job = ended(Driver(stack), arn)
            assert (job["status"], job["successRecordCount"]) == ("Completed", 3)
            assert server.calls.batch_answered == 2, "the record that was answered is not asked again"
            assert seen[-1].event_detail()["status"] == "Completed"
    assert list((tmp_path / "batch").iterdir()) == []
