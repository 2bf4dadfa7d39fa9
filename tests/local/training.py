"""What the tests of training jobs do with a running stack."""

import io
import json
import tarfile
import textwrap
from typing import Any

from local.sagemaker.logs import GROUP
from local.stack import LocalStack
from tests.local.conftest import Driver, until

ROLE = "arn:aws:iam::123456789012:role/training"
Job = dict[str, Any]


class Sage(Driver):
    """Makes training jobs and looks at them."""

    bucket = "training"

    def __init__(self, stack: LocalStack) -> None:
        super().__init__(stack)
        self.count = 0
        self["s3"].create_bucket(Bucket=self.bucket)
        self["s3"].put_object(Bucket=self.bucket, Key="data/train.jsonl", Body=b'{"a": 1}\n')
        self["s3"].put_object(Bucket=self.bucket, Key="data/many/x/1.txt", Body=b"1")
        self["s3"].put_object(Bucket=self.bucket, Key="data/many/2.txt", Body=b"2")
        self.queue = self["sqs"].create_queue(QueueName="heard")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:heard"
        pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
        self["events"].put_rule(Name="training", EventPattern=json.dumps(pattern))
        self["events"].put_targets(Rule="training", Targets=[{"Id": "1", "Arn": arn}])
        self.events: list[dict[str, Any]] = []

    def put_code(self, script: str, **more: str) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, text in {"training/train.py": textwrap.dedent(script), **more}.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return self.put_archive(buffer.getvalue())

    def put_archive(self, content: bytes) -> str:
        key = f"code/{self.count}.tar.gz"
        self["s3"].put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def begin(self, script: str = "", **changes: Any) -> str:
        self.count += 1
        name = str(changes.pop("name", f"job-{self.count}"))
        own = {
            "sagemaker_program": "training/train.py",
            "sagemaker_submit_directory": changes.pop("code", None) or self.put_code(script),
            "sagemaker_container_log_level": 20,
            "sagemaker_job_name": name,
            "sagemaker_region": "us-east-1",
        }
        given = {key: json.dumps(value) for key, value in (own | changes.pop("hyperparameters", {})).items()}
        asked: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "local", "TrainingInputMode": "File"},
            "HyperParameters": given,
            "InputDataConfig": [self.channel("training", "data/train.jsonl"), self.channel("many", "data/many/")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models/task"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": changes.pop("seconds", 600)},
            "Tags": [{"Key": "plumbline:task", "Value": "fruit"}],
        }
        self["sagemaker"].create_training_job(**(asked | changes))
        return name

    def channel(self, name: str, key: str, kind: str = "S3Prefix") -> dict[str, Any]:
        source = {"S3DataType": kind, "S3Uri": f"s3://{self.bucket}/{key}", "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": name, "ContentType": "application/x-ndjson", "DataSource": {"S3DataSource": source}}

    def describe(self, name: str) -> Job:
        job: Job = self["sagemaker"].describe_training_job(TrainingJobName=name)
        return job

    def over(self, name: str) -> Job:
        def it_is() -> Job | None:
            job = self.describe(name)
            return job if job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"} else None

        return until(it_is)

    def lines(self, name: str) -> list[str]:
        try:
            found = self["logs"].describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        except self["logs"].exceptions.ResourceNotFoundException:
            return []
        if not found:
            return []
        (stream,) = [one["logStreamName"] for one in found]
        assert stream.removeprefix(f"{name}/algo-1-").isdigit()
        pages = self["logs"].get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in pages["events"]]

    def members(self, uri: str) -> dict[str, bytes]:
        key = uri.removeprefix(f"s3://{self.bucket}/")
        body = self["s3"].get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            files = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
            return {name: stream.read() for name, stream in files if stream is not None}

    def keys(self, name: str) -> list[str]:
        listed = self["s3"].list_objects_v2(Bucket=self.bucket, Prefix=f"models/task/{name}/")
        return [entry["Key"].removeprefix(f"models/task/{name}/") for entry in listed.get("Contents", [])]

    def heard(self, name: str) -> list[dict[str, Any]]:
        while found := self["sqs"].receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self.events.append(json.loads(message["Body"]))
                self["sqs"].delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in self.events if event["detail"]["TrainingJobName"] == name]

    def secondaries(self, name: str) -> list[str]:
        return [step["Status"] for step in self.describe(name)["SecondaryStatusTransitions"]]


SLEEPER = """
    import os, signal, subprocess, sys, time
    open(os.environ["SM_MODEL_DIR"] + "/checkpoint", "w").close()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    {before}
    print("pids", os.getpid(), child.pid, flush=True)
    time.sleep(600)
"""


def pids(sage: Sage, name: str) -> list[int]:
    """The process ids of a SLEEPER and of the process that it started."""

    def printed() -> list[int] | None:
        found = [line for line in sage.lines(name) if line.startswith("pids ")]
        return [int(word) for word in found[0].split()[1:]] if found else None

    return until(printed)
