"""What a run will cost, before anything is spent: the tokens of its calls, and their price on each road."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.cases import CaseBase
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import Road, RunMode
from plumbline.prices import price_table
from plumbline.prompting import user_text
from plumbline.road import choose_road
from plumbline.tokens import REQUEST_TOKENS, tokens_in

CALLS_A_SHARD = 8
_CASES_A_SHARD = 50
_ALWAYS, _ONE_IN = 500, 16


class Load(Model):
    """The calls of a run, in tokens as plumbline.tokens counts them; a model's own count is that times its factor."""

    cases: int = Field(ge=0)
    case_tokens: int = Field(ge=0, description="of all the cases together, without the prompt's static part")
    prefix_tokens: int = Field(ge=0, description="the static part, sent with every call")
    answer_tokens: int = Field(ge=0, description="of one answer")
    asks: float = Field(default=1, ge=1, description="calls a case")
    starts: int = Field(
        default=1, ge=1, description="calls that begin before the first is answered: each fills the cache"
    )

    @property
    def calls(self) -> int:
        """How many calls the run makes."""
        return round(self.cases * self.asks)

    @property
    def input_tokens(self) -> int:
        """What the calls send."""
        return round(self.asks * self.case_tokens) + self.calls * self.prefix_tokens

    @property
    def output_tokens(self) -> int:
        """What they answer."""
        return self.calls * self.answer_tokens

    @property
    def once(self) -> "Load":
        """Every case asked about once."""
        return self.model_copy(update={"asks": 1})

    @property
    def votes(self) -> "Load | None":
        """What is asked beyond that; None where nothing is."""
        return self.model_copy(update={"asks": self.asks - 1}) if self.asks > 1 else None


EstimateUsd = Callable[[Load, Road], float | None]
"""What a load costs on a road; None where no price is known."""


@dataclass(frozen=True)
class ModelCosts:
    """What a model costs. `prompt_cache`: whether calls on demand may mark the prompt's static part as cacheable."""

    model_id: str
    prompt_cache: bool = True

    def __call__(self, load: Load, road: Road) -> float | None:
        """USD of the load on the road, with the prompt cache where it pays."""
        return self.usd(load, cached=road == "on_demand" and self.caches(load.prefix_tokens), batch=road == "batch")

    def usd(self, load: Load, *, cached: bool = False, batch: bool = False) -> float | None:
        """USD of the load; None where the model has no price."""
        return price_table().usd(self.model_id, self.usage(load, cached=cached), batch=batch)

    def caches(self, prefix_tokens: int) -> bool:
        """Whether a static part of so many tokens is long enough for the model's prompt cache, where it may be used."""
        return self.prompt_cache and price_table().caches(self.model_id, prefix_tokens)

    def usage(self, load: Load, *, cached: bool = False) -> Usage:
        """The load in the model's own tokens."""
        price = price_table().price(self.model_id)
        factor = price.token_factor if price else 1.0
        written = load.prefix_tokens * min(load.starts, load.calls) if cached else 0
        read = load.prefix_tokens * load.calls - written if cached else 0
        return Usage(
            input_tokens=round(factor * (load.input_tokens - written - read)),
            output_tokens=round(factor * load.output_tokens),
            cache_write_tokens=round(factor * written),
            cache_read_tokens=round(factor * read),
        )


class Decision(Model):
    """How a run asks the model, what that is estimated to cost, and how many cases the budget affords (None: all)."""

    road: Road
    reason: str
    usd: float | None
    affordable: int | None


def decide(
    load: Load,
    estimate_usd: EstimateUsd,
    *,
    mode: RunMode,
    budget_usd: float,
    batch_from: int,
    model_has_batch: bool,
    in_a_hurry: bool = False,
    batch_min: int = 0,
) -> Decision:
    """The road by what each costs: a batch may afford all of what the budget does not afford on demand. After a batch
    votes are asked on demand."""
    batch_usd = _in_batch(load, estimate_usd)
    of_batch = _affordable(load, batch_usd, budget_usd)
    usd = estimate_usd(load, "on_demand")
    road, reason = choose_road(
        mode,
        load.cases,
        of_batch,
        batch_from,
        model_has_batch=model_has_batch,
        cheaper_on_demand=usd is not None and batch_usd is not None and usd < batch_usd,
        in_a_hurry=in_a_hurry,
        batch_min=batch_min,
    )
    if road == "batch":
        return Decision(road=road, reason=reason, usd=batch_usd, affordable=None)
    return Decision(road=road, reason=reason, usd=usd, affordable=_affordable(load, usd, budget_usd))


def _in_batch(load: Load, estimate_usd: EstimateUsd) -> float | None:
    once = estimate_usd(load.once, "batch")
    votes = estimate_usd(load.votes, "on_demand") if load.votes else 0.0
    return None if once is None or votes is None else once + votes


def _affordable(load: Load, usd: float | None, budget_usd: float) -> int | None:
    return None if usd is None or usd <= budget_usd else int(load.cases * budget_usd / usd)


def starts_of(cases: int, map_concurrency: int) -> int:
    """How many calls begin before the first is answered, at most."""
    return max(1, min(cases, CALLS_A_SHARD * min(map_concurrency, -(-cases // _CASES_A_SHARD))))


class CaseTokens:
    """Counts the tokens of cases as they are asked about. Beyond the first 500 every 16th is weighed, and stands for
    those between: reading an export must not take longer for its estimate."""

    def __init__(self, cases: Iterable[CaseBase] = ()) -> None:
        self._seen = self._chars = self._weighed_chars = self._weighed = 0
        for case in cases:
            self.add(case)

    def add(self, case: CaseBase) -> None:
        """One more case."""
        self._chars += case.chars
        if self._seen < _ALWAYS or self._seen % _ONE_IN == 0:
            self._weighed_chars += case.chars
            self._weighed += tokens_in(user_text(case)) + REQUEST_TOKENS
        self._seen += 1

    @property
    def total(self) -> int:
        """The tokens of all cases added."""
        return round(self._weighed * self._chars / self._weighed_chars) if self._weighed_chars else self._weighed
