"""Parse: read labels from a shard's replies; what cannot be read goes to Repair."""

from collections.abc import Iterable

from plumbline import keys
from plumbline.confidence import rated, read_calibration
from plumbline.contracts.confidence import Calibration, Signals
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.labels import Label, Lineage, Unparsed
from plumbline.contracts.prompts import Prompt
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.jsonl import read_models, write_models
from plumbline.observability import logger
from plumbline.parse.reader import Answer, read_answer
from plumbline.ports import ObjectStore
from plumbline.prompting import LoadedPrompt


def parse(task: ShardTask, *, data: ObjectStore, prompt: LoadedPrompt) -> ShardResult:
    """Write the shard's labels and its unparsed cases, from each case's latest reply. Costs nothing; replayable.

    `unparsed` in the result counts the cases that are worth another ask and have not had their last one.
    """
    run_id = task.run.run_id
    calibration = read_calibration(prompt.ref, task.run.model_id, data)
    labels: list[Label] = []
    unparsed: list[Unparsed] = []
    for reply in latest(read_models(data, keys.replies(run_id, task.shard), Reply)):
        read = read_reply(reply, run_id, prompt, calibration)
        if isinstance(read, Label):
            labels.append(read)
        else:
            unparsed.append(read)
    write_models(data, keys.labels(run_id, task.shard), labels)
    write_models(data, keys.unparsed(run_id, task.shard), unparsed)
    again = sum(not case.final and case.attempt < task.run.max_repairs for case in unparsed)
    return ShardResult(shard=task.shard, attempt=task.attempt, done=len(labels), unparsed=again)


def read_reply(
    reply: Reply, run_id: str, prompt: LoadedPrompt, calibration: Calibration | None = None
) -> Label | Unparsed:
    """The reply's label, or why it gives none. A reply that breaks the reader fails by itself, by the error's name."""
    found = Unparsed(case_id=reply.case_id, attempt=reply.attempt, reason="", final=True)
    try:
        # A calibration is of the replies to its own prompt.
        return label_of(reply, run_id, prompt, calibration if reply.prompt == prompt.ref else None)
    except UnparseableReply as error:
        return found.model_copy(update={"reason": reply.error or str(error), "final": bool(reply.error)})
    except Exception as error:  # noqa: BLE001 - one case never sinks its shard; its text stays out of every log
        logger.warning("a reply broke the reader", extra={"error": type(error).__name__})
        return found.model_copy(update={"reason": type(error).__name__})


def latest(replies: Iterable[Reply]) -> list[Reply]:
    """The reply of the highest attempt of each case, in the order in which cases first appear."""
    last: dict[str, Reply] = {}
    for reply in replies:
        if reply.case_id not in last or reply.attempt >= last[reply.case_id].attempt:
            last[reply.case_id] = reply
    return list(last.values())


def label_of(reply: Reply, run_id: str, prompt: LoadedPrompt, calibration: Calibration | None = None) -> Label:
    """The label that a reply gives, with its confidence: a rank where there is no calibration.

    Raises UnparseableReply with a reason that quotes nothing of the reply.
    """
    if reply.error:
        raise UnparseableReply(reply.error)
    answer = read_answer(
        reply.text,
        prompt.prompt.answers,
        truncated=reply.stop_reason == "max_tokens",
        output_format=prompt.prompt.output_format,
    )
    repairs = answer.repairs + ("re_asked",) * reply.attempt
    label = Label(
        case_id=reply.case_id,
        category=answer.category,
        runner_up=answer.runner_up,
        reasoning=answer.reasoning,
        confidence=0.0,
        close_call=answer.runner_up is not None,
        repairs=repairs,
        lineage=Lineage(prompt=reply.prompt, model_id=reply.model_id, run_id=run_id),
    )
    return rated(label, signals_of(answer, reply.attempt, prompt.prompt), calibration)


def signals_of(answer: Answer, re_asked: int, prompt: Prompt) -> Signals:
    """What the answer itself says about how sure it is."""
    reasoning = answer.reasoning.casefold()
    return Signals(
        runner_up=answer.runner_up is not None,
        mended=len(answer.repairs),
        re_asked=re_asked,
        category=answer.category,
        others_named=sum(
            other.name.casefold() in reasoning for other in prompt.answers if other.name != answer.category
        ),
        reasoning_words=len(reasoning.split()),
    )


def why_unreadable(reply: Reply, prompt: LoadedPrompt) -> str:
    """The reason why a reply gives no label; empty for one that does."""
    read = read_reply(reply, "", prompt)
    return read.reason if isinstance(read, Unparsed) else ""
