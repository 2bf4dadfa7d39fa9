"""The stack's REST API: signed requests, and its errors in words."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from pydantic import ValidationError

from cli.errors import CliError
from cli.paths import plumbline
from cli.stack import Stack
from plumbline.contracts.api import ErrorAnswer, Prediction

_TIMEOUT = 35  # API Gateway itself gives up after 29 seconds
_TRIES = 4
_PAUSE = 0.5
_PASSING: Final = {429, 500, 502, 503, 504}
_NO_MODEL: Final = "no_model"


class Refused(Exception):
    """The API answered one case with an error that says something about this case only; `code` is its fixed word."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class PredictionApi:
    """`POST /predictions` of one stack, signed with the credentials in use (IAM authorisation)."""

    def __init__(self, where: Stack, sleep: Callable[[float], None] = time.sleep) -> None:
        if not where.api_url:
            hint = "Deploy the version of the template that these commands belong to."
            raise CliError(f"The stack {where.name!r} in {where.region} has no API.", hint)
        self._where = where
        self._url = f"{where.api_url}/predictions"
        self._sleep = sleep
        self._http = URLLib3Session(timeout=_TIMEOUT)
        credentials = boto3.Session().get_credentials()
        if credentials is None:
            raise NoCredentialsError
        self._credentials = credentials

    def predict(self, case: Mapping[str, Any]) -> Prediction:
        """The answer to one case. Busy moments are waited out. Raises Refused for a case that the API does not take,
        CliError for what concerns every case: no model, no access, no API."""
        body = json.dumps(case).encode()
        for tried in range(1, _TRIES + 1):
            status, content = self._post(body)
            if status == 200:
                return self._prediction(content)
            if status not in _PASSING or tried == _TRIES or _problem(status, content)[0] == _NO_MODEL:
                break
            self._sleep(_PAUSE * 2 ** (tried - 1))
        raise self._fault(status, content)

    def _post(self, body: bytes) -> tuple[int, bytes]:
        request = AWSRequest("POST", self._url, data=body, headers={"Content-Type": "application/json"})
        # Fresh each time: a role's credentials expire within a long file.
        SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._where.region).add_auth(request)
        try:
            answer = self._http.send(request.prepare())
        except HTTPClientError as error:
            hint = f"Is the local stack still running? {plumbline('up')}" if self._where.local else "Check the network."
            raise CliError(f"{self._url} could not be reached ({type(error).__name__}).", hint) from None
        return answer.status_code, answer.content

    def _prediction(self, content: bytes) -> Prediction:
        try:
            return Prediction.model_validate_json(content)
        except ValidationError:
            message = "The API's answer does not fit this version of the commands."
            raise CliError(message, "Use the commands of the version that is deployed.") from None

    def _fault(self, status: int, content: bytes) -> Exception:
        code, message = _problem(status, content)
        if status in (401, 403):
            hint = "The credentials in use need execute-api:Invoke on it; docs/api.md shows the policy."
            return CliError(f"The API denies access: {_sentence(message)}", hint)
        if code == _NO_MODEL:
            return CliError("No model has been promoted yet.", f"Train one: {plumbline(f'train{self._where.option}')}")
        if status in _PASSING:
            return CliError(_sentence(message), f"Look into {self._where.log_of('predict_case')}.")
        return Refused(status, code, message)


def _problem(status: int, content: bytes) -> tuple[str, str]:
    """Code and message of the API's own error shape, or of API Gateway's."""
    try:
        problem = ErrorAnswer.model_validate_json(content).error
    except ValidationError:
        try:
            return str(status), str(json.loads(content)["message"])
        except (ValueError, KeyError, TypeError):
            return str(status), f"the API answered with status {status}"
    return problem.code, problem.message


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
