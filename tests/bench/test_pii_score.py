"""The figures of bench.anonymize: what counts as found, right, false and consistent."""

import pytest

from bench.pii_score import Consistency, Find, as_finds, consistency, is_found, score, verdict
from bench.pii_sets import PiiCase, PiiSet, Span
from bench.pii_texts import SHAPES, made_up

NOBODY: dict[str, str] = {}
CORE = frozenset({"PERSON", "ADDRESS"})


def _find(start: int, end: int, kind: str = "PERSON", by: str = "[NAME_1]") -> Find:
    return Find(start, end, kind, by)


def test_four_fifths_of_a_span_make_it_found_whatever_the_type() -> None:
    gold = Span(10, 20, "PERSON")
    assert is_found(gold, [_find(0, 18, "IP")])
    assert not is_found(gold, [_find(0, 17)])
    assert is_found(gold, [_find(10, 14), _find(15, 19)])
    assert not is_found(gold, [_find(0, 20, "IP")], frozenset({"PERSON"}))


def test_a_find_is_judged_by_where_it_lies() -> None:
    text = "Ann Lee from Peru met Ann Lee at Ford"
    gold = [Span(0, 7, "PERSON"), Span(13, 17, "PLACE"), Span(33, 37, "ORGANIZATION")]
    values = {"Ann Lee": "PERSON"}

    def judged(find: Find, types: frozenset[str] | None = None) -> str:
        return verdict(text, find, gold, values, CORE, types)

    assert judged(_find(0, 7)) == "right"
    assert judged(_find(0, 17)) == "false"  # seven of seventeen characters
    assert judged(_find(22, 29)) == "right"  # the same value, labeled once only
    assert judged(_find(13, 17, "PLACE")) == "unjudged"  # a country, rightly named, but not asked for
    assert judged(_find(33, 37)) == "false"  # a company taken for a person
    assert judged(_find(18, 21, "DATE"), CORE) == "unjudged"
    assert judged(_find(18, 21, "DATE")) == "false"


def test_a_set_is_counted_by_type_core_and_as_a_whole() -> None:
    case = PiiCase(
        "1",
        ("", "Ann Lee from Peru uses Chrome"),
        ("customer",),
        ((), (Span(0, 7, "PERSON"), Span(13, 17, "PLACE"))),
        NOBODY,
    )
    finds = [[], as_finds([[0, 7, "NAME", "[NAME_1]"], [23, 29, "NAME", "[NAME_2]"]])]
    found = score(PiiSet("x", (case,), CORE, None), [finds])
    assert (found.core.recall, found.core.precision) == (1.0, 0.5)
    assert found.core.f2 == pytest.approx(5 * 0.5 / (4 * 0.5 + 1))
    assert (found.everything.recall, found.everything.typed_recall) == (0.5, 0.5)
    assert (found.by_type["PERSON"].recall, found.by_type["PLACE"].recall) == (1.0, 0.0)
    assert found.false_names == 1
    assert found.false_names_rate == pytest.approx(10_000 / 29)


def test_no_gold_and_no_finds_give_no_figures() -> None:
    case = PiiCase("1", ("", "nothing"), ("customer",), ((), ()), NOBODY)
    tally = score(PiiSet("x", (case,), CORE, None), [[[], []]]).core
    assert (tally.recall, tally.precision, tally.f2) == (None, None, None)


@pytest.mark.parametrize(
    ("placeholders", "persons_kept", "mentions_kept"),
    [
        (("[NAME_1]", "[NAME_1]", "[NAME_2]"), 2, 3),
        (("[NAME_1]", "[NAME_3]", "[NAME_2]"), 1, 2),  # the customer has two
        (("[NAME_1]", "[NAME_1]", "[NAME_1]"), 0, 0),  # customer and agent share one
    ],
)
def test_one_person_has_one_placeholder_of_its_own(
    placeholders: tuple[str, str, str], persons_kept: int, mentions_kept: int
) -> None:
    texts = ("", "Ann Lee", "Hi ann, Bo Lund")
    gold = ((), (Span(0, 7, "PERSON"),), (Span(3, 6, "PERSON"), Span(8, 15, "PERSON")))
    case = PiiCase("1", texts, ("customer", "agent"), gold, {"customer": "Ann Lee", "agent": "Bo Lund"})
    first, second, third = placeholders
    finds = [[], [_find(0, 7, by=first)], [_find(3, 6, by=second), _find(8, 15, by=third)]]
    total = Consistency()
    consistency(case, finds, total)
    assert total == Consistency(2, persons_kept, 3, mentions_kept)


def test_a_name_in_two_pieces_is_not_one_placeholder_and_a_missed_one_is_not_counted() -> None:
    case = PiiCase(
        "1",
        ("", "Ann Lee", "Ann Lee"),
        ("customer", "customer"),
        ((), (Span(0, 7, "PERSON"),), (Span(0, 7, "PERSON"),)),
        {"customer": "Ann Lee"},
    )
    total = Consistency()
    consistency(case, [[], [_find(0, 3), _find(4, 7, by="[NAME_2]")], []], total)
    assert total == Consistency(1, 0, 1, 0)


def test_a_first_name_that_both_persons_have_is_left_out() -> None:
    case = PiiCase(
        "1", ("", "Ann"), ("agent",), ((), (Span(0, 3, "PERSON"),)), {"customer": "Ann Lee", "agent": "Ann Lund"}
    )
    total = Consistency()
    consistency(case, [[], [_find(0, 3)]], total)
    assert total == Consistency()


@pytest.mark.parametrize("shape", SHAPES)
def test_made_up_texts_have_their_length_and_grow_from_the_same_start(shape: str) -> None:
    assert len(made_up(shape, 5_000)) == 5_000
    assert made_up(shape, 5_000) == made_up(shape, 9_000)[:5_000]
