"""Trials: cases labeled in memory with a prompt and a model, as a run labels them, and nothing written anywhere.

What `plumbline prompts` and `plumbline evaluate` measure is so what a run would have given: the requests, the parser
and the bounded re-ask are the run's own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from plumbline.asking import ask_each
from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.labels import Label
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage, summed
from plumbline.parse import label_of
from plumbline.ports import LanguageModel
from plumbline.prompting import LoadedPrompt, build_request
from plumbline.repair import re_ask
from plumbline.spend_tracker import unpaid

TRIAL = "trial"  # stands for the run in a label's lineage
MAX_REPAIRS = 2
CONCURRENCY = 8
NOT_ASKED = "not asked: the budget allowed no more"


class Trial(Model):
    """What became of one case. `reason` says why it has no label; `paid` is the part of `usage` that was not reused."""

    case_id: str
    label: Label | None
    reason: str = ""
    usage: Usage
    paid: Usage
    calls: int
    reused: int

    @property
    def asked(self) -> bool:
        """Whether the case had an answer; without one nothing is known of how the prompt does on it."""
        return self.calls > 0

    @property
    def category(self) -> str | None:
        """The label's category; None without a label."""
        return self.label.category if self.label else None

    @property
    def repaired(self) -> bool:
        """Whether the label took a mend of the parser or a re-ask."""
        return bool(self.label and self.label.repairs)


def label_cases(
    cases: Iterable[AnonymizedCase],
    *,
    prompt: LoadedPrompt,
    model: LanguageModel,
    model_id: str,
    max_repairs: int = MAX_REPAIRS,
    concurrency: int = CONCURRENCY,
    on_done: Callable[[ModelReply], None] = lambda _: None,
) -> list[Trial]:
    """One trial for each case, in the cases' order. Cases that a person has to see first are not asked about.

    `on_done` is told each answer as it comes, from several threads; cases of the very same text share one. A case
    that the budget could not pay for is not `asked`, one whose re-ask it could not pay for has no label.
    Raises the model's other errors, as `ask_each` says; behind the store of replies a repeat pays for nothing twice.
    """
    cases = list(cases)
    said: dict[str, list[Reply]] = defaultdict(list)
    watched = Watched(model, on_done)
    asked_about = [case for case in cases if not case.review]
    for attempt in range(max_repairs + 1):
        requests = [(case.case_id, _request(case, said[case.case_id], model_id, prompt)) for case in asked_about]
        asked = ask_each(requests, model=watched, prompt=prompt.ref, attempt=attempt, concurrency=concurrency)
        if asked.error:
            raise asked.error
        answered = {reply.case_id: reply for reply in asked.replies if not unpaid(reply)}
        for case_id, reply in answered.items():
            said[case_id].append(reply)
        asked_about = [c for c in asked_about if c.case_id in answered and _worth_another(answered[c.case_id], prompt)]
        if not asked_about:
            break
    return [_trial(case, said[case.case_id], prompt) for case in cases]


def _request(case: AnonymizedCase, said: Sequence[Reply], model_id: str, prompt: LoadedPrompt) -> ModelRequest:
    return re_ask(case, said, model_id, prompt) if said else build_request(prompt, case, model_id)


def _worth_another(reply: Reply, prompt: LoadedPrompt) -> bool:
    return not reply.error and isinstance(_read(reply, prompt), str)


def _read(reply: Reply, prompt: LoadedPrompt) -> Label | str:
    try:
        return label_of(reply, TRIAL, prompt)
    except UnparseableReply as error:
        return str(error)


def _trial(case: AnonymizedCase, said: Sequence[Reply], prompt: LoadedPrompt) -> Trial:
    found = _read(said[-1], prompt) if said else case.review_reason or NOT_ASKED
    return Trial(
        case_id=case.case_id,
        label=found if isinstance(found, Label) else None,
        reason=found if isinstance(found, str) else "",
        usage=summed(reply.usage for reply in said),
        paid=summed(reply.usage for reply in said if not reply.from_cache),
        calls=len(said),
        reused=sum(reply.from_cache for reply in said),
    )


class Watched:
    """The model, whose every answer is told to `on_done`."""

    def __init__(self, model: LanguageModel, on_done: Callable[[ModelReply], None]) -> None:
        self._model = model
        self._on_done = on_done

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer."""
        reply = self._model.ask(request)
        self._on_done(reply)
        return reply
