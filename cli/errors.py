"""What can go wrong for an operator, in words: what happened, where, and what to do next."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from cli.paths import plumbline

_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException", "403"}
_BAD_CREDENTIALS: Final = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
}
_BUSY: Final = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "SlowDown",
    "InternalError",
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestTimeout",
    "503",
    "500",
}


_CONNECTION: Final = (HTTPClientError, EndpointConnectionError, ConnectionClosedError)
_OF_CLIENT: Final[tuple[tuple[tuple[type[BotoCoreError], ...], str, str], ...]] = (
    ((ProfileNotFound,), "{}.", "Name another profile in AWS_PROFILE; `aws configure list-profiles` shows them."),
    ((NoRegionError,), "No AWS region is set.", "Set AWS_REGION, or a region in your AWS profile."),
    (
        (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
        "No AWS credentials were found.",
        "Sign in (`aws sso login`, or AWS_PROFILE) and try again.",
    ),
    ((SSOError, TokenRetrievalError), "The AWS sign-in has expired.", "Run `aws sso login` and try again."),
    (_CONNECTION, "AWS could not be reached: {}", "Check the network. For the local stack: {plumbline} up."),
)


class CliError(Exception):
    """Something that ends the command. `hint` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageProblem(CliError):
    """The command was asked for something that cannot be."""

    exit_code = 2


def code_of(error: ClientError) -> str:
    """The service's own error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Whether the credentials in use may not do it."""
    return code_of(error) in _DENIED


def is_passing(error: BaseException) -> bool:
    """Whether looking again in a moment may help: throttling, a busy service, a broken connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in _BUSY or status >= 500
    return isinstance(error, _CONNECTION)


def explained(error: BotoCoreError | ClientError) -> CliError:
    """An error of AWS's client as one that a person can act on."""
    if isinstance(error, ClientError):
        return _explained_answer(error)
    for kinds, message, hint in _OF_CLIENT:
        if isinstance(error, kinds):
            return CliError(message.format(error), hint.replace("{plumbline}", plumbline()))
    return CliError(f"AWS's client refused: {error}")


def _explained_answer(error: ClientError) -> CliError:
    code, what = code_of(error), error.operation_name
    message = str(error.response.get("Error", {}).get("Message", "")).strip()
    if is_denied(error):
        hint = f"The credentials in use need the permission for {what}; ask whoever runs the account."
        return CliError(f"AWS denies {what}. {message}", hint)
    if code in _BAD_CREDENTIALS:
        return CliError(f"AWS does not accept the credentials ({code}).", "Sign in again, or check AWS_PROFILE.")
    if code in _BUSY:
        return CliError(f"AWS is busy: {what} answered {code}.", "Try again in a minute.")
    return CliError(f"{what} failed: {code}. {message}")
