"""Bedrock's wire shapes of batch jobs: CreateModelInvocationJob and what Get and List say of a job.

Patterns, limits and names are those of botocore's service model of `bedrock`.
"""

import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import ConfigDict, Field

from local.bedrock.wire import Strict
from plumbline.contracts.base import Model
from plumbline.contracts.batch import ENDED
from plumbline.contracts.batch_summary import JobStatus

ACCOUNT = "123456789012"  # moto's
_ID_LETTERS = string.ascii_lowercase + string.digits
_DEFAULT_HOURS = 24
_JOB_NAME = r"^[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}$"
_TOKEN = r"^[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}$"  # noqa: S105 - a pattern
_ROLE = r"^arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+$"
_S3_URI = (
    r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?$"  # of the service
)
_MODEL = (
    r"^((arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:(([0-9]{12}:custom-model/[a-z0-9-]{1,63}[.]{1}[a-z0-9-:]{1,63}"
    r"/[a-z0-9]{12})|(:foundation-model/([a-z0-9-]{1,63}[.]{1}[a-z0-9-]{1,63}([.]?[a-z0-9-]{1,63})"
    r"([:][a-z0-9-]{1,63}){0,2}))|([0-9]{12}:(inference-profile|application-inference-profile)/[a-zA-Z0-9\-:.]+)))"
    r"|([a-z0-9-]{1,63}[.]{1}[a-z0-9-]{1,63}([.]?[a-z0-9-]{1,63})([:][a-z0-9-]{1,63}){0,2})|(([0-9a-zA-Z][_-]?)+))$"
)


class _Body(Strict):
    # Python's engine: AWS's patterns are not all to the Rust engine's taste.
    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")


class _S3Input(_Body):
    s3Uri: str = Field(pattern=_S3_URI, max_length=1024)  # noqa: N815 - AWS's names, here and below
    s3InputFormat: Literal["JSONL"] = "JSONL"  # noqa: N815
    s3BucketOwner: str | None = None  # noqa: N815


class _Input(_Body):
    s3InputDataConfig: _S3Input  # noqa: N815


class _S3Output(_Body):
    s3Uri: str = Field(pattern=_S3_URI, max_length=1024)  # noqa: N815
    s3EncryptionKeyId: str | None = None  # noqa: N815
    s3BucketOwner: str | None = None  # noqa: N815


class _Output(_Body):
    s3OutputDataConfig: _S3Output  # noqa: N815


class _Vpc(_Body):
    subnetIds: list[str] = Field(min_length=1, max_length=16)  # noqa: N815
    securityGroupIds: list[str] = Field(min_length=1, max_length=5)  # noqa: N815


class _Tag(_Body):
    key: str = Field(min_length=1, max_length=128)
    value: str = Field(max_length=256)


class CreateJob(_Body):
    """CreateModelInvocationJob's body."""

    jobName: str = Field(pattern=_JOB_NAME, max_length=63)  # noqa: N815
    roleArn: str = Field(pattern=_ROLE, max_length=2048)  # noqa: N815
    modelId: str = Field(pattern=_MODEL, max_length=2048)  # noqa: N815
    inputDataConfig: _Input  # noqa: N815
    outputDataConfig: _Output  # noqa: N815
    clientRequestToken: str | None = Field(default=None, pattern=_TOKEN, max_length=256)  # noqa: N815
    modelInvocationType: Literal["InvokeModel", "Converse"] = "InvokeModel"  # noqa: N815
    timeoutDurationInHours: int = Field(default=_DEFAULT_HOURS, ge=24, le=168)  # noqa: N815
    vpcConfig: _Vpc | None = None  # noqa: N815
    tags: list[_Tag] = Field(default=[], max_length=200)

    @property
    def input(self) -> str:
        """Where the record files are: one of them, or the folder of several."""
        return self.inputDataConfig.s3InputDataConfig.s3Uri

    @property
    def output(self) -> str:
        """What the output's addresses begin with."""
        return self.outputDataConfig.s3OutputDataConfig.s3Uri


class Job(Model):
    """A job and how it stands. `order`: 1 is the first that the stand-in took."""

    id: str
    arn: str
    order: int
    asked: CreateJob
    status: JobStatus = "Submitted"
    message: str = ""
    submitted: datetime
    modified: datetime
    ended_at: datetime | None = None
    total: int = 0
    processed: int = 0
    succeeded: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.status in ENDED

    @property
    def expires(self) -> datetime:
        """When it times out."""
        return self.submitted + timedelta(hours=self.asked.timeoutDurationInHours)

    def described(self) -> dict[str, Any]:
        """The job as GetModelInvocationJob gives it."""
        asked = self.asked.model_dump(exclude_none=True, exclude={"tags"})
        times = {"submitTime": self.submitted, "lastModifiedTime": self.modified, "endTime": self.ended_at}
        times["jobExpirationTime"] = self.expires
        return {
            **asked,
            "jobArn": self.arn,
            "status": self.status,
            "message": self.message,
            **{name: _iso(time) for name, time in times.items() if time is not None},
            "totalRecordCount": self.total,
            "processedRecordCount": self.processed,
            "successRecordCount": self.succeeded,
            "errorRecordCount": self.failed,
        }

    def manifest(self) -> dict[str, int]:
        """What manifest.json.out holds."""
        return {
            "totalRecordCount": self.total,
            "processedRecordCount": self.processed,
            "successRecordCount": self.succeeded,
            "errorRecordCount": self.failed,
            "inputTokenCount": self.input_tokens,
            "outputTokenCount": self.output_tokens,
        }

    def event_detail(self) -> dict[str, str]:
        """The detail of its "Batch Inference Job State Change" event ("How EventBridge for Amazon Bedrock works")."""
        return {
            "version": "0.0",
            "accountId": ACCOUNT,
            "batchJobName": self.asked.jobName,
            "batchJobArn": self.arn,
            "batchModelId": self.asked.modelId,
            "status": self.status,
            "failureMessage": self.message,
            "creationTime": self.submitted.strftime("%b %d, %Y, %I:%M:%S %p"),
        }


def new_job(asked: CreateJob, order: int, region: str) -> Job:
    """A job that has just been submitted."""
    name = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    now = datetime.now(UTC)
    arn = f"arn:aws:bedrock:{region}:{ACCOUNT}:model-invocation-job/{name}"
    return Job(id=name, arn=arn, order=order, asked=asked, submitted=now, modified=now)


class ListQuery(_Body):
    """ListModelInvocationJobs's query. `nextToken` is how many jobs came before."""

    submitTimeAfter: datetime | None = None  # noqa: N815
    submitTimeBefore: datetime | None = None  # noqa: N815
    statusEquals: JobStatus | None = None  # noqa: N815
    nameContains: str = ""  # noqa: N815
    maxResults: int = Field(default=1000, ge=1, le=1000)  # noqa: N815
    nextToken: int = Field(default=0, ge=0)  # noqa: N815
    sortBy: Literal["CreationTime"] = "CreationTime"  # noqa: N815
    sortOrder: Literal["Ascending", "Descending"] = "Descending"  # noqa: N815

    def takes(self, job: Job) -> bool:
        """Whether the job is asked for."""
        return (
            self.statusEquals in {None, job.status}
            and self.nameContains in job.asked.jobName
            and (self.submitTimeAfter is None or job.submitted > self.submitTimeAfter)
            and (self.submitTimeBefore is None or job.submitted < self.submitTimeBefore)
        )


def record_error(code: int, message: str) -> Mapping[str, object]:
    """What stands in an output line in place of modelOutput."""
    return {"errorCode": code, "errorMessage": message}


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
