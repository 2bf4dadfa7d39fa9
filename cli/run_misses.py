"""A run's labels that people judge otherwise, with the anonymized case and the model's reasoning."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.labels import Label, Outcome
from plumbline.drafting.mining import Miss
from plumbline.gold import gold_of, read_gold
from plumbline.jsonl import read_models
from plumbline.ports import ListedStore

_READERS = 8


@dataclass(frozen=True)
class RunMisses:
    """The misses of a run, and of how many labels with gold they are. `gone` counts cases whose text has expired."""

    misses: list[Miss]
    judged: int
    gone: int


def run_misses(
    where: Stack, task: str, run_id: str, given: Mapping[str, str] | None, categories: Collection[str]
) -> RunMisses:
    """The run's labels that differ from gold, in the order of its outcomes.

    Gold is what `given` says of a case, else a review of its very content, else what came with the export. Only what
    the data bucket holds is read, which is anonymized. Raises MissingObject for a run without outcomes.
    """
    data = S3ObjectStore(where.data_bucket)
    wrong: dict[str, tuple[Outcome, str]] = {}
    judged = 0
    reviewed = read_gold(task, data)
    for outcome in read_models(data, keys.outcomes(run_id), Outcome):
        if outcome.category is None:
            continue
        told = gold_of(outcome, given or {}, reviewed)
        if told is None or told[0] not in categories:
            continue
        gold = told[0]
        judged += 1
        if gold != outcome.category:
            wrong[outcome.case_id] = (outcome, gold)
    texts, labels = stored(data, run_id, [outcome for outcome, _ in wrong.values()])
    misses = [
        Miss(
            case_id=case_id,
            gold=gold,
            label=outcome.category or "",
            reasoning=labels[case_id].reasoning if case_id in labels else "",
            case=texts.get(case_id),
        )
        for case_id, (outcome, gold) in wrong.items()
    ]
    return RunMisses(misses, judged, gone=sum(miss.case is None for miss in misses))


def stored(
    data: ListedStore, run_id: str, outcomes: list[Outcome]
) -> tuple[dict[str, AnonymizedCase], dict[str, Label]]:
    """The texts and labels of these cases, by id, as far as they are still there."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        if outcome.shard is not None:
            wanted[outcome.shard].add(outcome.case_id)
    cases: dict[str, AnonymizedCase] = {}
    labels: dict[str, Label] = {}

    def read(shard: str) -> None:
        try:
            for case in read_models(data, keys.anonymized(run_id, shard), AnonymizedCase):
                if case.case_id in wanted[shard] and not case.review:
                    cases[case.case_id] = case
            for label in read_models(data, keys.labels(run_id, shard), Label):
                if label.case_id in wanted[shard]:
                    labels[label.case_id] = label
        except MissingObject:
            return  # expired, or the shard ended early: counted as gone

    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(read, list(wanted)))
    return cases, labels
