"""What the failures of S3, DynamoDB and Systems Manager are called in the state machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from plumbline.contracts.errors import StoreDenied, StoreUnavailable

_DENIED = {"AccessDenied", "AccessDeniedException", "403", "KMS.AccessDeniedException", "UnrecognizedClientException"}
_BUSY = {
    "ConditionalRequestConflict",
    "InternalError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
    "TooManyUpdates",
    "TransactionInProgressException",
}
_SERVER_ERROR = 500


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise StoreUnavailable for what a later attempt may mend, StoreDenied for missing rights, naming `what`.

    By the error's code or HTTP status, never by its message. Any other ClientError goes on as it is.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _DENIED:
            raise StoreDenied(f"{what}: access denied ({code}); check this function's role in template.yaml") from None
        if code in _BUSY or status >= _SERVER_ERROR:
            raise StoreUnavailable(f"{what}: the service failed ({code}); trying again may help") from None
        raise
    except (BotoCoreError, HTTPClientError) as error:
        raise StoreUnavailable(f"{what}: not reached ({type(error).__name__}); trying again may help") from None
