"""The gold labels of a task that people gave after its runs: reviews and Ground Truth jobs."""

from collections.abc import Iterable, Mapping

from plumbline import keys
from plumbline.contracts.gold import GoldLabel, GoldOrigin
from plumbline.contracts.labels import Outcome
from plumbline.jsonl import read_models, write_models
from plumbline.ports import ListedStore, ObjectStore


def write_gold(task: str, name: str, labels: Iterable[GoldLabel], data: ObjectStore) -> int:
    """Keep one import's labels under its name, replacing an earlier import of that name; says how many there are."""
    return write_models(data, keys.gold(task, name), labels)


def read_gold(task: str, data: ListedStore) -> dict[str, GoldLabel]:
    """Every case's newest gold label, by case id; empty where nobody has reviewed yet."""
    found: dict[str, GoldLabel] = {}
    for stored in data.objects_under(keys.gold(task)):
        for label in read_models(data, stored.key, GoldLabel):
            known = found.get(label.case_id)
            if known is None or known.labeled_at <= label.labeled_at:
                found[label.case_id] = label
    return found


def gold_of(
    outcome: Outcome, given: Mapping[str, str], reviewed: Mapping[str, GoldLabel]
) -> tuple[str, GoldOrigin] | None:
    """What is gold for a case and whose word it is: a named file's, else a review's of this very content, else the
    export's. None where nobody said anything."""
    if outcome.case_id in given:
        return given[outcome.case_id], "file"
    review = reviewed.get(outcome.case_id)
    if review is not None and review.content_hash == outcome.content_hash:
        return review.category, review.source
    return (outcome.gold_category, "export") if outcome.gold_category is not None else None
