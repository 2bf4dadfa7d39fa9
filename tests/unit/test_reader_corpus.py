"""The reader against the corpus of damaged replies, and what holds for every text whatever."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.bedrock.prompt_reader import answer_text
from plumbline.contracts.errors import UnparseableReply
from plumbline.parse import names, reader
from plumbline.parse.reader import Answer, read_answer
from plumbline.report.names import repair_name
from tests.corpus import NONE, UNPARSEABLE, DamagedReply, Family, answers, families, prompt

CATEGORIES = prompt(none_of_these=True).answers
NAMES = [category.name for category in CATEGORIES]
FORMAT = prompt().output_format
REPAIRS = set(re.findall(r"^([a-z_]+) {2,}", reader.__doc__ or "", re.MULTILINE))
EACH = [
    pytest.param(family, reply, id=f"{family.name}-{number}")
    for family in families()
    for number, reply in enumerate(family.replies, start=1)
]
# Texts of the corpus's own pieces: tags, names, fences and words in every disorder.
REPLIES = [reply for family in families() for reply in family.replies]
PIECES = sorted({piece for reply in REPLIES for piece in re.split(r"(<[^<>]*>|\n)", reply.text)})


def read(text: str, *, truncated: bool = False) -> Answer | None:
    """The answer, or None where there is none. Anything else that is raised fails the test."""
    try:
        return read_answer(text, CATEGORIES, truncated=truncated, output_format=FORMAT)
    except UnparseableReply:
        return None


@pytest.mark.parametrize(("family", "reply"), EACH)
def test_a_damaged_reply_is_read_as_a_careful_person_would(family: Family, reply: DamagedReply) -> None:
    try:
        answer = read_answer(reply.text, answers(family), truncated=reply.truncated, output_format=FORMAT)
    except UnparseableReply:
        assert reply.category == UNPARSEABLE
        return
    assert answer.category == reply.category
    if reply.runner_up is not None:
        assert (answer.runner_up or "none") == reply.runner_up
    assert set(answer.repairs) <= REPAIRS


def test_the_corpus_is_as_large_as_promised_and_its_answers_are_categories() -> None:
    assert len(EACH) >= 300
    assert len({reply.text + str(reply.truncated) for family in families() for reply in family.replies}) >= 300
    for family in families():
        assert family.replies, family.name
        allowed = {category.name for category in answers(family)} | {UNPARSEABLE}
        assert {reply.category for reply in family.replies} <= allowed, family.name
        assert {reply.runner_up for reply in family.replies} <= allowed | {None, "none"}, family.name


def test_the_report_has_words_for_every_mend() -> None:
    assert len(REPAIRS) > 15
    assert [mend for mend in REPAIRS if repair_name(mend) == mend] == []


def holds(answer: Answer | None) -> None:
    if answer:
        assert answer.category in NAMES
        assert answer.runner_up in {None, *NAMES} - {answer.category}
        assert set(answer.repairs) <= REPAIRS


@given(st.text(st.characters(), max_size=300), st.booleans())
def test_any_text_at_all_gives_a_category_of_the_list_or_none(text: str, truncated: bool) -> None:
    holds(read(text, truncated=truncated))


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(), max_size=5)), max_size=25), st.booleans())
def test_so_do_the_pieces_of_damaged_replies_in_any_disorder(pieces: list[str], truncated: bool) -> None:
    holds(read("".join(pieces), truncated=truncated))


def test_no_entity_makes_the_reader_fail() -> None:
    for entity in (f"&#{'9' * 5000};", "&#xD800;", "&#x110000;", "&#0;", "&#" + "0" * 9000):
        for damage in ("", "```"):
            text = (
                f"{damage}<reasoning>a {entity}</reasoning><category>Bug {entity}</category><runner_up>none</runner_up>"
            )
            holds(read(text))
        clean = f"<reasoning>a {entity}</reasoning><category>Software Defect</category><runner_up>none</runner_up>"
        assert read(clean) is not None
    surrogate = read("Category: Software Defect\n" + 'Reasoning: \ud800 {"reasoning": "\\ud800"}')
    assert surrogate is not None
    assert surrogate.category == "Software Defect"


@given(st.sampled_from(NAMES), st.sampled_from([*NAMES, None]), st.text(st.characters(codec="utf-8"), max_size=200))
def test_an_answer_as_asked_for_comes_back_as_it_was_said(category: str, runner_up: str | None, reasoning: str) -> None:
    answer = read(answer_text(reasoning, category, runner_up))
    assert answer == Answer(
        category=category,
        runner_up=None if runner_up == category else runner_up,
        reasoning=reasoning.strip(),
        repairs=(),
    )


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs")), max_size=80)


@given(st.sampled_from(REPLIES), st.sampled_from(["", "Sure!\n", "```xml\n"]))
def test_what_was_mended_stays_as_it_is_when_it_is_written_out_and_read_again(reply: DamagedReply, before: str) -> None:
    once = read(before + reply.text, truncated=reply.truncated)
    if once:
        again = read(answer_text(once.reasoning, once.category, once.runner_up))
        assert again == once.model_copy(update={"repairs": ()})


@given(words, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_two_different_categories_are_never_one(reasoning: str, one: str, other: str) -> None:
    for text in (
        f"<reasoning>{reasoning}</reasoning><category>{one}</category><category>{other}</category>",
        f"<reasoning>{reasoning}</reasoning><category>{one}\n{other}</category>",
        f"<reasoning>{reasoning} <category>{one}</category></reasoning><category>{other}</category>",
        f"Category: {one}\nCategory: {other}",
        f"<category>{one}</category>\nCategory: {other}",
    ):
        answer = read(text)
        assert answer is None if one != other else answer is None or answer.category == one


@given(words, st.sampled_from(NAMES), st.booleans())
def test_a_category_only_in_the_reasoning_is_no_answer(reasoning: str, name: str, truncated: bool) -> None:
    for quoted in (
        name,
        f"Category: {name}",
        f"<category>{name}</category>",
        f"&lt;category&gt;{name}&lt;/category&gt;",
        f'{{"category": "{name}"}}',
        f"<reasoning>ok</reasoning><category>{name}</category><runner_up>none</runner_up>",
    ):
        assert read(f"<reasoning>{reasoning} {quoted} is what it said.</reasoning>", truncated=truncated) is None
        assert read(f"<reasoning>{reasoning}\n{quoted}\n</reasoning>", truncated=truncated) is None
        assert read(f"<reasoning>{reasoning} {quoted}", truncated=True) is None


@given(st.sampled_from(NAMES), st.data())
def test_a_cut_reply_gives_the_whole_replys_category_or_none(name: str, data: st.DataObject) -> None:
    whole = answer_text("It was as the customer said.", name, "Customer Education")
    cut = data.draw(st.integers(0, len(whole)))
    answer = read(whole[:cut], truncated=True)
    assert answer is None or answer.category == name
    assert (answer is not None) or cut < whole.index("</category>")


def test_the_names_of_a_task_are_never_a_misspelling_of_each_other() -> None:
    assert NONE.name in NAMES
    for name in NAMES:
        others = [category for category in CATEGORIES if category.name != name]
        assert names.resolve(name, others) == (None, "")


HOSTILE = (
    "<",
    " ",
    "\n",
    "< ",
    "&lt; ",
    "`",
    "category: " + "." * 50,
    "*_",
    "<category",
    "<category>",
    "<reasoning>",
    "<case>\n",
    "<category>Bug</category>",
    '{"category": \'',
    '{"category":"\\',
    "[category]",
    "&#9",
    "&amp;",
    "Category: Bug\n",
    "</reasoning>",
    "\\u003c",
)


@pytest.mark.parametrize("first", ["", "<", "<category>", '{"category": "'])
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_reply_does_not_take_for_ever(first: str, piece: str) -> None:
    # Nothing is timed: where work grows with the square of the length, these would take hours, not a moment.
    holds(read(first + piece * (60_000 // len(piece)) + "x"))
