"""What a classifier reads of a long text: its beginning and its end."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

GAP = " … "
_MAX_TOKEN_CHARS = 40  # no text needs more characters than this for one token; a longer head or tail is never looked at


def head_and_tail(text: str, tokenizer: "Tokenizer", max_tokens: int, tail_share: float) -> str:
    """The text itself where it fits into `max_tokens`, else its first and last tokens around an ellipsis.

    Customers say what is wrong at the start of a conversation, and agents say what it was at its end. Training and
    prediction both call this, so that a model never reads texts of another kind than it learned from. `tokenizer` must
    neither truncate nor pad; special tokens count against `max_tokens`.
    """
    reach = max_tokens * _MAX_TOKEN_CHARS
    if len(text) > 2 * reach:
        text = text[:reach] + text[-reach:]
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    room = max_tokens - tokenizer.num_special_tokens_to_add(False)
    if len(offsets) <= room:
        return text
    gap = len(tokenizer.encode(GAP, add_special_tokens=False).offsets)
    tail = round((room - gap) * tail_share)
    if tail <= 0:
        return text[: offsets[room - 1][1]]
    head = room - gap - tail
    return text[: offsets[head - 1][1]] + GAP + text[offsets[-tail][0] :]
