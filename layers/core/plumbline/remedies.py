"""What to do about an error that cases failed with, in words that go on with "then …"."""

from collections.abc import Iterable

from plumbline.contracts.errors import (
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    StoreDenied,
)

_REMEDIES = {
    ModelAccessDenied.__name__: "enable access to the model in Bedrock, in this region, and check the model id or "
    "inference profile and the stack's ModelArns",
    ModelRequestRejected.__name__: "check the model id, since many models are reached only through an inference "
    "profile of the region",
    ModelThrottled.__name__: "wait, or raise the model's quotas",
    ModelUnavailable.__name__: "wait until the model's service answers again",
    StoreDenied.__name__: "check the stack's roles and bucket policies",
}
# Where these hit some cases they would hit all: nothing but the remedy helps. The others may be about the case.
_OF_THE_STACK = (ModelAccessDenied.__name__, StoreDenied.__name__)


def remedy(reasons: Iterable[str]) -> str:
    """What to do where every case failed for these reasons."""
    found = list(reasons)
    return next((todo for error, todo in _REMEDIES.items() if any(error in why for why in found)), "mend the cause")


def remedy_of_the_stack(reasons: Iterable[str]) -> str:
    """What to do before trying failed cases again, where the stack may not do what it has to; else empty."""
    denied = [why for why in reasons if any(error in why for error in _OF_THE_STACK)]
    return remedy(denied) if denied else ""
