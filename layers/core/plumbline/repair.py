"""Repair: ask again about the cases whose reply could not be read, showing the model what was wrong."""

from collections import defaultdict
from collections.abc import Sequence

from plumbline import keys
from plumbline.asking import ask_each
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.labels import Unparsed
from plumbline.contracts.replies import ModelRequest, Reply
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.jsonl import read_models, write_models
from plumbline.parse import why_unreadable
from plumbline.ports import LanguageModel, ObjectStore
from plumbline.prompting import LoadedPrompt, build_repair_request


def repair(
    task: ShardTask, *, data: ObjectStore, model: LanguageModel, prompt: LoadedPrompt, concurrency: int
) -> ShardResult:
    """Add one reply of attempt `task.attempt` for each unparsed case of the shard that is worth another ask.

    Doing it twice gives the same: such a case's replies of this attempt are replaced. A case that had this attempt in
    an earlier round of SelectNext keeps its replies. Raises the model's errors.
    """
    run, shard = task.run, task.shard
    unparsed = read_models(data, keys.unparsed(run.run_id, shard), Unparsed)
    again = {case.case_id for case in unparsed if not case.final and case.attempt < task.attempt}
    replies = read_models(data, keys.replies(run.run_id, shard), Reply)
    earlier = [reply for reply in replies if reply.case_id not in again or reply.attempt < task.attempt]
    said: dict[str, list[Reply]] = defaultdict(list)
    for reply in sorted(earlier, key=lambda reply: reply.attempt):
        said[reply.case_id].append(reply)

    cases = read_models(data, keys.anonymized(run.run_id, shard), AnonymizedCase)
    asked = ask_each(
        (
            (case.case_id, re_ask(case, said[case.case_id], run.model_id, prompt))
            for case in cases
            if case.case_id in again
        ),
        model=model,
        prompt=prompt.ref,
        attempt=task.attempt,
        concurrency=concurrency,
        fail_fast=run.fail_fast,
    )
    write_models(data, keys.replies(run.run_id, shard), [*earlier, *asked.replies])
    if asked.error:
        raise asked.error
    return ShardResult(shard=shard, attempt=task.attempt, done=len(asked.replies))


def re_ask(case: AnonymizedCase, said: Sequence[Reply], model_id: str, prompt: LoadedPrompt) -> ModelRequest:
    """The next ask about a case, after the replies it has had so far (one or more, the oldest first)."""
    *before, last = ((reply.text, why_unreadable(reply, prompt)) for reply in said)
    return build_repair_request(prompt, case, model_id, *last, earlier=before)
