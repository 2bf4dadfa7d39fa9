"""One case's placeholders: stable, numbered by first appearance, without collisions, and nothing left behind."""

import re
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.anonymize.masking import mask


def found(texts: list[str], **values: str | list[str]) -> list[list[tuple[int, int, str]]]:
    """What a detector would say that knows these values, but only sees each one's first occurrence in the case."""
    spans: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    for kind, given_values in values.items():
        for value in [given_values] if isinstance(given_values, str) else given_values:
            row = next(i for i, text in enumerate(texts) if value in text)
            start = texts[row].index(value)
            spans[row].append((start, start + len(value), kind))
    return [sorted(row) for row in spans]


def masked(texts: list[str], **values: str | list[str]) -> tuple[list[str], dict[str, int]]:
    return mask(texts, found(texts, **values))


def test_a_value_keeps_its_placeholder_through_the_case() -> None:
    texts = ["Jane@Example.com wrote", "answer to jane@example.com and bob@example.com", "JANE@EXAMPLE.COM?"]
    assert masked(texts, EMAIL=["Jane@Example.com", "bob@example.com"]) == (
        ["[EMAIL_1] wrote", "answer to [EMAIL_1] and [EMAIL_2]", "[EMAIL_1]?"],
        {"EMAIL": 2},
    )


def test_full_and_first_name_are_one_person_whoever_comes_first() -> None:
    texts = ["Hi abbie,", "Abbie here. Best, Abbie\nLewis", "Lewis, thanks Tom"]
    assert masked(texts, NAME=["Abbie", "Abbie\nLewis", "Tom"]) == (
        ["Hi [NAME_1],", "[NAME_1] here. Best, [NAME_1]", "[NAME_1], thanks [NAME_2]"],
        {"NAME": 2},
    )


def test_numbers_are_the_same_in_any_grouping() -> None:
    texts = ["card 4111 1111 1111 1111", "card 4111-1111-1111-1111 or 4111111111111111, not 41111111111111112"]
    assert masked(texts, CARD="4111 1111 1111 1111") == (
        ["card [CARD_1]", "card [CARD_1] or [CARD_1], not 41111111111111112"],
        {"CARD": 1},
    )


def test_numbers_follow_first_appearance_not_the_detectors_order() -> None:
    texts = ["b@example.com a@example.com", "a@example.com"]
    assert mask(texts, [[(14, 27, "EMAIL"), (0, 13, "EMAIL")], [(0, 13, "EMAIL")]])[0] == [
        "[EMAIL_1] [EMAIL_2]",
        "[EMAIL_2]",
    ]


def test_a_typed_placeholder_keeps_its_number_for_itself() -> None:
    texts = ["[NAME_1] says: Jane Doe is [NAME_3]", "Jane, Ann Lee"]
    assert masked(texts, NAME=["Jane Doe", "Ann Lee"]) == (
        ["[NAME_1] says: [NAME_2] is [NAME_3]", "[NAME_2], [NAME_4]"],
        {"NAME": 2},
    )


def test_a_find_across_a_typed_placeholder_leaves_it_whole() -> None:
    text = "Jane [NAME_1] Doe"
    assert mask([text], [[(0, len(text), "NAME")]])[0] == ["[NAME_2] [NAME_1] [NAME_3]"]


def test_masking_again_changes_nothing() -> None:
    once, _ = masked(["Hi Jane Doe, jane@example.com"], NAME="Jane Doe", EMAIL="jane@example.com")
    assert mask(once, [[]]) == (once, {})
    assert mask(once, [[(4, 10, "NAME")]]) == (once, {})  # a model took the placeholder's inside for a name


def test_a_short_plain_password_is_masked_where_it_is_said_only() -> None:
    assert masked(["password: test", "I test a lot"], PASSWORD="test")[0] == ["password: [PASSWORD_1]", "I test a lot"]


def test_no_finds_no_change() -> None:
    texts = ["", "nothing here", "line\r\n\ttabs \u200b and \U0001f600"]
    assert mask(texts, [[], [], []]) == (texts, {})


_secret = st.from_regex(r"[a-z]{3}[0-9][A-Za-z0-9@+/_-]{4,20}[0-9]", fullmatch=True)
_plain = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    value=_secret,
    kind=st.sampled_from(["EMAIL", "KEY", "TOKEN", "PASSWORD", "USERNAME"]),
    around=st.lists(st.tuples(_plain, st.sampled_from([str, str.upper, str.lower, str.title]), _plain), max_size=4),
    glue=_plain,
)
def test_a_value_found_once_is_nowhere_left(
    value: str, kind: str, around: list[tuple[str, Callable[[str], str], str]], glue: str
) -> None:
    texts = [f"{glue}{value}{glue}", *(before + spell(value) + after for before, spell, after in around)]
    out, entities = mask(texts, found(texts, **{kind: value}))
    assert not any(value.lower() in text.lower() for text in out)
    assert entities == {kind: 1}
    assert all(f"[{kind}_" in text for text in out)


_letters = st.text("bcdfghjklmnpqrstvwxyz", min_size=4, max_size=9)


@given(first=_letters, last=_letters, words=st.lists(_plain, min_size=2, max_size=4))
def test_a_person_found_once_is_nowhere_named(first: str, last: str, words: list[str]) -> None:
    full = f"{first.title()} {last.title()}"
    texts = [f"{words[0]} {full} {words[0]}", *(f"{word} Hi {first}, {full.upper()}! {word}" for word in words[1:])]
    out, _ = mask(texts, found(texts, NAME=full))
    for word in (first, last):
        assert not any(re.search(rf"(?<![^\W_]){word}(?![^\W_])", text, re.IGNORECASE) for text in out)


@given(st.lists(st.text(), min_size=1, max_size=4), st.data())
def test_any_spans_of_any_text_are_masked_and_the_rest_kept(texts: list[str], data: st.DataObject) -> None:
    rows = []
    for text in texts:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
        rows.append([(a, b, "KEY") for a, b in zip(cuts[::2], cuts[1::2], strict=False)])
    out, entities = mask(texts, rows)
    assert len(out) == len(texts)
    assert (mask(texts, rows)) == (out, entities)
    numbers = [int(number) for text in out for number in re.findall(r"\[KEY_(\d+)\]", text)]
    assert len(set(numbers)) == entities.get("KEY", 0)
