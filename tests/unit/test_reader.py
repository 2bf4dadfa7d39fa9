"""The reader of model replies: strict first, known damage mended, never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.prompts import Category
from plumbline.parse.reader import Answer, read_answer

NAMES = ("Billing Inquiry", "Security Awareness", "Software Defect", "Customer Education")
CATEGORIES = tuple(
    Category(name=name, description="d", aliases=("Bug",) if name == "Software Defect" else ()) for name in NAMES
)


def read(text: str, *, truncated: bool = False) -> Answer:
    return read_answer(text, CATEGORIES, truncated=truncated)


def test_an_answer_in_the_form_asked_for_needs_no_repair() -> None:
    answer = read(
        "<reasoning>A &lt;wrong&gt; charge.</reasoning>\n<category>Billing Inquiry</category>\n"
        "<runner_up>none</runner_up>"
    )
    assert answer == Answer(category="Billing Inquiry", runner_up=None, reasoning="A <wrong> charge.", repairs=())


def test_a_runner_up_is_kept_unless_it_repeats_the_category() -> None:
    form = "<reasoning>r</reasoning><category>Billing Inquiry</category><runner_up>{}</runner_up>"
    assert read(form.format("Software Defect")).runner_up == "Software Defect"
    assert read(form.format("Billing Inquiry")).runner_up is None


@pytest.mark.parametrize(
    ("text", "category", "repairs"),
    [
        (
            "```xml\n<reasoning>r</reasoning><category>Billing Inquiry</category><runner_up>none</runner_up>\n```",
            "Billing Inquiry",
            {"fence"},
        ),
        (
            "&lt;reasoning&gt;r&lt;/reasoning&gt;&lt;category&gt;Billing Inquiry&lt;/category&gt;",
            "Billing Inquiry",
            {"entities"},
        ),
        ("<Reasoning>r</Reasoning><CATEGORY >Software Defect</ Category>", "Software Defect", {"tag_form"}),
        ('<reasoning>r</reasoning><category id="1">Software Defect</category>', "Software Defect", {"tag_form"}),
        ("<reasoning>r</reasoning><category>Software Defect\n", "Software Defect", {"unclosed"}),
        ("<reasoning>r<category>Software Defect</category>", "Software Defect", {"unclosed"}),
        ("<reasoning>r</reasoning>\nSoftware Defect</category>", "Software Defect", {"unclosed"}),
        ("<category>Software Defect</category><reasoning>r</reasoning>", "Software Defect", {"order"}),
        (
            "Sure! Here it is:\n<reasoning>r</reasoning><category>Software Defect</category> Hope it helps.",
            "Software Defect",
            {"stray_text"},
        ),
        ("<category>Software Defect</category>", "Software Defect", {"no_reasoning"}),
        ("The app crashed.\n**Category:** Software Defect", "Software Defect", {"untagged", "no_reasoning"}),
        ("<reasoning>r</reasoning><category> software  defect. </category>", "Software Defect", {"name_form"}),
        ("<reasoning>r</reasoning><category>5. Software Defect</category>", "Software Defect", {"name_form"}),
        ("<reasoning>r</reasoning><category>bug</category>", "Software Defect", {"alias"}),
        ("<reasoning>r</reasoning><category>Software Defct</category>", "Software Defect", {"near_match"}),
        (
            "<reasoning>r</reasoning><category>Software Defect</category><category>Software Defect</category>",
            "Software Defect",
            {"repeated"},
        ),
        (
            "<reasoning>r</reasoning><category>Software Defect</category><runner_up>the weather</runner_up>",
            "Software Defect",
            {"runner_up"},
        ),
    ],
)
def test_known_damage_is_mended_and_named(text: str, category: str, repairs: set[str]) -> None:
    answer = read(text)
    assert answer.category == category
    assert set(answer.repairs) == repairs


def test_a_reply_cut_off_after_its_category_counts() -> None:
    answer = read("<reasoning>r</reasoning><category>Billing Inquiry</category><runner", truncated=True)
    assert answer.category == "Billing Inquiry"
    assert "truncated" in answer.repairs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the reply is empty"),
        (" \n", "the reply is empty"),
        ("I cannot help with that.", "the reply names no category"),
        ("<reasoning>It is Software Defect.</reasoning>", "the reply names no category"),
        ("<category></category>", "the reply names no category"),
        ("<reasoning>r</reasoning><category>Weather</category>", "the category is not one of the list"),
        ("<category>Billing Inquiry or Software Defect</category>", "the category is not one of the list"),
        (
            "<reasoning>r</reasoning><category>Billing Inquiry</category><category>Software Defect</category>",
            "the reply names two categories",
        ),
        (
            "<reasoning>not <category>Billing Inquiry</category></reasoning><category>Software Defect</category>",
            "the reply names two categories",
        ),
    ],
)
def test_no_category_or_two_is_never_guessed(text: str, reason: str) -> None:
    with pytest.raises(UnparseableReply, match=reason):
        read(text)


def test_a_reply_cut_off_before_or_within_its_category_says_so() -> None:
    with pytest.raises(UnparseableReply, match="cut off before its category"):
        read("<reasoning>The customer was", truncated=True)
    categories = (*CATEGORIES, Category(name="Billing Inquiry Abroad", description="d"))
    with pytest.raises(UnparseableReply, match="cut off within its category"):
        read_answer("<reasoning>r</reasoning><category>Billing Inquiry", categories, truncated=True)


def test_the_reason_never_quotes_the_reply() -> None:
    with pytest.raises(UnparseableReply) as caught:
        read("<category>Mrs Smith's secret</category>")
    assert "Smith" not in str(caught.value)


@given(st.text(max_size=400), st.booleans())
def test_any_text_gives_a_category_of_the_list_or_an_error(text: str, truncated: bool) -> None:
    try:
        answer = read(text, truncated=truncated)
    except UnparseableReply:
        return
    assert answer.category in NAMES
    assert answer.runner_up in {None, *NAMES} - {answer.category}


_pieces = st.sampled_from(
    [
        f"<{slash}{tag}>"
        for slash in ("", "/")
        for tag in ("reasoning", "category", "runner_up", "Category ", "RUNNER-UP")
    ]
    + [*NAMES, "bug", "none", "Weather", "\n", " ", "```", "&lt;category&gt;", "Category: "]
)


@given(st.lists(_pieces, max_size=14), st.booleans())
def test_scrambled_answers_never_name_a_category_that_no_tag_or_line_holds(pieces: list[str], truncated: bool) -> None:
    text = "".join(pieces)
    try:
        answer = read(text, truncated=truncated)
    except UnparseableReply:
        return
    spoken = answer.category in text or (answer.category == "Software Defect" and "bug" in text)
    assert spoken
