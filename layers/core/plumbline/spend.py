"""The cap on what a run spends: no call of the model is made whose cost could bring the run above its budget."""

import functools
import re
from math import ceil

from plumbline.contracts.errors import BudgetBusy, BudgetExceeded, ModelFailure, StoreDenied, StoreUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.observability import logger
from plumbline.ports import LanguageModel, SpendLedger
from plumbline.prices import price_table
from plumbline.tokens import tokens_in

MOST_WAITS = 5  # tries of a shard that wait for calls under way; what a killed worker set aside never comes back
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_FRAME_TOKENS = 32  # what the service puts around a system text or a turn, with some to spare
_SPARE = 1.3  # of a batch's input; plumbline.tokens is off by 3% over a file (bench.estimate), by more in one text


def most_usd(request: ModelRequest, *, batch: bool = False) -> float | None:
    """What the request can cost at most, in USD; None where no price is known for its model.

    The answer takes all of max_tokens. On demand a token is taken to be one byte of UTF-8: no tokenizer makes more of a
    text, and the amount is set aside only while the call lasts; it may be written to the prompt cache, which is dearer.
    A batch has no prompt cache, and its amount is set aside for a day, all records together, where so loose a bound
    would shut out what the budget affords: there the input is what plumbline.tokens counts, in the model's own tokens
    and 30% more, and beyond ASCII a byte a token, for which those weights were not fitted. One odd text may have more;
    the sum has not, where answers do not all take max_tokens, some three times the usual answer.
    """
    texts = (request.system, *(turn.text for turn in request.turns))
    if batch:
        return _most_in_batch(request.model_id, texts, request.max_tokens)
    tokens = sum(_FRAME_TOKENS + len(text.encode("utf-8", "replace")) for text in texts)
    read = Usage(input_tokens=tokens, output_tokens=request.max_tokens)
    written = Usage(cache_write_tokens=tokens, output_tokens=request.max_tokens)
    usd = [price_table().usd(request.model_id, usage) for usage in (read, written)]
    return max((amount for amount in usd if amount is not None), default=None)


def _most_in_batch(model_id: str, texts: tuple[str, ...], max_tokens: int) -> float | None:
    price = price_table().price(model_id)
    factor = price.token_factor if price else 1.0
    tokens = ceil(sum(_FRAME_TOKENS + _tokens_at_most(text, factor) for text in texts))
    return price_table().usd(model_id, Usage(input_tokens=tokens, output_tokens=max_tokens), batch=True)


@functools.lru_cache(maxsize=32)  # the static part is every record's
def _tokens_at_most(text: str, factor: float) -> float:
    raw = len(text.encode("utf-8", "replace"))
    beyond_ascii = sum(len(found.encode("utf-8", "replace")) for found in _NOT_ASCII.findall(text))
    return min(_SPARE * factor * tokens_in(text) + beyond_ascii, raw)


class Capped:
    """Asks `model` only what the run's budget can pay for, all of the run's workers together; safe for threads.

    What a call can cost at most is reserved before it and settled with what it cost after it. A call whose worker died,
    or that got no answer in time, may have been paid for: what it reserved stays set aside, and so below the cap. A
    model without a price is not capped.

    Near the cap, what calls under way have set aside, several times what they cost, would keep out calls that fit once
    those are answered. Where the caller `can_wait`, such a call raises BudgetBusy, which is worth another try.
    """

    def __init__(
        self, model: LanguageModel, ledger: SpendLedger, run_id: str, cap_usd: float, *, can_wait: bool = False
    ) -> None:
        self._model = model
        self._ledger = ledger
        self._run_id = run_id
        self._cap_usd = cap_usd
        self._can_wait = can_wait

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer. Raises BudgetExceeded, and asks nothing, where the call could break the cap; BudgetBusy;
        else what the model raises, StoreUnavailable and StoreDenied."""
        most = most_usd(request)
        if not most:
            return self._model.ask(request)
        self._reserve(most)
        try:
            reply = self._model.ask(request)
        except ModelFailure as error:
            if not error.perhaps_paid:
                self._settle(most, 0.0)
            raise
        self._settle(most, price_table().usd(request.model_id, reply.usage, batch=reply.batch) or 0.0)
        return reply

    def _reserve(self, most: float) -> None:
        try:
            self._ledger.reserve(self._run_id, most, self._cap_usd)
        except BudgetExceeded:
            if self._can_wait and self._ledger.spent(self._run_id) + most <= self._cap_usd:
                raise BudgetBusy(
                    f"run {self._run_id}: calls under way have set aside what is left of its budget; they cost less "
                    "than that, so the shard is tried again in minutes"
                ) from None
            raise

    def _settle(self, reserved: float, spent: float) -> None:
        try:
            self._ledger.settle(self._run_id, reserved, spent)
        except (StoreUnavailable, StoreDenied) as error:
            # The answer is paid for and must not be lost; the reservation, which is at least its cost, stays.
            logger.warning("spend not settled", extra={"error": type(error).__name__})
