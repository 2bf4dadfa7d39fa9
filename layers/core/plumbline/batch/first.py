"""The batch's answers as a language model: what a job has answered is not asked again."""

from collections.abc import Iterable

from plumbline import keys
from plumbline.contracts.batch import BatchAnswer
from plumbline.contracts.replies import ModelReply, ModelRequest
from plumbline.contracts.runs import ClassifyTask
from plumbline.jsonl import read_if_there
from plumbline.ports import LanguageModel, ObjectStore


def answers_of(task: ClassifyTask, data: ObjectStore) -> tuple[BatchAnswer, ...]:
    """What the run's jobs said of the shard's cases; nothing where the shard is not labeled with a batch's answers."""
    if task.mode != "answered":
        return ()
    return tuple(read_if_there(data, keys.batch_answers(task.run.run_id, task.shard), BatchAnswer))


class BatchFirst:
    """Answers from a batch where there is an answer to this very request, and asks `model` where there is none.

    A record that ended in an error, or that no job answered, is so asked by itself. Joined by the request and not by
    the case: a request that is no longer the one that was submitted (another prompt, another mask) is asked anew.
    """

    def __init__(self, answers: Iterable[BatchAnswer], model: LanguageModel) -> None:
        self._answers = {answer.request: answer for answer in answers if answer.error is None}
        self._model = model

    def ask(self, request: ModelRequest) -> ModelReply:
        """The batch's answer, at the batch's price, or the model's. Raises what the model raises."""
        answer = self._answers.get(request.key) if self._answers else None
        if answer is None:
            return self._model.ask(request)
        return ModelReply(text=answer.text, stop_reason=answer.stop_reason, usage=answer.usage, batch=True)
