"""Asking a model about many cases at once; what Classify, Repair and Vote share."""

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
# Fewer that fail one after the other may be those cases, and not the model.
_LEAST_IN_A_ROW = 3


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
    its shard. A throttled or failed call leaves the others going on, and throttled ones are asked again, a few times,
    while others are answered: waiting longer is the state machine's part. The asking ends once as many in a row failed
    as are asked at a time (three at least); but for throttling it then begins once more at the other end, so that cases
    at which the model always fails do not hide those behind them. It ends at once where the model is denied or, with
    `fail_fast`, where it throttles (FailedFast).
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
    if refused and (error is None or isinstance(error, BudgetBusy)):
        # What calls beside it might have cost kept these out; alone they may fit.
        alone, error = _ask_all(refused, model, 1, fail_fast=fail_fast)
        answers |= alone
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
        asked = _ask_from_both_ends(requests, model, concurrency, fail_fast=fail_fast)
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


def _ask_from_both_ends(
    requests: list[ModelRequest], model: LanguageModel, concurrency: int, *, fail_fast: bool
) -> _Round:
    asked = _ask_once(requests, model, concurrency, fail_fast=fail_fast)
    if not asked.ended or isinstance(_gravest(list(asked.errors.values())), (*_HOPELESS, FailedFast, ModelThrottled)):
        return asked
    left = [request for request in reversed(requests) if request not in asked.answers and request not in asked.errors]
    other = _ask_once(left, model, concurrency, fail_fast=fail_fast)
    return _Round(asked.answers | other.answers, asked.errors | other.errors, other.ended)


def _ask_once(requests: list[ModelRequest], model: LanguageModel, concurrency: int, *, fail_fast: bool) -> _Round:
    asked = _Round({}, {}, ended=False)
    in_a_row = 0
    with ThreadPoolExecutor(max_workers=concurrency) as pool, _no_more_once_interrupted(pool):
        futures = {pool.submit(_ask, model, request): request for request in requests}
        for future in as_completed(futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                asked.answers[futures[future]] = future.result()
                in_a_row = 0
                continue
            if not isinstance(error, Exception):
                raise error
            if fail_fast and isinstance(error, ModelThrottled):
                error = FailedFast(f"{error}; this run is not to wait for that (fail fast): run the file again later")
            asked.errors[futures[future]] = error
            in_a_row += 1
            if in_a_row >= max(concurrency, _LEAST_IN_A_ROW) or isinstance(error, (*_HOPELESS, FailedFast)):
                asked = asked._replace(ended=True)
                for waiting in futures:
                    waiting.cancel()
    return asked


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
