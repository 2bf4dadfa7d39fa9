"""Asking a model about many cases at once; what Classify and Repair share."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from plumbline.contracts.errors import ModelRequestRejected
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage
from plumbline.ports import LanguageModel


def ask_each(
    requests: Iterable[tuple[str, ModelRequest]],
    *,
    model: LanguageModel,
    prompt: PromptRef,
    attempt: int,
    concurrency: int,
) -> list[Reply]:
    """One reply for each (case id, request), in their order, `concurrency` at a time.

    Cases with the very same text share one call. A request that the service refuses as invalid becomes a Reply with
    `error` set, so that one bad record does not void its shard. Every other error stops the asking and is raised
    once the calls under way have ended: their answers are kept by the idempotent model and not paid again.
    """
    requests = list(requests)
    same: dict[ModelRequest, list[str]] = defaultdict(list)
    for case_id, request in requests:
        same[request].append(case_id)
    replies: dict[str, Reply] = {}
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = {pool.submit(_ask, model, request): request for request in same}
        try:
            for future in as_completed(futures):
                answer, error = future.result()
                for position, case_id in enumerate(same[futures[future]]):
                    replies[case_id] = Reply(
                        case_id=case_id,
                        text=answer.text,
                        stop_reason=answer.stop_reason,
                        usage=answer.usage,
                        model_id=futures[future].model_id,
                        prompt=prompt,
                        attempt=attempt,
                        from_cache=answer.from_cache or position > 0,
                        error=error,
                    )
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [replies[case_id] for case_id, _ in requests]


def _ask(model: LanguageModel, request: ModelRequest) -> tuple[ModelReply, str | None]:
    try:
        return model.ask(request), None
    except ModelRequestRejected as error:
        return ModelReply(text="", stop_reason="error", usage=Usage()), type(error).__name__
