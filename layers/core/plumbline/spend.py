"""The cap on what a run spends: no call of the model is made whose cost could bring the run above its budget."""

from plumbline.contracts.errors import ModelFailure, StoreDenied, StoreUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.observability import logger
from plumbline.ports import LanguageModel, SpendLedger
from plumbline.prices import price_table

_FRAME_TOKENS = 32  # what the service puts around a system text or a turn, with some to spare
_CHARS_PER_TOKEN = 2  # of a batch; English has four and more


def most_usd(request: ModelRequest, *, batch: bool = False) -> float | None:
    """What the request can cost at most, in USD; None where no price is known for its model.

    The answer takes all of max_tokens. On demand a token is taken to be one byte of UTF-8: no tokenizer makes more of a
    text, and the amount is set aside only while the call lasts. A batch's is set aside for a day, where so loose a
    bound would shut out most of what the budget affords: there it is two ASCII characters or one byte of any other.
    """
    texts = (request.system, *(turn.text for turn in request.turns))
    tokens = sum(_FRAME_TOKENS + (_dense(text) if batch else len(text.encode("utf-8", "replace"))) for text in texts)
    read = Usage(input_tokens=tokens, output_tokens=request.max_tokens)
    written = Usage(cache_write_tokens=tokens, output_tokens=request.max_tokens)
    usd = [price_table().usd(request.model_id, usage, batch=batch) for usage in (read, written)]
    return max((amount for amount in usd if amount is not None), default=None)


def _dense(text: str) -> int:
    plain = sum(character.isascii() for character in text)
    return -(-plain // _CHARS_PER_TOKEN) + len(text.encode("utf-8", "replace")) - plain


class Capped:
    """Asks `model` only what the run's budget can pay for, all of the run's workers together; safe for threads.

    What a call can cost at most is reserved before it and settled with what it cost after it. A call whose worker died,
    or that got no answer in time, may have been paid for: what it reserved stays set aside, and so below the cap. A
    model without a price is not capped.
    """

    def __init__(self, model: LanguageModel, ledger: SpendLedger, run_id: str, cap_usd: float) -> None:
        self._model = model
        self._ledger = ledger
        self._run_id = run_id
        self._cap_usd = cap_usd

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer. Raises BudgetExceeded, and asks nothing, where the call could break the cap; else what
        the model raises, StoreUnavailable and StoreDenied."""
        most = most_usd(request)
        if not most:
            return self._model.ask(request)
        self._ledger.reserve(self._run_id, most, self._cap_usd)
        try:
            reply = self._model.ask(request)
        except ModelFailure as error:
            if not error.perhaps_paid:
                self._settle(most, 0.0)
            raise
        self._settle(most, price_table().usd(request.model_id, reply.usage, batch=reply.batch) or 0.0)
        return reply

    def _settle(self, reserved: float, spent: float) -> None:
        try:
            self._ledger.settle(self._run_id, reserved, spent)
        except (StoreUnavailable, StoreDenied) as error:
            # The answer is paid for and must not be lost; the reservation, which is at least its cost, stays.
            logger.warning("spend not settled", extra={"error": type(error).__name__})
