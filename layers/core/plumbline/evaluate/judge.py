"""LLM-as-judge: another model scores labels from 1 to 5 and says why. An opinion, never presented as accuracy."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from plumbline.accuracy import cohens_kappa, wilson
from plumbline.asking import ask_each
from plumbline.confidence.measure import auroc
from plumbline.contracts.accuracy import Interval
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.evaluation import RIGHT_FROM, JudgeAgreement, Judged
from plumbline.contracts.judges import LoadedJudge
from plumbline.contracts.labels import Outcome
from plumbline.contracts.prompts import Prompt
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage, summed
from plumbline.evaluate.judge_prompt import judge_request, judge_system, read_score
from plumbline.ports import LanguageModel
from plumbline.spend_tracker import Estimate, estimated, unpaid
from plumbline.ticket import ticket
from plumbline.tokens import REQUEST_TOKENS, tokens_in
from plumbline.trials import Watched

MAX_RE_ASKS = 2
CONCURRENCY = 8
_COMPLAINT_TOKENS = 60


class ToJudge(NamedTuple):
    """A label to judge: its outcome, which has a category, and the anonymized case."""

    outcome: Outcome
    case: AnonymizedCase


class Judgement(NamedTuple):
    """What came of judging: the scores there are, and what it took. `unread` are the cases whose replies gave no score,
    `unasked` those for which the budget allowed no call."""

    judged: tuple[Judged, ...]
    unread: tuple[str, ...]
    unasked: tuple[str, ...]
    usage: Usage
    paid: Usage
    calls: int
    reused: int


def same_model(one: str, other: str) -> bool:
    """Whether two ids name one model: an inference profile of any region is the model behind it."""
    return _plain(one) == _plain(other)


def _plain(model_id: str) -> str:
    name = model_id.rsplit("/", 1)[-1]
    region, _, rest = name.partition(".")
    return rest if "." in rest and (len(region) <= 2 or region in _REGIONS) else name  # noqa: PLR2004 - us, eu, jp, …


_REGIONS = frozenset({"apac", "global", "us-gov", "ca", "au"})


def drawn(accepted: Sequence[Outcome], gold: Mapping[str, str], sample: int, seed: int) -> tuple[list[Outcome], int]:
    """The labels to judge, and how many of them, the first, are a random sample of the accepted ones.

    Where gold is rare, labels with gold are added for the agreement, so that they are half as many as the sample.
    Which ones are drawn depends on the seed and the case ids alone.
    """
    first = heapq.nsmallest(sample, accepted, key=lambda outcome: ticket(seed, outcome.case_id))
    known = {outcome.case_id for outcome in first}
    lacking = sample // 2 - sum(case_id in gold for case_id in known)
    others = (outcome for outcome in accepted if outcome.case_id in gold and outcome.case_id not in known)
    extra = heapq.nsmallest(max(0, lacking), others, key=lambda outcome: ticket(seed, outcome.case_id))
    return [*first, *extra], len(first)


def expected(judge: LoadedJudge, prompt: Prompt, items: Sequence[ToJudge]) -> Estimate:
    """What judging the labels takes; see Estimate."""
    system = judge_system(judge.prompt, prompt)
    requests = (judge_request(judge, system, item.case, item.outcome.category or "", "") for item in items)
    asked = sum(tokens_in(turn.text) + REQUEST_TOKENS for request in requests for turn in request.turns)
    input_tokens = len(items) * tokens_in(system) + asked
    return estimated(
        len(items), input_tokens, judge.prompt.model.max_tokens,
        re_asks=MAX_RE_ASKS, complaint_tokens=_COMPLAINT_TOKENS,
    )  # fmt: skip


def judge_labels(
    items: Iterable[ToJudge],
    *,
    judge: LoadedJudge,
    prompt: Prompt,
    model: LanguageModel,
    model_id: str,
    max_re_asks: int = MAX_RE_ASKS,
    concurrency: int = CONCURRENCY,
    on_done: Callable[[ModelReply], None] = lambda _: None,
) -> Judgement:
    """A score and an explanation for each label, in the labels' order. A reply in another form is asked for again, with
    what was wrong with it, `max_re_asks` times; a label that has no score then is unread.

    `on_done` is told each answer as it comes, from several threads. A label that the budget could
    not pay for is `unasked`. Raises the model's other errors, as `ask_each` says.
    """
    items = list(items)
    system = judge_system(judge.prompt, prompt)
    said: dict[str, list[Reply]] = defaultdict(list)

    def ask_of(item: ToJudge) -> ModelRequest:
        bad = tuple((reply.text, _why_unread(reply)) for reply in said[item.outcome.case_id])
        return judge_request(judge, system, item.case, item.outcome.category or "", model_id, bad)

    waiting, watched = items, Watched(model, on_done)
    for attempt in range(max_re_asks + 1):
        requests = [(item.outcome.case_id, ask_of(item)) for item in waiting]
        asked = ask_each(requests, model=watched, prompt=judge.ref, attempt=attempt, concurrency=concurrency)
        if asked.error:
            raise asked.error
        answered = {reply.case_id: reply for reply in asked.replies if not unpaid(reply)}
        for case_id, reply in answered.items():
            said[case_id].append(reply)
        waiting = [i for i in waiting if i.outcome.case_id in answered and _worth_another(answered[i.outcome.case_id])]
        if not waiting:
            break
    return _judgement([item.outcome for item in items], said, judge, model_id)


def _judgement(
    outcomes: Sequence[Outcome], said: Mapping[str, Sequence[Reply]], judge: LoadedJudge, model_id: str
) -> Judgement:
    answered = [outcome for outcome in outcomes if said.get(outcome.case_id)]
    judged = [_judged(outcome, said[outcome.case_id][-1], judge, model_id) for outcome in answered]
    replies = [reply for found in said.values() for reply in found]
    return Judgement(
        judged=tuple(one for one in judged if one is not None),
        unread=tuple(outcome.case_id for outcome, one in zip(answered, judged, strict=True) if one is None),
        unasked=tuple(outcome.case_id for outcome in outcomes if not said.get(outcome.case_id)),
        usage=summed(reply.usage for reply in replies),
        paid=summed(reply.usage for reply in replies if not reply.from_cache),
        calls=len(replies),
        reused=sum(reply.from_cache for reply in replies),
    )


def _worth_another(reply: Reply) -> bool:
    return not reply.error and bool(_why_unread(reply))


def _why_unread(reply: Reply) -> str:
    """What is wrong with a reply; empty where it gives a score."""
    try:
        read_score(reply.text)
    except UnparseableReply as error:
        return reply.error or str(error)
    return ""


def _judged(outcome: Outcome, reply: Reply, judge: LoadedJudge, model_id: str) -> Judged | None:
    if _why_unread(reply):
        return None
    score, explanation = read_score(reply.text)
    return Judged(
        case_id=outcome.case_id,
        content_hash=outcome.content_hash,
        category=outcome.category or "",
        score=score,
        explanation=explanation,
        judge_model_id=model_id,
        judge=judge.ref,
    )


def agreement(judged: Iterable[Judged], gold: Mapping[str, str]) -> JudgeAgreement | None:
    """The judge beside people, on the labels that have gold; None where none has."""
    rows = [(one.score, gold[one.case_id] == one.category) for one in judged if one.case_id in gold]
    if not rows:
        return None
    table = Counter((score >= RIGHT_FROM, right) for score, right in rows)
    return JudgeAgreement(
        cases=len(rows),
        auroc=auroc([float(score) for score, _ in rows], [right for _, right in rows]),
        kappa=cohens_kappa({(str(high), str(right)): cases for (high, right), cases in table.items()}),
        agreed=wilson(table[True, True] + table[False, False], len(rows)),
        right_when_high=_share(table[True, True], table[True, False]),
        right_when_low=_share(table[False, True], table[False, False]),
    )


def _share(right: int, wrong: int) -> Interval | None:
    return wilson(right, right + wrong) if right + wrong else None
