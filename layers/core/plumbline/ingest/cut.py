"""An overlong conversation cut to a budget: the opening and the end stay, the middle goes."""

from collections.abc import Sequence

from plumbline.contracts.cases import Case, Cut, Message

CHARS_PER_TOKEN = 4
_NOTE_CHARS = 80
_SUBJECT_SHARE = 8
RULE = "opening and end kept, middle left out"


def cut_case(case: Case, max_tokens: int) -> Case:
    """The case within four characters for each of `max_tokens`, counting subject and messages; itself when it fits.

    The subject keeps at most an eighth of the budget, the first message at most half of the rest. Then whole messages
    are kept from the end backwards, then from the opening on, while they fit; when not even the last one fits it is
    shortened. A shortened text keeps three fifths from its head, the rest from its tail. Every gap is marked with a
    line that counts what is missing, and `cut` records the sizes.
    """
    limit = max_tokens * CHARS_PER_TOKEN
    if case.chars <= limit:
        return case
    subject = shorten(case.subject, limit // _SUBJECT_SHARE)
    messages = _fit(case.messages, limit - len(subject))
    kept = len(subject) + sum(len(message.text) for message in messages)
    record = Cut(
        original_chars=case.chars,
        kept_chars=kept,
        rule=f"{RULE}; at most {max_tokens} tokens",
        content_hash=case.content_hash(),
    )
    return case.model_copy(update={"subject": subject, "messages": messages, "cut": record})


def shorten(text: str, limit: int) -> str:
    """The text's head and tail with a note between them, `limit` characters at most (`limit` above 80)."""
    if len(text) <= limit:
        return text
    room = limit - _NOTE_CHARS
    head = room * 3 // 5
    tail = room - head
    return f"{text[:head]}\n[… {len(text) - room:,} characters left out …]\n{text[len(text) - tail :]}"


def _fit(messages: Sequence[Message], limit: int) -> tuple[Message, ...]:
    if sum(len(message.text) for message in messages) <= limit:
        return tuple(messages)
    if len(messages) == 1:
        return (_shortened(messages[0], limit),)
    opening = [_shortened(messages[0], (limit - _NOTE_CHARS) // 2)]
    room = limit - _NOTE_CHARS - len(opening[0].text)
    first, last = 1, len(messages)  # messages[first:last] are left out
    while last > first and len(messages[last - 1].text) <= room:
        last -= 1
        room -= len(messages[last].text)
    ending = list(messages[last:])
    if not ending:
        last -= 1
        ending = [_shortened(messages[last], room)]
        room -= len(ending[0].text)
    while first < last and len(messages[first].text) <= room:
        opening.append(messages[first])
        room -= len(messages[first].text)
        first += 1
    missing = messages[first:last]
    if not missing:
        return (*opening, *ending)
    return (*opening, Message(role="other", text=_gap(missing)), *ending)


def _shortened(message: Message, limit: int) -> Message:
    return message.model_copy(update={"text": shorten(message.text, limit)})


def _gap(missing: Sequence[Message]) -> str:
    chars = sum(len(message.text) for message in missing)
    messages = "1 message" if len(missing) == 1 else f"{len(missing):,} messages"
    return f"[… {messages}, {chars:,} characters left out …]"
