"""Forwards to any OpenAI-compatible chat completions URL: Ollama, vLLM, llama.cpp's server, OpenAI."""

import json
import os
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pydantic import BaseModel, Field, SecretStr, ValidationError

from local.bedrock.answering import QuarterTokens, ServiceError, StandInError, finished
from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage

_CODES = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    422: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
}
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}


class OpenAiOptions(Model):
    """Where to forward to. What is not given is read from OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL when the
    stand-in starts; without a model name the Bedrock model id goes through. `max_tokens_field`: OpenAI's own newer
    models take max_completion_tokens only."""

    base_url: str = Field(
        default="", description="ends before /chat/completions, for example http://localhost:11434/v1"
    )
    api_key: SecretStr = SecretStr("")
    model: str = ""
    timeout_seconds: float = Field(default=120.0, gt=0)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _CachedTokens(BaseModel):
    cached_tokens: int = 0


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _CachedTokens | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class OpenAiModel:
    """Asks the other server once for each request; retries are the client's."""

    def __init__(self, options: OpenAiOptions) -> None:
        """Raises StandInError when there is no http(s) URL to forward to."""
        base_url = options.base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not base_url.startswith(("http://", "https://")):
            raise StandInError(
                "the openai stand-in needs the address of an OpenAI-compatible server: set OPENAI_BASE_URL, "
                "for example http://localhost:11434/v1"
            )
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._api_key = options.api_key.get_secret_value() or os.environ.get("OPENAI_API_KEY", "")
        self._model = options.model or os.environ.get("OPENAI_MODEL", "")
        self._options = options

    def answer(self, request: ModelRequest) -> ModelReply:
        """The other server's answer. Raises ServiceError with the Bedrock error that is nearest to its error."""
        completion = self._ask(request)
        choice = completion.choices[0]
        text = choice.message.content or ""
        stop_reason = _STOP_REASONS.get(choice.finish_reason or "stop", "end_turn")
        if completion.usage is None:
            return finished(text, request, QuarterTokens()).model_copy(
                update={"text": text, "stop_reason": stop_reason}
            )
        details = completion.usage.prompt_tokens_details
        cached = details.cached_tokens if details else 0
        usage = Usage(
            input_tokens=completion.usage.prompt_tokens - cached,
            output_tokens=completion.usage.completion_tokens,
            cache_read_tokens=cached,
        )
        return ModelReply(text=text, stop_reason=stop_reason, usage=usage)

    def _ask(self, request: ModelRequest) -> _Completion:
        try:
            with urlopen(self._http(request), timeout=self._options.timeout_seconds) as response:  # noqa: S310 - http(s)
                return _Completion.model_validate_json(response.read())
        except HTTPError as error:
            error.close()
            code = _CODES.get(error.code, "ServiceUnavailableException" if error.code >= 500 else "ValidationException")  # noqa: PLR2004
            raise ServiceError(code, f"{self._url} answered HTTP {error.code}") from None
        except TimeoutError:
            raise ServiceError("ModelTimeoutException", f"{self._url} gave no answer in time") from None
        except (URLError, OSError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            code = "ModelTimeoutException" if isinstance(reason, TimeoutError) else "ServiceUnavailableException"
            raise ServiceError(code, f"{self._url} could not be reached ({type(reason).__name__})") from None
        except ValidationError:
            raise ServiceError("ModelErrorException", f"{self._url} did not answer with a chat completion") from None

    def _http(self, request: ModelRequest) -> Request:
        system = [{"role": "system", "content": request.system}] if request.system else []
        body = {
            "model": self._model or request.model_id,
            "messages": [*system, *({"role": turn.role, "content": turn.text} for turn in request.turns)],
            self._options.max_tokens_field: request.max_tokens,
            "temperature": request.temperature,
        }
        headers = {"Content-Type": "application/json"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return Request(self._url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - http(s), checked above
