"""Bedrock in this process: a client whose Converse is answered by the scripted stand-in, without a socket."""

import io
import json
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.response import StreamingBody

from local.bedrock.answering import STATUS, ServiceError, StandInModel
from local.bedrock.wire import converse_answer, invoke_answer, read_converse, read_invoke


class InProcessBedrock:
    """What `boto3.client("bedrock-runtime")` offers of Plumbline's two calls."""

    class meta:  # noqa: N801 - boto3's name
        region_name = "us-east-1"

    def __init__(self, model: StandInModel) -> None:
        self._model = model

    def converse(self, *, modelId: str, **body: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """As Converse."""
        try:
            return dict(converse_answer(self._model.answer(read_converse(modelId, json.dumps(body).encode())), 1))
        except ServiceError as error:
            raise _as_botocore_tells_it(error, "Converse") from None

    def invoke_model(self, *, modelId: str, body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        """As InvokeModel."""
        try:
            answer = json.dumps(invoke_answer(modelId, self._model.answer(read_invoke(modelId, body)))).encode()
        except ServiceError as error:
            raise _as_botocore_tells_it(error, "InvokeModel") from None
        return {"body": StreamingBody(io.BytesIO(answer), len(answer)), "contentType": "application/json"}


def _as_botocore_tells_it(error: ServiceError, operation: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": error.code, "Message": str(error)},
            "ResponseMetadata": {
                "HTTPStatusCode": STATUS[error.code],
                "RequestId": "in-process",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
                "HostId": "",
            },
        },
        operation,
    )


def batch_jobs_in_process() -> Any:
    """boto3's client of Bedrock's control plane, without a socket: it takes every job, and knows none."""
    client: Any = boto3.client("bedrock", region_name="us-east-1")
    client.meta.events.register("before-call.bedrock", _answer_about_jobs)
    return client


def _answer_about_jobs(model: OperationModel, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    answer: dict[str, Any] = {"Error": {"Code": "ResourceNotFoundException", "Message": "no such job"}}
    if model.name == "CreateModelInvocationJob":
        answer = {"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/mnopqrstuvwx"}
    status = 404 if "Error" in answer else 200
    told = {"ResponseMetadata": {"RequestId": "in-process", "HTTPStatusCode": status}}
    return AWSResponse("", status, HTTPHeaders(), None), answer | told
