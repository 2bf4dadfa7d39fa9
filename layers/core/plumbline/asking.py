"""Asking a model about many cases at once; what Classify and Repair share."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import NamedTuple

from plumbline.contracts.errors import ModelRequestRejected
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage
from plumbline.ports import LanguageModel


class Asked(NamedTuple):
    """The replies there are, in the requests' order, and the error that ended the asking early."""

    replies: list[Reply]
    error: Exception | None


def ask_each(
    requests: Iterable[tuple[str, ModelRequest]],
    *,
    model: LanguageModel,
    prompt: PromptRef,
    attempt: int,
    concurrency: int,
) -> Asked:
    """One reply for each (case id, request), `concurrency` at a time.

    Cases with the very same text share one call. A request that the service refuses as invalid becomes a Reply with
    `error` set, so that one bad record does not void its shard. Every other error stops the asking; it is handed back
    with what was answered, because that is paid for and has to be accounted for before the error is raised.
    """
    requests = list(requests)
    same: dict[ModelRequest, list[str]] = defaultdict(list)
    for case_id, request in requests:
        same[request].append(case_id)
    answers: dict[str, Reply] = {}
    stopped: Exception | None = None
    with ThreadPoolExecutor(max_workers=concurrency) as pool, _no_more_once_interrupted(pool):
        futures = {pool.submit(_ask, model, request): request for request in same}
        for future in as_completed(futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                request = futures[future]
                for reply in _replies(same[request], request, future.result(), prompt, attempt):
                    answers[reply.case_id] = reply
            elif stopped is None and isinstance(error, Exception):
                stopped = error
                for waiting in futures:
                    waiting.cancel()
    return Asked([answers[case_id] for case_id, _ in requests if case_id in answers], stopped)


@contextmanager
def _no_more_once_interrupted(pool: ThreadPoolExecutor) -> Iterator[None]:
    """Ctrl-C of a command: what waits in the pool is not asked, and so not paid for, any more."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _replies(
    case_ids: list[str], request: ModelRequest, answered: tuple[ModelReply, str | None], prompt: PromptRef, attempt: int
) -> Iterator[Reply]:
    answer, error = answered
    for position, case_id in enumerate(case_ids):
        yield Reply(
            case_id=case_id,
            text=answer.text,
            stop_reason=answer.stop_reason,
            usage=answer.usage,
            model_id=request.model_id,
            prompt=prompt,
            attempt=attempt,
            sample=request.sample,
            from_cache=answer.from_cache or position > 0,
            error=error,
        )


def _ask(model: LanguageModel, request: ModelRequest) -> tuple[ModelReply, str | None]:
    try:
        return model.ask(request), None
    except ModelRequestRejected as error:
        return ModelReply(text="", stop_reason="error", usage=Usage()), type(error).__name__
