"""What every stand-in model is: something that answers a ModelRequest, or fails as Bedrock would."""

import math
from typing import Protocol

from plumbline.contracts.replies import ModelReply, ModelRequest, Usage

# Bedrock's error codes with their HTTP status (botocore's service models of bedrock-runtime and bedrock).
STATUS = {
    "AccessDeniedException": 403,
    "ConflictException": 400,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}


class ServiceError(Exception):
    """An error that the client meets as Bedrock's: `code` is one of STATUS. The message holds no case text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StandInError(Exception):
    """A stand-in model cannot start; the message says what to install or set."""


class StandInModel(Protocol):
    """A model behind the stand-in. Called from many threads at a time."""

    def answer(self, request: ModelRequest) -> ModelReply:
        """The reply with its stop reason and usage. Raises ServiceError."""


class Tokens(Protocol):
    """How a model counts tokens."""

    def count(self, text: str) -> int:
        """The text's length in tokens."""

    def cut(self, text: str, tokens: int) -> str:
        """The text's first `tokens` tokens."""


class QuarterTokens:
    """The rule of thumb: four characters a token."""

    def count(self, text: str) -> int:
        """A quarter of the characters, rounded up."""
        return math.ceil(len(text) / 4)

    def cut(self, text: str, tokens: int) -> str:
        """Four characters for each token."""
        return text[: 4 * tokens]


def finished(text: str, request: ModelRequest, tokens: Tokens, *, system_tokens: int | None = None) -> ModelReply:
    """The reply as a real model would end it: cut at the request's max_tokens, with its usage.

    `system_tokens` saves counting the system text again.
    """
    counted = tokens.count(request.system) if system_tokens is None else system_tokens
    asked = counted + sum(tokens.count(turn.text) for turn in request.turns)
    told = tokens.count(text)
    stop_reason = "end_turn"
    if told > request.max_tokens:
        text, told, stop_reason = tokens.cut(text, request.max_tokens), request.max_tokens, "max_tokens"
    return ModelReply(text=text, stop_reason=stop_reason, usage=Usage(input_tokens=asked, output_tokens=told))
