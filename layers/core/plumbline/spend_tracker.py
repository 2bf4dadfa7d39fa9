"""What asking a model may cost and has cost, and a budget that no call breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition

from plumbline.contracts.errors import BudgetExceeded, ModelFailure
from plumbline.contracts.replies import ModelReply, ModelRequest, Reply, Usage
from plumbline.ports import LanguageModel
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.report.words import money
from plumbline.spend import most_usd


@dataclass(frozen=True)
class Estimate:
    """Tokens of some asking, as plumbline.tokens counts them, without a prompt cache and without a reused reply.

    `once`: every request once, with answers of the usual length. `most`: every answer as long as it may be, and asked
    for again as often as it may be.
    """

    once: Usage = field(default_factory=Usage)
    most: Usage = field(default_factory=Usage)

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.once + other.once, self.most + other.most)


def estimated(
    asks: int, input_tokens: int, max_tokens: int, *, re_asks: int = 0, complaint_tokens: int = 0
) -> Estimate:
    """The estimate of so many first asks with so many input tokens in all.

    A re-ask shows the model the request, each answer so far and what was wrong with it (`complaint_tokens`).
    """
    tries = re_asks + 1
    shown_again = sum(range(tries)) * asks * (max_tokens + complaint_tokens)
    return Estimate(
        once=Usage(input_tokens=input_tokens, output_tokens=asks * min(ANSWER_TOKENS, max_tokens)),
        most=Usage(input_tokens=tries * input_tokens + shown_again, output_tokens=tries * asks * max_tokens),
    )


def unpaid(reply: Reply) -> bool:
    """Whether there is no answer because the budget could not pay for it."""
    return reply.error == BudgetExceeded.__name__


class SpendTracker:
    """A LanguageModel that counts what `model` is paid; with a budget, it makes no call that could break it.

    It belongs next to the service, below the store of replies, so that what is looked up is not counted. Until a call
    is answered it counts as the most that it can cost. Where others are under way, a call that does not fit beside them
    waits for them, since most cost less than they may. One that got no answer and may have been paid all the same
    counts as the most that it could cost. Safe for threads. The cap of a run, whose calls are made by many workers, is
    plumbline.spend's.
    """

    def __init__(self, model: LanguageModel, budget_usd: float | None = None) -> None:
        self._model = model
        self._changed = Condition()
        self._under_way: list[float] = []
        self._aside = 0.0
        self.budget_usd = budget_usd
        self.paid = Usage()
        self.spent_usd: float | None = 0.0
        """USD so far; None where a model without a price was asked."""
        self.refusals = 0

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer. Raises BudgetExceeded where the call could break the budget, and what the model says."""
        most = self._begin(request)
        spent: float | None = 0.0
        try:
            reply = self._model.ask(request)
            spent = self._paid(request.model_id, reply)
        except ModelFailure as error:
            spent = most if error.perhaps_paid else 0.0
            raise
        finally:
            self._end(most, spent)
        return reply

    @contextmanager
    def setting_aside(self, usd: float) -> Iterator[None]:
        """Within the block, calls leave so much of the budget alone."""
        self._aside += usd
        try:
            yield
        finally:
            self._aside -= usd

    def _begin(self, request: ModelRequest) -> float:
        most = most_usd(request)
        with self._changed:
            if self.budget_usd is not None:
                self._changed.wait_for(lambda: not self._under_way or self._fits(most))
                if not self._fits(most):
                    self.refusals += 1
                    raise self._refusal(request.model_id, most)
            self._under_way.append(most or 0.0)
        return most or 0.0

    def _paid(self, model_id: str, reply: ModelReply) -> float | None:
        if reply.from_cache:
            return 0.0
        with self._changed:
            self.paid += reply.usage
        return price_table().usd(model_id, reply.usage)

    def _end(self, most: float, spent: float | None) -> None:
        with self._changed:
            self._under_way.remove(most)
            self.spent_usd = None if spent is None or self.spent_usd is None else self.spent_usd + spent
            self._changed.notify_all()

    def _fits(self, most: float | None) -> bool:
        if most is None or self.spent_usd is None or self.budget_usd is None:
            return False
        return self.spent_usd + sum(self._under_way) + most <= self.budget_usd - self._aside

    def _refusal(self, model_id: str, most: float | None) -> BudgetExceeded:
        if most is None or self.spent_usd is None:
            return BudgetExceeded(f"no price is known for {model_id}, so no budget can be kept; add it to prices.json")
        kept = f", {money(self._aside)} of it is kept for the end" if self._aside else ""
        return BudgetExceeded(
            f"the budget of {money(self.budget_usd or 0.0)} allows no further call: {money(self.spent_usd)} is "
            f"spent{kept}, and the next call could cost up to {money(most)}; raise the budget and ask again: what was "
            "answered is kept and not paid for twice"
        )
