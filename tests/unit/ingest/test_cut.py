"""The cut rule: the opening and the end stay, the middle goes, and the sizes are told."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.contracts.cases import Case, Message
from plumbline.ingest.cut import cut_case, shorten


def _case(*texts: str, subject: str = "") -> Case:
    messages = tuple(Message(role="agent" if n % 2 else "customer", text=text) for n, text in enumerate(texts))
    return Case(case_id="1", subject=subject, messages=messages)


def test_a_case_that_fits_is_left_alone() -> None:
    case = _case("a" * 700, subject="b" * 100)
    assert cut_case(case, 200) is case


def test_the_middle_goes_and_is_marked() -> None:
    case = _case("opening", *(f"message {n} " + "x" * 89 for n in range(20)), "the end")
    cut = cut_case(case, 200)
    texts = [message.text for message in cut.messages]
    assert (texts[0], texts[-1]) == ("opening", "the end")
    gap = next(text for text in texts if text.startswith("[…"))
    dropped = [m.text for m in case.messages if m.text not in texts]
    assert gap == f"[… {len(dropped)} messages, {sum(map(len, dropped)):,} characters left out …]"
    assert cut.messages[texts.index(gap)].role == "other"
    assert [text for text in texts if text != gap] == [m.text for m in case.messages if m.text not in dropped]
    assert cut.cut is not None
    assert (cut.cut.original_chars, cut.cut.kept_chars) == (case.chars, cut.chars)


def test_one_overlong_message_keeps_its_head_and_tail() -> None:
    cut = cut_case(_case("BEGIN" + "x" * 5000 + "END"), 200)
    (message,) = cut.messages
    assert message.text.startswith("BEGINx")
    assert message.text.endswith("xEND")
    kept = len(re.sub(r"\n\[….*…\]\n", "", message.text))
    assert f"[… {5008 - kept:,} characters left out …]" in message.text


def test_an_overlong_opening_leaves_room_for_the_end() -> None:
    cut = cut_case(_case("o" * 5000, "m" * 5000, "the end"), 200)
    assert cut.messages[0].text.startswith("ooo")
    assert cut.messages[-1].text == "the end"


def test_an_overlong_last_message_is_shortened_not_dropped() -> None:
    cut = cut_case(_case("opening", "m" * 500, "A" + "z" * 5000 + "Z"), 200)
    assert cut.messages[0].text == "opening"
    assert cut.messages[-1].text[0] == "A"
    assert cut.messages[-1].text[-1] == "Z"


@settings(deadline=None)
@given(
    texts=st.lists(st.integers(1, 3000).map(lambda size: "t" * size), max_size=12),
    subject=st.integers(0, 2000),
    tokens=st.integers(200, 1000),
)
def test_the_budget_holds_and_ends_stay(texts: list[str], subject: int, tokens: int) -> None:
    case = _case(*texts, subject="s" * subject)
    cut = cut_case(case, tokens)
    assert cut.chars <= tokens * 4
    assert (cut.cut is None) == (case.chars <= tokens * 4)
    if texts:
        assert (cut.messages[0].role, cut.messages[-1].role) == (case.messages[0].role, case.messages[-1].role)
    assert cut_case(cut, tokens) is cut


@pytest.mark.parametrize("limit", [100, 101, 1000])
def test_shorten_keeps_to_the_limit(limit: int) -> None:
    assert len(shorten("x" * 10_000_000, limit)) <= limit
