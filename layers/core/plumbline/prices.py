"""What model calls cost, from one dated table (prices.json)."""

import functools
from importlib import resources

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.replies import Usage

# The mean of 26 replies of Qwen2.5-Coder 1.5B under root_cause v3; `python -m bench.estimate` measures it on others.
ANSWER_TOKENS = 125
_MILLION = 1_000_000


class Price(Model):
    """USD per million tokens, and what is known of the model that decides what a run costs."""

    input: float
    output: float
    cache_from: int | None = Field(default=None, description="fewest tokens of a checkpoint; None: no prompt cache")
    cache_write_factor: float | None = Field(default=None, description="None: the table's")
    cache_read_factor: float | None = Field(default=None, description="None: the table's")
    batch: bool = Field(default=False, description="whether batch inference takes the model")
    token_factor: float = Field(default=1.0, gt=0, description="its tokens to those that plumbline.tokens counts")


class PriceTable(Model):
    """Prices by the beginning of a model id, without the region of an inference profile."""

    as_of: str
    note: str
    models: dict[str, Price]
    cache_write_factor: float
    cache_read_factor: float
    batch_factor: float = Field(gt=0, le=1, description="what a batch job's tokens cost of the price on demand")

    def price(self, model_id: str) -> Price | None:
        """The model's line of the table; None where there is none."""
        # "us.anthropic.claude-…" and ".../inference-profile/us.anthropic.claude-…" name the model behind a profile.
        name = model_id.rsplit("/", 1)[-1]
        return next((p for start, p in self.models.items() if name.startswith(start) or f".{start}" in name), None)

    def usd(self, model_id: str, usage: Usage, *, batch: bool = False) -> float | None:
        """The cost of the usage, on demand or of a batch job; None where the table has no price for the model."""
        price = self.price(model_id)
        if price is None:
            return None
        write = self.cache_write_factor if price.cache_write_factor is None else price.cache_write_factor
        read = self.cache_read_factor if price.cache_read_factor is None else price.cache_read_factor
        weighted = usage.input_tokens + usage.cache_write_tokens * write + usage.cache_read_tokens * read
        usd = (weighted * price.input + usage.output_tokens * price.output) / _MILLION
        return usd * self.batch_factor if batch else usd

    def estimated_usd(self, model_id: str, usage: Usage) -> float | None:
        """The cost on demand of tokens as plumbline.tokens counts them; None where the table has no price."""
        price = self.price(model_id)
        factor = price.token_factor if price else 1.0
        own = {name: round(factor * tokens) for name, tokens in usage.model_dump().items()}
        return self.usd(model_id, Usage.model_validate(own))

    def saved_by_cache(self, model_id: str, usage: Usage) -> float | None:
        """What the prompt cache saved on demand: reads are cheaper, writes dearer, so that it can be below 0."""
        cached = self.usd(model_id, usage)
        tokens = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
        plain = self.usd(model_id, Usage(input_tokens=tokens, output_tokens=usage.output_tokens))
        return None if cached is None or plain is None else plain - cached

    def caches(self, model_id: str, prefix_tokens: int) -> bool:
        """Whether the model's prompt cache takes a static part of about so many tokens (by plumbline.tokens).
        A shorter one is not cached, and nothing says so; a model that the table does not know may refuse the mark."""
        price = self.price(model_id)
        return bool(price and price.cache_from and prefix_tokens * price.token_factor >= price.cache_from)

    def has_batch(self, model_id: str) -> bool:
        """Whether batch inference takes the model, by this table; not so for a model that it does not know."""
        price = self.price(model_id)
        return price is not None and price.batch


@functools.cache
def price_table() -> PriceTable:
    """The table shipped with the package."""
    text = resources.files("plumbline").joinpath("prices.json").read_text("utf-8")
    return PriceTable.model_validate_json(text)
