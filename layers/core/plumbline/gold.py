"""The gold labels of a task that people gave after its runs: reviews and Ground Truth jobs."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from plumbline import keys
from plumbline.contracts.cases import UNKNOWN_GOLD
from plumbline.contracts.gold import GoldLabel, GoldOrigin
from plumbline.contracts.labels import Outcome
from plumbline.jsonl import read_models, write_models
from plumbline.ports import ListedStore, ObjectStore


class Told(NamedTuple):
    """What is gold for a case, and whose word it is.

    `fair`: whether the case belongs to a sample that stands for the run, so that it counts for an accuracy: one that
    gold came along for, or a reviewed row drawn at random. False for a row that was picked because its label is likely
    wrong; None for a reviewed row of which nobody kept how it was drawn.
    """

    category: str
    origin: GoldOrigin
    fair: bool | None = True


def write_gold(task: str, name: str, labels: Iterable[GoldLabel], data: ObjectStore) -> int:
    """Keep one import's labels under its name, replacing an earlier import of that name; says how many there are."""
    return write_models(data, keys.gold(task, name), labels)


def read_gold(task: str, data: ListedStore) -> dict[str, GoldLabel]:
    """Every case's newest gold label, by case id; empty where nobody has reviewed yet.

    Drawn at random once, a row stays a random one, whatever sheet the same content comes up on later: a queue takes up
    those that are likely wrong, and a random sample that loses just them would flatter the run.
    """
    found: dict[str, GoldLabel] = {}
    drawn: set[tuple[str, str]] = set()
    for stored in data.objects_under(keys.gold(task)):
        for label in read_models(data, stored.key, GoldLabel):
            if label.part == "random":
                drawn.add((label.case_id, label.content_hash))
            known = found.get(label.case_id)
            if known is None or known.labeled_at <= label.labeled_at:
                found[label.case_id] = label
    for case_id, label in found.items():
        if label.part != "random" and (case_id, label.content_hash) in drawn:
            found[case_id] = label.model_copy(update={"part": "random"})
    return found


def gold_of(outcome: Outcome, given: Mapping[str, str], reviewed: Mapping[str, GoldLabel]) -> Told | None:
    """What is gold for a case and whose word it is: a named file's, else a review's of this very content, else the
    export's. None where nobody said anything."""
    if outcome.case_id in given:
        return Told(given[outcome.case_id], "file")
    review = reviewed.get(outcome.case_id)
    if review is not None and review.content_hash == outcome.content_hash:
        return Told(review.category, review.source, _fair(outcome, review))
    return Told(outcome.gold_category, "export") if outcome.gold_category is not None else None


def _fair(outcome: Outcome, review: GoldLabel) -> bool | None:
    """A case that gold came along for is of that sample, whyever a person looked at it again: else the sample would
    lose the very cases whose label was doubted."""
    if outcome.gold_category not in (None, UNKNOWN_GOLD) or review.part == "random":
        return True
    return None if review.part is None else False
