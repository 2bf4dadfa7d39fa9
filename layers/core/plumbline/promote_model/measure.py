"""Runs models over test cases: the candidate over all of them, and against the model in service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.accuracy import Agreement
from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.contracts.datasets import DatasetRow
from plumbline.contracts.errors import InvalidDataset, ModelFileBroken
from plumbline.contracts.models import Comparison, ModelPointer
from plumbline.ports import ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.predict.files import fetch
from plumbline.promote_model.compare import compare
from plumbline.promote_model.dataset import learned_by
from plumbline.promote_model.gate import FEW_CASES
from plumbline.report.words import plural

THREADS = 2  # a Lambda function of 3 GB has not quite two cores


@dataclass(frozen=True)
class Candidate:
    """A model on its test split. `learned` is asked for the ids of the cases that its training read."""

    categories: tuple[str, ...]
    rows: Sequence[DatasetRow]
    predicted: Sequence[str]
    learned: Callable[[], set[str]]


def predict(classifier: Classifier, rows: Sequence[DatasetRow]) -> list[str]:
    """The category that the model finds most probable, for each row. Raises ModelFileBroken for a graph that fails."""
    import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have the numpy layer

    try:
        probabilities = classifier.probabilities([row.text for row in rows])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises bare and undocumented kinds
        raise ModelFileBroken(f"the model's graph cannot be run ({type(error).__name__})") from None
    if not np.isfinite(probabilities).all():
        raise ModelFileBroken("the model's graph gives figures that are no numbers")
    return [classifier.config.categories[best] for best in probabilities.argmax(axis=1)]


def figures(rows: Sequence[DatasetRow], predicted: Sequence[str], categories: Sequence[str]) -> AccuracyBlock:
    """Accuracy, macro-F1 and the rest, over every category that a case or a prediction has."""
    found = sorted({row.category for row in rows} | set(predicted))
    agreement = Agreement((*categories, *(name for name in found if name not in categories)))
    for row, category in zip(rows, predicted, strict=True):
        agreement.add(row.category, category)
    block = agreement.block()
    if block is None:
        raise InvalidDataset("there is no test case to measure the model on")
    return block


def against(
    candidate: Candidate, current: ModelPointer, data: ObjectStore, cache: Path
) -> tuple[Comparison | None, list[str]]:
    """The candidate against the model in service, on the same cases, and what has to be said about that.

    Cases whose category one of the two does not know are left out, and so are those that either has learned from. Where
    fewer than FEW_CASES remain of them, all that both know are compared: that flatters the model that has learned from
    them, most often the one in service. Raises ModelFileBroken when the model in service cannot be run.
    """
    classifier = Classifier.load(fetch(current, data, cache), THREADS)
    both = set(candidate.categories) & set(classifier.config.categories)
    notes = []
    known = [place for place, row in enumerate(candidate.rows) if row.category in both]
    if set(candidate.categories) != set(classifier.config.categories):
        notes.append(
            f"{current.version} knows other categories; compared on the {plural(len(known), 'test case')} of the "
            f"{len(both)} that both know"
        )
    unseen = known
    try:
        seen = learned_by(data, current.task, current.version) | candidate.learned()
        unseen = [place for place in known if candidate.rows[place].case_id not in seen]
    except InvalidDataset as error:
        notes.append(f"which cases {current.version} has learned from is not known: {error}")
    places = unseen if len(unseen) >= FEW_CASES else known
    if len(unseen) < len(known):
        notes.append(_said_of_seen(len(known), len(unseen), len(places)))
    if not places:
        return None, [*notes, f"nothing to compare with {current.version} on: the gate alone decided"]
    rows = [candidate.rows[place] for place in places]
    comparison = compare(
        current.version,
        [row.category for row in rows],
        [candidate.predicted[place] for place in places],
        predict(classifier, rows),
    )
    return comparison, notes


def _said_of_seen(known: int, unseen: int, used: int) -> str:
    left = f"one of the two models has learned from {known - unseen:,} of {plural(known, 'test case')}"
    if used == unseen:
        return f"{left}; compared on the other {unseen:,}"
    return f"{left}; the other {unseen:,} are fewer than {FEW_CASES}, so all {used:,} were compared"
