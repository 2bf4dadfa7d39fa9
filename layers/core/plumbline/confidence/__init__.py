"""Confidence: how likely a label is right, from signs that cost little; no log-probabilities are needed.

Without a calibration it is a rank: it orders the labels of a run and is no probability. With one (fitted on gold labels
for this very prompt and model, see `fit`) it is the chance that the label is right.
"""

import math

from plumbline import keys
from plumbline.contracts.confidence import Calibration, Signals, Weights
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.labels import Label
from plumbline.contracts.prompts import PromptRef
from plumbline.ports import ObjectStore

# Which way a signal may move the confidence. `fit` leaves out one that the gold cases say to point the other way: it
# can only be chance, and confidence would fall where the evidence grows. Features that are not here may point anywhere.
DIRECTIONS = {
    "runner_up": -1,
    "mended": -1,
    "re_asked": -1,
    "votes_against": -1,
    "neighbours_for": 1,
    "judged": 1,
}
# Nobody knows these when a label is made: a judge is asked, and its neighbours are labeled, later.
LATER = ("neighbours_for", "judged")
_MOST = 3  # more repairs or names than these say nothing more
_LONG_REASONING = 100  # words
_CLEAR, _CLOSE_CALL = 0.9, 0.6
_PER_REPAIR, _PER_RE_ASK, _LEAST = 0.05, 0.1, 0.05
_VOTES_WEIGH = 2  # times the rest, in a rank


def features(signals: Signals) -> dict[str, float]:
    """The signals as numbers of about one size, by name; a signal that was not taken is left out, which counts as 0."""
    found = {
        "runner_up": float(signals.runner_up),
        "mended": min(signals.mended, _MOST) / _MOST,
        "re_asked": min(signals.re_asked, _MOST) / _MOST,
        "others_named": min(signals.others_named, _MOST) / _MOST,
        "reasoning_words": min(signals.reasoning_words, _LONG_REASONING) / _LONG_REASONING,
        f"category={signals.category}": 1.0,
    }
    # Around the middle, so that a signal that was not taken moves nothing.
    if signals.neighbours_for is not None:
        found["neighbours_for"] = signals.neighbours_for - 0.5
    if signals.judged is not None:
        found["judged"] = signals.judged - 0.5
    if signals.votes_for is not None:
        found["votes_against"] = 1 - signals.votes_for
    return found


def rank(signals: Signals) -> float:
    """A first confidence without gold, 0 to 1: it ranks labels, it is no probability.

    Clear answers before close calls, untouched replies before mended ones, first answers before re-asked ones. Votes
    weigh twice as much as all of that.
    """
    start = _CLOSE_CALL if signals.runner_up else _CLEAR
    first = max(_LEAST, start - _PER_REPAIR * signals.mended - _PER_RE_ASK * signals.re_asked)
    if signals.votes_for is not None:
        first = (first + _VOTES_WEIGH * signals.votes_for) / (1 + _VOTES_WEIGH)
    return round(first, 4)


def probability(signals: Signals, weights: Weights) -> float:
    """The chance that the label is right, 0 to 1."""
    found = features(signals)
    log_odds = weights.intercept + sum(weight * found.get(name, 0.0) for name, weight in weights.by_feature.items())
    # Both forms are the same; each is taken where it cannot overflow.
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))


def at_once(signals: Signals) -> Signals:
    """Those of the signals that are known when a label is made or voted on."""
    return signals.model_copy(update=dict.fromkeys(LATER))


def known_more(signals: Signals) -> bool:
    """Whether something is known of the label that was not when it was made."""
    return any(getattr(signals, name) is not None for name in LATER)


def weights_for(signals: Signals, calibration: Calibration) -> Weights:
    """Those fitted on labels of which as much is known, where there are some: a judge's score or neighbours, else
    votes; else those of all labels."""
    if known_more(signals) and calibration.later:
        return calibration.later.weights
    if signals.votes_for is not None and calibration.with_votes:
        return calibration.with_votes
    return Weights(intercept=calibration.intercept, by_feature=calibration.weights)


def confidence_of(signals: Signals, calibration: Calibration | None) -> float:
    """The calibrated probability, or the rank where there is no calibration."""
    if calibration is None:
        return rank(signals)
    return round(probability(signals, weights_for(signals, calibration)), 4)


def signals_of_label(label: Label) -> Signals:
    """A label's signals; of one that was written before labels had them, what can be said of it all the same."""
    if label.signals:
        return label.signals
    re_asked = label.repairs.count("re_asked")
    return Signals(
        runner_up=label.runner_up is not None,
        mended=len(label.repairs) - re_asked,
        re_asked=re_asked,
        category=label.category,
        reasoning_words=len(label.reasoning.split()),
    )


def rated(label: Label, signals: Signals, calibration: Calibration | None) -> Label:
    """The label with these signals and the confidence that they make."""
    rating = {"confidence": confidence_of(signals, calibration), "calibrated": calibration is not None}
    return label.model_copy(update={"signals": signals, **rating})


def read_calibration(prompt: PromptRef, model_id: str, data: ObjectStore) -> Calibration | None:
    """The calibration of this prompt and model; None where none was fitted yet."""
    try:
        stored = data.read(keys.calibration(prompt.task, prompt.sha256, model_id))
    except MissingObject:
        return None
    return Calibration.model_validate_json(stored)
