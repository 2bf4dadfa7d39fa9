"""Parse once more, of a run that is gone over again: stored replies and stored votes, and nobody is asked."""

from plumbline import keys
from plumbline.confidence import read_calibration
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.labels import Label
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.jsonl import read_if_there, read_models, write_models
from plumbline.parse import parse
from plumbline.ports import ObjectStore
from plumbline.prompting import LoadedPrompt
from plumbline.vote import by_case, with_votes


def parse_again(task: ShardTask, *, data: ObjectStore, prompt: LoadedPrompt) -> ShardResult:
    """As `parse`, and labels have the votes that were paid for before.

    A shard that has no replies (it broke off before it was asked, or SelectNext chose nothing of it) stays as it is.
    """
    run_id, shard = task.run.run_id, task.shard
    try:
        result = parse(task, data=data, prompt=prompt)
    except MissingObject:
        return ShardResult(shard=shard, attempt=task.attempt, done=0)
    said = by_case(list(read_if_there(data, keys.votes(run_id, shard), Reply)))
    if said:
        calibration = read_calibration(prompt.ref, task.run.model_id, data)
        labels = [
            with_votes(label, said[label.case_id], prompt, calibration if label.calibrated else None)
            for label in read_models(data, keys.labels(run_id, shard), Label)
        ]
        write_models(data, keys.labels(run_id, shard), labels)
    return result
