"""Classify: ask the model for each case of a shard."""

from collections.abc import Iterable

from plumbline import keys
from plumbline.asking import ask_each
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import ClassifyTask, ShardResult, ShardTask
from plumbline.contracts.selection import ChosenCase
from plumbline.jsonl import read_if_there, read_models, write_models
from plumbline.ports import LanguageModel, ObjectStore
from plumbline.prompting import LoadedPrompt, build_request


def classify(
    task: ShardTask, *, data: ObjectStore, model: LanguageModel, prompt: LoadedPrompt, concurrency: int
) -> ShardResult:
    """Write one reply for each anonymized case of the shard, but for those that a person has to see first.

    Of a backlog (mode `chosen`) only those that SelectNext chose; the answers of its earlier rounds stay, re-asks and
    all, and nobody is asked for them again. A request that the budget could not pay for, or that was refused, had no
    answer: it is asked again. Raises the model's errors, when what was answered before them is written; see `ask_each`.
    """
    run = task.run
    cases: Iterable[AnonymizedCase] = read_models(data, keys.anonymized(run.run_id, task.shard), AnonymizedCase)
    earlier: list[Reply] = []
    if isinstance(task, ClassifyTask) and task.mode == "chosen":
        stored = read_if_there(data, keys.replies(run.run_id, task.shard), Reply)
        earlier = [reply for reply in stored if not reply.error]
        chosen = {case.case_id for case in read_models(data, keys.chosen(run.run_id, task.shard), ChosenCase)}
        new = chosen - {reply.case_id for reply in earlier}
        cases = (case for case in cases if case.case_id in new)
    asked = ask_each(
        ((case.case_id, build_request(prompt, case, run.model_id)) for case in cases if not case.review),
        model=model,
        prompt=prompt.ref,
        attempt=0,
        concurrency=concurrency,
        fail_fast=run.fail_fast,
    )
    write_models(data, keys.replies(run.run_id, task.shard), [*earlier, *asked.replies])
    if asked.error:
        raise asked.error
    return ShardResult(shard=task.shard, done=len(asked.replies))
