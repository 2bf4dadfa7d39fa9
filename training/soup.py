"""Several trainings of one encoder become one model of the same size: a greedy soup of their weights.

Trainings that start from the same weights end near enough to each other for their weights to be averaged; the average
is often better than any of them, and costs nothing at prediction (M. Wortsman et al., "Model soups", ICML 2022).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from training.progress import say

Weights = Mapping[str, "torch.Tensor"]


@dataclass(frozen=True)
class Member:
    """One training's weights, and its score on validation."""

    weights: Weights
    score: float


def greedy(members: Sequence[Member], score: Callable[[Weights], float]) -> Weights:
    """Begin with the best member; take in each next one that does not make the average worse on validation."""
    best, *others = sorted(members, key=lambda member: -member.score)
    taken, found, reached = [best.weights], best.weights, best.score
    for member in others:
        candidate = average([*taken, member.weights])
        value = score(candidate)
        if value >= reached:
            taken, found, reached = [*taken, member.weights], candidate, value
    scores = ", ".join(f"{member.score:.3f}" for member in members)
    say(f"members reach macro-F1 {scores} on validation; {len(taken)} of them averaged reach {reached:.3f}")
    return found


def average(weights: Sequence[Weights]) -> dict[str, "torch.Tensor"]:
    """The mean of each tensor; counters and other whole numbers are those of the first."""
    return {
        name: torch.stack([one[name] for one in weights]).mean(dim=0) if tensor.is_floating_point() else tensor
        for name, tensor in weights[0].items()
    }


def weights_of(predictor: Any) -> dict[str, "torch.Tensor"]:
    """A copy of the predictor's weights."""
    model = predictor._learner._model  # noqa: SLF001 - AutoMM has no other way to them
    return {name: tensor.detach().clone().cpu() for name, tensor in model.state_dict().items()}


def with_weights(predictor: Any, weights: Weights) -> Any:
    """The same predictor, with these weights."""
    predictor._learner._model.load_state_dict(dict(weights))  # noqa: SLF001 - as above
    return predictor
