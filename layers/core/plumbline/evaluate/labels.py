"""A run's labels beside gold labels: from a file, from people's reviews, from the export."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline import keys
from plumbline.accuracy import Agreement
from plumbline.contracts.evaluation import GoldCheck, LeftOut
from plumbline.contracts.gold import GoldLabel, GoldOrigin
from plumbline.contracts.labels import Outcome
from plumbline.contracts.selection import UNPAID
from plumbline.gold import gold_of, read_gold
from plumbline.jsonl import read_models
from plumbline.ports import ListedStore


@dataclass(frozen=True)
class RunGold:
    """The labels that a run accepted (outcomes without texts), what people say of its cases, and the comparison.

    `by_id` has every case that people labeled, `check` those of them that stand for the run.
    """

    accepted: list[Outcome] = field(default_factory=list)
    by_id: dict[str, str] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    check: GoldCheck | None = None


def gold_of_labels(
    task: str, run_id: str, categories: Sequence[str], data: ListedStore, given: Mapping[str, str] | None = None
) -> RunGold:
    """The run's labels beside gold, as its summary would count them if all that gold had come along.

    Only accepted labels count as labels, and of reviewed cases only those drawn at random; cases that this run did not
    look at (unchanged, left for later) do not count.
    Raises MissingObject for a run without outcomes.
    """
    outcomes = read_models(data, keys.outcomes(run_id), Outcome)
    return compared(outcomes, categories, given or {}, read_gold(task, data))


def compared(
    outcomes: Iterable[Outcome],
    categories: Sequence[str],
    given: Mapping[str, str],
    reviewed: Mapping[str, GoldLabel],
) -> RunGold:
    """The same over outcomes in memory."""
    found, agreement = RunGold(), Agreement(categories)
    origins: Counter[GoldOrigin] = Counter()
    left_out: Counter[bool | None] = Counter()
    held = 0
    for outcome in outcomes:
        if outcome.outcome == "unchanged" or outcome.reason in UNPAID:
            continue
        accepted = outcome.category if outcome.outcome == "labeled" else None
        if accepted is not None:
            found.accepted.append(outcome)
        told = gold_of(outcome, given, reviewed)
        if told is None:
            continue
        if told.category in categories:
            found.by_id[outcome.case_id] = told.category
        if not told.fair:
            left_out[told.fair] += 1
            continue
        agreement.add(told.category, accepted)
        if told.category in categories:
            origins[told.origin] += 1
            held += outcome.outcome == "needs_review"
    block = agreement.block()
    without = LeftOut(picked=left_out[False], unknown=left_out[None])
    check = GoldCheck(figures=block, origins=dict(origins), held=held, left_out=without) if block else None
    return RunGold(found.accepted, found.by_id, without, check)
