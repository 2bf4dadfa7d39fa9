"""A candidate and the model in service on the same cases."""

from collections.abc import Sequence

from plumbline.contracts.models import Comparison
from plumbline.significance import differences, mcnemar, right_alone


def compare(current_version: str, gold: Sequence[str], candidate: Sequence[str], current: Sequence[str]) -> Comparison:
    """Candidate minus current: accuracy and macro-F1, each with a 95% interval, and McNemar's exact p-value.

    The three sequences are of equal length, one place a case, and not empty. The same input has the same answer.
    """
    only_candidate, only_current = (len(places) for places in right_alone(gold, candidate, current))
    return Comparison(
        current=current_version,
        cases=len(gold),
        only_candidate=only_candidate,
        only_current=only_current,
        p_value=mcnemar(only_candidate, only_current),
        differences=differences(gold, candidate, current),
    )
