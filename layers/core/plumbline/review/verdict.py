"""What people's labels say of the model's."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plumbline.accuracy import Agreement, wilson
from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.review import AskedCase


@dataclass(frozen=True)
class Verdict:
    """How the model's labels compare with people's.

    `accuracy` is over the random rows only: it estimates that of the run's accepted labels. `useful` is over the rows
    that were picked as likely wrong; it estimates nothing. `corrected` counts (model's label, person's label).
    """

    asked: int
    reviewed: int
    random_asked: int
    accuracy: AccuracyBlock | None
    useful: Interval | None
    corrected: dict[tuple[str, str], int]


def verdict(asked: Sequence[AskedCase], labels: Iterable[GoldLabel], answers: Sequence[str]) -> Verdict:
    """Compare the labels that people gave to cases of a sheet with the model's."""
    given = {label.case_id: label.category for label in labels}
    agreement = Agreement(answers)
    useful: Counter[bool] = Counter()
    corrected: Counter[tuple[str, str]] = Counter()
    for case in asked:
        gold = given.get(case.case_id)
        if gold is None:
            continue
        if case.part == "random":
            agreement.add(gold, case.model_label)
        else:
            useful[gold == case.model_label] += 1
        if gold != case.model_label:
            corrected[case.model_label, gold] += 1
    return Verdict(
        asked=len(asked),
        reviewed=len(given),
        random_asked=sum(case.part == "random" for case in asked),
        accuracy=agreement.block(),
        useful=wilson(useful[True], useful.total()) if useful else None,
        corrected=dict(corrected.most_common()),
    )
