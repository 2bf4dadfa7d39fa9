"""What model calls cost, from one dated table (prices.json)."""

import functools
from collections.abc import Callable
from importlib import resources

from plumbline.contracts.base import Model
from plumbline.contracts.replies import Usage
from plumbline.ingest.cut import CHARS_PER_TOKEN

EstimateUsd = Callable[[int, int], float | None]
"""Input tokens and output tokens to USD; None where no price is known."""
ANSWER_TOKENS = 300  # the usual length of a reply, for estimates
_MILLION = 1_000_000


class Price(Model):
    """USD per million tokens."""

    input: float
    output: float


class PriceTable(Model):
    """Prices by the beginning of a model id, without the region of an inference profile."""

    as_of: str
    note: str
    models: dict[str, Price]
    cache_write_factor: float
    cache_read_factor: float

    def usd(self, model_id: str, usage: Usage) -> float | None:
        """The cost of the usage; None where the table has no price for the model."""
        # "us.anthropic.claude-…" and ".../inference-profile/us.anthropic.claude-…" name the model behind a profile.
        name = model_id.rsplit("/", 1)[-1]
        price = next((p for start, p in self.models.items() if name.startswith(start) or f".{start}" in name), None)
        if price is None:
            return None
        weighted = (
            usage.input_tokens
            + usage.cache_write_tokens * self.cache_write_factor
            + usage.cache_read_tokens * self.cache_read_factor
        )
        return (weighted * price.input + usage.output_tokens * price.output) / _MILLION


@functools.cache
def price_table() -> PriceTable:
    """The table shipped with the package."""
    text = resources.files("plumbline").joinpath("prices.json").read_text("utf-8")
    return PriceTable.model_validate_json(text)


def tokens_of(cases: int, chars: int, prompt_tokens: int, answer_tokens: int) -> tuple[int, int]:
    """Input and output tokens that so many cases with so many characters in all are estimated to take."""
    return -(-chars // CHARS_PER_TOKEN) + cases * prompt_tokens, cases * answer_tokens


def estimator(model_id: str) -> EstimateUsd:
    """A function of input and output tokens to USD for the model; nothing is taken to come from a cache."""

    def estimate(input_tokens: int, output_tokens: int) -> float | None:
        return price_table().usd(model_id, Usage(input_tokens=input_tokens, output_tokens=output_tokens))

    return estimate
