"""What goes to CloudWatch beside each stage's own count: calls of the model, and a run's cases by outcome."""

from plumbline.contracts.errors import ModelThrottled
from plumbline.contracts.labels import BUDGET_REACHED
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.contracts.selection import LEFT_FOR_LATER
from plumbline.contracts.summary import RunSummary
from plumbline.observability import count
from plumbline.ports import LanguageModel
from plumbline.prices import price_table

# Dropped for want of money and not for what the model said: metrics of their own, which no share of bad replies holds.
_FOR_MONEY = {LEFT_FOR_LATER: "CasesLeftForLater", BUDGET_REACHED: "CasesBudgetReached"}


class Metered:
    """Counts the calls that `model` answers or throttles, their tokens and what they cost. Raises what it raises.

    It stands next to the service: what a store of replies answers reaches it never, and costs nothing.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer."""
        try:
            reply = self._model.ask(request)
        except ModelThrottled:
            count("ModelThrottles", 1)
            raise
        count("ModelCalls", 1)
        count_usage(request.model_id, reply.usage)
        return reply


def count_usage(model_id: str, usage: Usage, *, batch: bool = False) -> None:
    """Tokens that were paid for, and their price in USD; a model without a price counts as 0."""
    count("InputTokens", usage.input_tokens)
    count("OutputTokens", usage.output_tokens)
    count("CacheReadTokens", usage.cache_read_tokens)
    count("CacheWriteTokens", usage.cache_write_tokens)
    count("SpendUsd", price_table().usd(model_id, usage, batch=batch) or 0.0)


def count_run(summary: RunSummary) -> None:
    """A run's cases by outcome. Those dropped because money ended are not among CasesDropped."""
    for_money = {metric: summary.outcome_reasons.get(f"dropped: {why}", 0) for why, metric in _FOR_MONEY.items()}
    for outcome, cases in summary.outcomes.items():
        of_these = sum(for_money.values()) if outcome == "dropped" else 0
        count(f"Cases{outcome.title().replace('_', '')}", cases - of_these)
    for metric, cases in for_money.items():
        count(metric, cases)
