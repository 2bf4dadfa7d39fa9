"""Vote: ask further times about the labels that are least sure, and see how many answers agree."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from plumbline import keys
from plumbline.asking import Asked, ask_each
from plumbline.confidence import confidence_of, rated, read_calibration, signals_of_label
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.confidence import Calibration
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.labels import Label
from plumbline.contracts.replies import ModelRequest, Reply
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.jsonl import read_models, write_models
from plumbline.parse import label_of
from plumbline.ports import LanguageModel, ObjectStore
from plumbline.prompting import LoadedPrompt, build_request

TEMPERATURE = 0.7  # at 0 every further answer is the first one again


def vote(
    task: ShardTask, *, data: ObjectStore, model: LanguageModel, prompt: LoadedPrompt, concurrency: int
) -> ShardResult:
    """Ask `run.vote_samples` times more about each label below `run.vote_below`, and make its confidence anew.

    What a label was before it had votes decides whether it gets any, so that a retry asks the very same questions.
    Raises the model's errors, when what was answered before them is written; the labels then stay as they were.
    """
    run, shard = task.run, task.shard
    calibration = read_calibration(prompt.ref, run.model_id, data)
    labels = list(read_models(data, keys.labels(run.run_id, shard), Label))
    unsure = {label.case_id for label in labels if first_confidence(label, calibration) < run.vote_below}
    votes, error = _asked(task, unsure, data, model, prompt, concurrency)
    write_models(data, keys.votes(run.run_id, shard), votes)
    if error:
        raise error
    said = by_case(votes)
    write_models(
        data,
        keys.labels(run.run_id, shard),
        [with_votes(label, said[label.case_id], prompt, calibration) for label in labels],
    )
    return ShardResult(shard=shard, attempt=task.attempt, done=len(votes))


def _asked(
    task: ShardTask,
    unsure: Collection[str],
    data: ObjectStore,
    model: LanguageModel,
    prompt: LoadedPrompt,
    concurrency: int,
) -> Asked:
    """Every vote about the unsure cases, up to the first error."""
    run, votes = task.run, list[Reply]()
    cases = read_models(data, keys.anonymized(run.run_id, task.shard), AnonymizedCase)
    about = [case for case in cases if case.case_id in unsure]
    for sample in range(1, run.vote_samples + 1) if about else ():
        asked = ask_each(
            ((case.case_id, vote_request(prompt, case, run.model_id, sample)) for case in about),
            model=model,
            prompt=prompt.ref,
            attempt=0,
            concurrency=concurrency,
            fail_fast=run.fail_fast,
        )
        votes += asked.replies
        if asked.error:
            return Asked(votes, asked.error)
    return Asked(votes, None)


def vote_request(prompt: LoadedPrompt, case: AnonymizedCase, model_id: str, sample: int) -> ModelRequest:
    """The first ask again, at a temperature at which answers differ. `sample` counts from 1."""
    return build_request(prompt, case, model_id).model_copy(update={"temperature": TEMPERATURE, "sample": sample})


def by_case(votes: Sequence[Reply]) -> dict[str, list[Reply]]:
    """Each case's votes; an empty list for a case without any."""
    found: dict[str, list[Reply]] = defaultdict(list)
    for reply in votes:
        found[reply.case_id].append(reply)
    return found


def first_confidence(label: Label, calibration: Calibration | None) -> float:
    """The label's confidence without votes."""
    return confidence_of(signals_of_label(label).model_copy(update={"votes_for": None}), calibration)


def with_votes(
    label: Label, votes: Sequence[Reply], prompt: LoadedPrompt, calibration: Calibration | None = None
) -> Label:
    """The label with the confidence that its votes make of it; unchanged where there is no vote.

    The label stays the first answer, also where most votes are for another: it is then a close call, and that other
    one its runner-up where it named none. An answer that cannot be read is for no category, so it is against the label.
    """
    given = [_category(reply, label, prompt) for reply in votes if not reply.error]
    if not given:
        return label
    share = sum(category == label.category for category in given) / len(given)
    voted = rated(label, signals_of_label(label).model_copy(update={"votes_for": share}), calibration)
    [(winner, most)] = Counter(given).most_common(1)
    if winner is None or winner == label.category or most <= given.count(label.category):
        return voted
    return voted.model_copy(update={"close_call": True, "runner_up": label.runner_up or winner})


def _category(reply: Reply, label: Label, prompt: LoadedPrompt) -> str | None:
    try:
        return label_of(reply, label.lineage.run_id, prompt).category
    except UnparseableReply:
        return None
