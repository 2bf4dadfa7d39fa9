"""Asking a model about many cases at once; what Classify, Repair and Vote share."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import NamedTuple

from plumbline.contracts.errors import (
    BudgetBusy,
    BudgetExceeded,
    FailedFast,
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    StoreDenied,
)
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage
from plumbline.observability import logger
from plumbline.ports import LanguageModel

# About this one request; the others go on.
_OF_THE_CASE = (ModelRequestRejected, BudgetExceeded)
# What a text does to the code that sends it or reads its answer: the same at every try.
_BROKE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
# Of every request alike, and for good.
_HOPELESS = (ModelAccessDenied, StoreDenied)
# How often throttled requests are asked while others are answered. More would bring a shard near its time's end.
_ROUNDS = 4
# One that is not answered in time may be that case, and not the model; more wait too long for a function's time.
_LEAST_IN_A_ROW = 2


_NO_REPLY = ModelReply(text="", stop_reason="error", usage=Usage())


class Asked(NamedTuple):
    """The replies there are, in the requests' order, and the error for which some have none."""

    replies: list[Reply]
    error: Exception | None


class _Answer(NamedTuple):
    reply: ModelReply
    error: str | None


def ask_each(
    requests: Iterable[tuple[str, ModelRequest]],
    *,
    model: LanguageModel,
    prompt: PromptRef,
    attempt: int,
    concurrency: int,
    fail_fast: bool = False,
) -> Asked:
    """One reply for each (case id, request), `concurrency` at a time.

    Cases with the very same text share one call. A request that the service refuses as invalid, that the budget cannot
    pay for, or that breaks the client's own code becomes a Reply with `error` set, so that one bad record does not void
    its shard. A failed call leaves the others going on, because the model may fail at that one case for ever; throttled
    ones are asked again, a few times, while others are answered: waiting longer is the state machine's part. The asking
    ends once as many in a row (two at least) failed as are asked at a time, where a failure that the service names does
    not count, and at once where the model is denied or, with `fail_fast`, where it throttles (FailedFast).
    The error is handed back with what was answered, because that is paid for and has to be accounted for before the
    error is raised: ModelThrottled where there was one, which is worth the most patience, else the first;
    BudgetBusy only where there is no other.
    """
    requests = list(requests)
    same: dict[ModelRequest, list[str]] = defaultdict(list)
    for case_id, request in requests:
        same[request].append(case_id)
    answers, error = _ask_all(list(same), model, concurrency, fail_fast=fail_fast)
    refused = [request for request, answer in answers.items() if answer.error == BudgetExceeded.__name__]
    if isinstance(error, BudgetBusy):
        refused += [request for request in same if request not in answers]
    if refused and not isinstance(error, (*_HOPELESS, FailedFast, ModelThrottled)):
        # What calls beside it might have cost kept these out; alone they may fit.
        alone, later = _ask_all(refused, model, 1, fail_fast=fail_fast)
        answers |= alone
        before = None if isinstance(error, BudgetBusy) else error
        error = _gravest([each for each in (before, later) if each])
    replies = {
        reply.case_id: reply
        for request, answer in answers.items()
        for reply in _replies(same[request], request, answer, prompt, attempt)
    }
    return Asked([replies[case_id] for case_id, _ in requests if case_id in replies], error)


def _ask_all(
    requests: list[ModelRequest], model: LanguageModel, concurrency: int, *, fail_fast: bool
) -> tuple[dict[ModelRequest, _Answer], Exception | None]:
    answers: dict[ModelRequest, _Answer] = {}
    errors: dict[ModelRequest, Exception] = {}
    for _ in range(_ROUNDS):
        asked = _ask_once(requests, model, concurrency, fail_fast=fail_fast)
        answers |= asked.answers
        errors = {request: error for request, error in errors.items() if request not in asked.answers} | asked.errors
        requests = [request for request, error in asked.errors.items() if isinstance(error, ModelThrottled)]
        if asked.ended or not asked.answers or not requests:
            break
    return answers, _gravest(list(errors.values()))


class _Round(NamedTuple):
    answers: dict[ModelRequest, _Answer]
    errors: dict[ModelRequest, Exception]
    ended: bool


class _Streak:
    """Failures in a row, and whether they end the asking. One that the service names does not count: it comes at once,
    costs nothing, and may be of its case."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0
        self._counting = threading.Lock()
        self.ended = False

    def answered(self) -> None:
        with self._counting:
            self._length = 0

    def failed(self, error: Exception) -> None:
        with self._counting:
            if not isinstance(error, ModelUnavailable) or error.perhaps_paid:
                self._length += 1
            hopeless = isinstance(error, (*_HOPELESS, FailedFast))
            self.ended = self.ended or hopeless or self._length >= self._limit


def _ask_once(requests: list[ModelRequest], model: LanguageModel, concurrency: int, *, fail_fast: bool) -> _Round:
    answers: dict[ModelRequest, _Answer] = {}
    errors: dict[ModelRequest, Exception] = {}
    streak = _Streak(max(concurrency, _LEAST_IN_A_ROW))

    def ask(request: ModelRequest) -> None:
        if streak.ended:
            return
        try:
            answers[request] = _ask(model, request)
            streak.answered()
        except Exception as error:  # noqa: BLE001 - handed back by ask_each, which raises none of them
            if fail_fast and isinstance(error, ModelThrottled):
                error = FailedFast(f"{error}; this run is not to wait for that (fail fast): run the file again later")
            errors[request] = error
            streak.failed(error)

    with ThreadPoolExecutor(max_workers=concurrency) as pool, _no_more_once_interrupted(pool):
        for future in as_completed([pool.submit(ask, request) for request in requests]):
            future.result()
    return _Round(answers, errors, streak.ended)


def _gravest(errors: list[Exception]) -> Exception | None:
    errors.sort(key=lambda error: isinstance(error, BudgetBusy))  # last
    for kind in (*_HOPELESS, FailedFast, ModelThrottled, Exception):
        if found := next((error for error in errors if isinstance(error, kind)), None):
            return found
    return None


@contextmanager
def _no_more_once_interrupted(pool: ThreadPoolExecutor) -> Iterator[None]:
    """Ctrl-C of a command: what waits in the pool is not asked, and so not paid for, any more."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _replies(
    case_ids: list[str], request: ModelRequest, answer: _Answer, prompt: PromptRef, attempt: int
) -> Iterator[Reply]:
    reply = answer.reply
    for position, case_id in enumerate(case_ids):
        yield Reply(
            case_id=case_id,
            text=reply.text,
            stop_reason=reply.stop_reason,
            usage=reply.usage,
            model_id=request.model_id,
            prompt=prompt,
            attempt=attempt,
            sample=request.sample,
            from_cache=reply.from_cache or position > 0,
            batch=reply.batch,
            error=answer.error,
        )


def _ask(model: LanguageModel, request: ModelRequest) -> _Answer:
    try:
        return _Answer(model.ask(request), None)
    except _OF_THE_CASE as error:
        return _Answer(_NO_REPLY, type(error).__name__)
    except _BROKE as error:
        logger.warning("a request broke the client", extra={"error": type(error).__name__})
        return _Answer(_NO_REPLY, type(error).__name__)
