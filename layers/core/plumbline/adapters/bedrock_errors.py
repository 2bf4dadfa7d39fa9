"""What an error of Bedrock's runtime means.

An error is told apart by its code, never by the words of its message. The service's message is not passed on: it can
quote what it was sent.
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    TokenRetrievalError,
)

from plumbline.contracts.errors import (
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    PlumblineError,
)

THROTTLED = {"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"}
_UNAVAILABLE = {
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelTimeoutException",
    "ServiceUnavailableException",
}
DENIED = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)


def translate(error: ClientError | BotoCoreError, which: str) -> PlumblineError:
    """The error of ours that a failed call of the model `which` is; it says what to do next."""
    if isinstance(error, ClientError):
        return _translate_answer(error, which)
    name = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        return ModelAccessDenied(f"{which} was not called ({name}); give the caller AWS credentials and a region")
    if isinstance(error, ParamValidationError):
        return ModelRequestRejected(f"{which} was not called: the request is malformed ({name}), perhaps an empty text")
    return ModelUnavailable(
        f"{which} gave no answer ({name}); try again later", perhaps_paid=not isinstance(error, _NOT_SENT)
    )


def _translate_answer(error: ClientError, which: str) -> PlumblineError:
    code = error.response.get("Error", {}).get("Code", "no code")
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    told = f"{code}, request id {metadata.get('RequestId', 'unknown')}"
    kind = _kind(code, status)
    if kind is ModelThrottled:
        return ModelThrottled(f"{which} asks for fewer calls ({told}); it is tried again later, or raise the quota")
    if kind is ModelUnavailable:
        return ModelUnavailable(f"{which} failed ({told}); try again later")
    if kind is ModelAccessDenied:
        return ModelAccessDenied(
            f"{which} may not be called ({told}); check the model id or inference profile, enable access to the model "
            "in this region, and allow bedrock:InvokeModel on it"
        )
    return ModelRequestRejected(
        f"{which} refused this request ({told}); where it refuses every case, check the model id (many models are "
        "reached only through an inference profile) and whether the model knows prompt caching"
    )


def _kind(code: str, status: int) -> type[PlumblineError]:
    for codes, kind in (
        (THROTTLED, ModelThrottled),
        (_UNAVAILABLE, ModelUnavailable),
        (DENIED | {"ResourceNotFoundException"}, ModelAccessDenied),
    ):
        if code in codes:
            return kind
    # A code that is not in the service's list (a proxy, a new code): the HTTP status says whether it may pass.
    if status == 429:  # noqa: PLR2004 - HTTP's own numbers
        return ModelThrottled
    if status in (401, 403):
        return ModelAccessDenied
    return ModelUnavailable if status >= 500 else ModelRequestRejected  # noqa: PLR2004
