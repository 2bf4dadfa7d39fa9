"""The labels of a run that have a gold label beside them: what a calibration is fitted on."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

from plumbline import keys
from plumbline.confidence import signals_of_label
from plumbline.confidence.fit import Row
from plumbline.confidence.later import later_signals
from plumbline.contracts.confidence import Signals
from plumbline.contracts.labels import Label, Outcome
from plumbline.fingerprint import NearDuplicates
from plumbline.gold import Told, gold_of, read_gold
from plumbline.jsonl import read_models
from plumbline.ports import ListedStore, ObjectStore


def gold_of_run(task: str, run_id: str, data: ListedStore) -> dict[str, Told]:
    """What people say of the run's cases: the gold that came along, and above it that of later reviews."""
    reviewed = read_gold(task, data)
    outcomes = read_models(data, keys.outcomes(run_id), Outcome)
    return {outcome.case_id: told for outcome in outcomes if (told := gold_of(outcome, {}, reviewed))}


def rows_of_run(run_id: str, gold: Mapping[str, Told], categories: Container[str], data: ObjectStore) -> list[Row]:
    """A row for each label of the run, accepted or for review, whose case has gold; near-duplicates in one group.

    The signals are those of the label and what became known of it later: a judge's score, its neighbours. Gold that is
    none of the task's categories says nothing of a label and is passed over.
    """
    shards: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for outcome in read_models(data, keys.outcomes(run_id), Outcome):
        told = gold.get(outcome.case_id)
        if told and told.category in categories and outcome.category is not None and outcome.shard is not None:
            shards[outcome.shard][outcome.case_id] = outcome
    asked = [outcome for outcomes in shards.values() for outcome in outcomes.values()]
    later = later_signals(run_id, asked, data)
    found: list[tuple[Signals, Told, Label, Outcome]] = []
    for shard, outcomes in sorted(shards.items()):
        for label in read_models(data, keys.labels(run_id, shard), Label):
            if label.case_id in outcomes:
                signals = signals_of_label(label).model_copy(update=later.get(label.case_id, {}))
                found.append((signals, gold[label.case_id], label, outcomes[label.case_id]))
    groups = grouped((outcome.case_id, outcome.fingerprint) for *_, outcome in found)
    return [
        Row(signals, label.category == told.category, groups[label.case_id], fair=bool(told.fair))
        for signals, told, label, _ in found
    ]


def grouped(fingerprints: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """A group's name for each case id: that of the first case which it is a near-duplicate of, else its own."""
    firsts: list[str] = []
    index, groups = NearDuplicates(), dict[str, str]()
    for case_id, fingerprint in fingerprints:
        twin = index.earliest(fingerprint) if fingerprint else None
        groups[case_id] = case_id if twin is None else firsts[twin]
        if fingerprint and twin is None:
            index.add(fingerprint)
            firsts.append(case_id)
    return groups
