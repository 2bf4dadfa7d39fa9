"""Keyed pseudonyms: the same in every case, nothing to read from them."""

import pytest

from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.pseudonyms import SHORTEST_KEY, Pseudonyms
from plumbline.anonymize.spans import PLACEHOLDER
from plumbline.contracts.cases import Case, Message
from plumbline.contracts.errors import InvalidSettings
from plumbline.fingerprint import simhash64
from plumbline.ports import PiiDetector
from tests.unit.anonymize.scripted import Words

KEY = bytes(range(SHORTEST_KEY))
PEOPLE = Words(**{"Abbie Lewis": "NAME", "Tom Hall": "NAME", "+44 116 496 0837": "PHONE", "+441164960837": "PHONE"})


def masked(*texts: str, key: bytes = KEY, detector: PiiDetector = PEOPLE) -> list[str]:
    messages = tuple(Message(role="customer", text=text) for text in texts)
    [case] = anonymize([Case(case_id="1", messages=messages)], Privacy(detector, pseudonyms=Pseudonyms(key)))
    return [message.text for message in case.messages]


def test_one_person_has_one_pseudonym_in_every_case_and_form_of_the_name() -> None:
    [first, again] = masked("I am Abbie Lewis.", "Thanks, Abbie")
    [other] = masked("Tom Hall here, ask Abbie Lewis")
    pseudonym = first.removeprefix("I am ").removesuffix(".")
    assert PLACEHOLDER.fullmatch(pseudonym)
    assert again == f"Thanks, {pseudonym}"
    assert other.endswith(f"ask {pseudonym}")
    assert not other.startswith(pseudonym)


def test_the_grouping_of_a_number_does_not_matter() -> None:
    assert masked("+44 116 496 0837") == masked("+441164960837")


@pytest.mark.parametrize("name", ["Mr Lewis", "MR. LEWIS", "Dr. Lewis", "Le\u200bwis", "L\u0435wis"])
def test_neither_titles_nor_look_alikes_make_another_person(name: str) -> None:
    finder = Words(**{name: "NAME", "Lewis": "NAME"})
    assert masked(name, detector=finder) == masked("Lewis", detector=finder)


def test_last_name_first_is_the_same_person() -> None:
    finder = Words(**{"Lewis, Abbie": "NAME", "Abbie Lewis": "NAME"})
    assert masked("Lewis, Abbie", detector=finder) == masked("Abbie Lewis", detector=finder)


def test_another_key_gives_others_and_the_type_is_part_of_it() -> None:
    assert masked("Abbie Lewis") != masked("Abbie Lewis", key=KEY[::-1])
    [name], [user] = masked("Tom Hall"), masked("Tom Hall", detector=Words(**{"Tom Hall": "USERNAME"}))
    assert name.startswith("[NAME_")
    assert name.removeprefix("[NAME_") != user.removeprefix("[USERNAME_")


def test_masking_again_changes_nothing() -> None:
    once = masked("I am Abbie Lewis, +44 116 496 0837")
    assert masked(*once) == once


def test_a_pseudonym_counts_as_its_type_for_near_duplicates() -> None:
    assert simhash64(masked("Abbie Lewis cannot log in to the shop")[0]) == simhash64(
        "[NAME_1] cannot log in to the shop"
    )


def test_a_key_that_is_too_short_is_refused_and_none_is_ever_shown() -> None:
    with pytest.raises(InvalidSettings, match="at least 32"):
        Pseudonyms(KEY[1:])
    assert str(KEY) not in repr(Pseudonyms(KEY))
