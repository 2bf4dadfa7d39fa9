"""BatchModel on Amazon Bedrock: model invocation jobs over JSON lines in S3.

Record and output formats: Amazon Bedrock User Guide, "Format and upload your batch inference data" and "View the
results of a batch inference job". What the service says of a record is not passed on but for its code: a message can
quote the case.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, Self, get_args

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, JsonValue, ValidationError

from plumbline.adapters import clients
from plumbline.adapters.bedrock_bodies import (
    ConversePaid,
    ConverseReply,
    NativePaid,
    NativeReply,
    converse_body,
    native_body,
)
from plumbline.adapters.bedrock_errors import DENIED, THROTTLED
from plumbline.contracts.batch import BatchJob, JobState, RecordError
from plumbline.contracts.batch_summary import JobStatus
from plumbline.contracts.errors import BatchRefused, ModelAccessDenied, ModelThrottled, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.settings import BatchSettings

_SERVER_ERROR: Final = 500
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
UNREADABLE: Final = "unreadable_output"
_STATUSES: Final = frozenset(get_args(JobStatus))


class _Error(BaseModel):
    errorCode: str | int = "unknown"  # noqa: N815 - AWS's names, here and below


class _Line(BaseModel):
    recordId: str  # noqa: N815
    modelOutput: JsonValue = None  # noqa: N815
    error: _Error | None = None


class BedrockBatch:
    """Jobs whose records and output lie in `bucket`; the service reads and writes them with the role `role_arn`.

    `api` is how a record asks: `converse` for any model that speaks it, `messages` for Anthropic's native body. A job
    that has not ended after `hours` (24 to 168) is ended by the service, as Expired.
    """

    def __init__(
        self, bucket: str, role_arn: str, *, api: Literal["converse", "messages"] = "converse", hours: int = 24
    ) -> None:
        self._bucket = bucket
        self._role_arn = role_arn
        self._api = api
        self._hours = hours

    @classmethod
    def of(cls, settings: BatchSettings) -> Self:
        """The batches of a function with these settings."""
        return cls(settings.data_bucket, settings.batch_role_arn, api=settings.model_api, hours=settings.batch_hours)

    def record(self, record_id: str, request: ModelRequest) -> bytes:
        """The request as one line of a record file. Without prompt-cache marks, which a batch has no use for."""
        written = native_body if self._api == "messages" else converse_body
        body = written(request, prompt_cache=False)
        return json.dumps({"recordId": record_id, "modelInput": body}, ensure_ascii=False).encode()

    def submit(self, job: BatchJob, model_id: str) -> str:
        """Submit the job's record file; its ARN. The job's name is its client token: submitted again, it is the same.

        Raises BatchRefused, ModelThrottled, ModelUnavailable, ModelAccessDenied.
        """
        client = clients.bedrock()
        try:
            with _translated(f"a batch job of model {model_id}"):
                return client.create_model_invocation_job(
                    jobName=job.name,
                    clientRequestToken=job.name,
                    roleArn=self._role_arn,
                    modelId=model_id,
                    modelInvocationType="InvokeModel" if self._api == "messages" else "Converse",
                    inputDataConfig={
                        "s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": self._uri(job.records_key)}
                    },
                    outputDataConfig={"s3OutputDataConfig": {"s3Uri": self._uri(job.output_prefix)}},
                    timeoutDurationInHours=self._hours,
                )["jobArn"]
        except client.exceptions.ConflictException:
            # The name is taken: by this very job, when its token has been forgotten since.
            pages = client.get_paginator("list_model_invocation_jobs").paginate(nameContains=job.name)
            with _translated(f"batch job {job.name}"):
                for page in pages:
                    for found in page["invocationJobSummaries"]:
                        if found["jobName"] == job.name:
                            return found["jobArn"]
            raise BatchRefused(f"the service takes no batch job of the name {job.name} (ConflictException)") from None
        except client.exceptions.ResourceNotFoundException:
            raise ModelAccessDenied(
                f"there is no model {model_id} for a batch job here; check the model id and the region"
            ) from None

    def state(self, job_arn: str) -> JobState:
        """How the job stands; Failed where the service knows no such job."""
        client = clients.bedrock()
        try:
            with _translated(f"batch job {job_arn}"):
                found = client.get_model_invocation_job(jobIdentifier=job_arn)
        except client.exceptions.ResourceNotFoundException:
            return JobState(job_arn=job_arn, status="Failed", message="the service knows no such job")
        return JobState(
            job_arn=job_arn,
            # A status that came after this was written is none of the ends that are known.
            status=found["status"] if found["status"] in _STATUSES else "InProgress",
            message=found.get("message", ""),
            total=found.get("totalRecordCount", 0),
            processed=found.get("processedRecordCount", 0),
            succeeded=found.get("successRecordCount", 0),
            failed=found.get("errorRecordCount", 0),
            submitted_at=found.get("submitTime"),
            expires_at=found.get("jobExpirationTime"),
        )

    def stop(self, job_arn: str) -> None:
        """Ask for the job's end; a job that has ended, or is not known, is left as it is."""
        client = clients.bedrock()
        try:
            with _translated(f"batch job {job_arn}"):
                client.stop_model_invocation_job(jobIdentifier=job_arn)
        except (client.exceptions.ConflictException, client.exceptions.ResourceNotFoundException, BatchRefused):
            return

    def answer(self, line: bytes) -> tuple[str, ModelReply | RecordError] | None:
        """A line of output: the record's id and its reply, or its error; None for a line that is neither.

        An output that cannot be read is an error that keeps its tokens, because they are paid for.
        """
        try:
            found = _Line.model_validate_json(line)
        except ValidationError:
            return None
        if found.error is not None:
            code = str(found.error.errorCode)
            return found.recordId, RecordError(code=code if _CODE.fullmatch(code) else "unknown")
        kind = NativeReply if self._api == "messages" else ConverseReply
        try:
            return found.recordId, kind.model_validate(found.modelOutput).said()
        except ValidationError:
            return found.recordId, RecordError(code=UNREADABLE, usage=_usage_in(found.modelOutput))

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _usage_in(output: JsonValue) -> Usage:
    """The tokens that an output names, in whichever shape; none where it names none."""
    for kind in (ConversePaid, NativePaid):
        try:
            return kind.model_validate(output).usage.counted()
        except ValidationError:
            continue
    return Usage()


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The service's refusals by the names that the state machine knows; a conflict and an unknown job go on as they
    are."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        metadata = error.response.get("ResponseMetadata", {})
        told = f"{what}: {code}, request id {metadata.get('RequestId', 'unknown')}"
        if code in THROTTLED:  # also a quota of jobs at a time: it is free again when a job ends
            raise ModelThrottled(f"{told}; the service takes no more now, it is tried again later") from None
        if code in DENIED:
            raise ModelAccessDenied(
                f"{told}; allow bedrock:CreateModelInvocationJob on the model, its inference profile and "
                "model-invocation-job/*, and iam:PassRole on the batch role (template.yaml), and enable access to the "
                "model in this region; or run with mode on_demand"
            ) from None
        if code == "ValidationException":
            raise BatchRefused(
                f"the service refused {told} (a model without batch inference in this region, or a file beyond its "
                "limits)"
            ) from None
        if metadata.get("HTTPStatusCode", 0) >= _SERVER_ERROR:
            raise ModelUnavailable(f"{told}; the service failed, it is tried again later") from None
        raise
    except BotoCoreError as error:
        raise ModelUnavailable(f"{what}: no answer ({type(error).__name__}); it is tried again later") from None
