"""Answers of a language model, kept in a file: what was asked once is not asked again, by this benchmark or another."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from local.bedrock.answering import ServiceError
from plumbline.adapters.idempotency import request_key
from plumbline.contracts.base import Model
from plumbline.contracts.errors import ModelRequestRejected, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest


class Kept(Model):
    """One answer. `key` is the request's `request_key`; `seconds` is what the model took for it by the clock, and
    `cpu_seconds` what this process computed meanwhile: on a busy machine the better figure."""

    key: str
    model_id: str
    seconds: float
    cpu_seconds: float
    reply: ModelReply


class Answering(Protocol):
    """A stand-in model."""

    def answer(self, request: ModelRequest) -> ModelReply:
        """The reply. Raises ServiceError."""


class KeptModel:
    """A LanguageModel that asks `make()`, made at the first need, only what the file does not have.

    Each answer is in the file before it is handed on. Without a file it only measures. Replies quote their cases: the
    file is as private as those. For one thread.
    """

    def __init__(self, file: Path | None, make: Callable[[], Answering]) -> None:
        self._file = file
        self._make = make
        self._made: Answering | None = None
        self._kept = _read(file) if file else {}
        self._used: list[Kept] = []

    def ask(self, request: ModelRequest) -> ModelReply:
        """The answer, kept or new. Raises ModelRequestRejected, ModelUnavailable."""
        key = request_key(request)
        if key not in self._kept:
            self._keep(self._ask_now(key, request))
        self._used.append(self._kept[key])
        return self._kept[key].reply

    def has(self, request: ModelRequest) -> bool:
        """Whether the file answers this request."""
        return request_key(request) in self._kept

    def used(self) -> list[Kept]:
        """The answers handed out since the last call of this."""
        used, self._used = self._used, []
        return used

    def _ask_now(self, key: str, request: ModelRequest) -> Kept:
        if self._made is None:
            self._made = self._make()
        began, computed = time.perf_counter(), time.process_time()
        try:
            reply = self._made.answer(request)
        except ServiceError as error:
            kind = ModelRequestRejected if error.code == "ValidationException" else ModelUnavailable
            raise kind(str(error)) from None
        return Kept(
            key=key,
            model_id=request.model_id,
            seconds=round(time.perf_counter() - began, 3),
            cpu_seconds=round(time.process_time() - computed, 3),
            reply=reply,
        )

    def _keep(self, answer: Kept) -> None:
        self._kept[answer.key] = answer
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(answer.model_dump_json() + "\n")


def _read(file: Path) -> dict[str, Kept]:
    """What the file has; a last line that was broken off is cut away. Raises ValueError for a file of another kind."""
    if not file.exists():
        return {}
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    try:
        answers = [Kept.model_validate_json(line) for line in whole.splitlines()]
    except ValidationError:
        raise ValueError(f"{file} holds something else than kept answers") from None
    if len(whole) < len(data):
        file.write_bytes(whole)
    return {answer.key: answer for answer in answers}
