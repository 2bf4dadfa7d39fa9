"""Classify: ask the model for each case of a shard."""

from plumbline import keys
from plumbline.asking import ask_each
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.jsonl import read_models, write_models
from plumbline.ports import LanguageModel, ObjectStore
from plumbline.prompting import LoadedPrompt, build_request


def classify(
    task: ShardTask, *, data: ObjectStore, model: LanguageModel, prompt: LoadedPrompt, concurrency: int
) -> ShardResult:
    """Write one reply for each anonymized case of the shard, but for those that a person has to see first.

    Raises the model's errors, when what was answered before them is written; see `ask_each`.
    """
    run = task.run
    cases = read_models(data, keys.anonymized(run.run_id, task.shard), AnonymizedCase)
    asked = ask_each(
        ((case.case_id, build_request(prompt, case, run.model_id)) for case in cases if not case.review),
        model=model,
        prompt=prompt.ref,
        attempt=0,
        concurrency=concurrency,
    )
    write_models(data, keys.replies(run.run_id, task.shard), asked.replies)
    if asked.error:
        raise asked.error
    return ShardResult(shard=task.shard, done=len(asked.replies))
