"""The optional answer for text that is no case: in the file, in the prompt, in the reading, and nowhere without it."""

from pathlib import Path
from typing import Any, Literal

import pytest

from local.bedrock.prompt_reader import category_names
from plumbline.contracts.errors import InvalidPrompt, UnparseableReply
from plumbline.contracts.prompts import NoneOfThese, Prompt
from plumbline.ingest import settings_for
from plumbline.parse.reader import read_answer
from plumbline.prompting import load_prompt, system_text
from plumbline.settings import IngestFunctionSettings
from tests import builders as b
from tests.prompt_files import SHIPPED, SHIPPED_VERSIONS, a_file, write

NONE = {"name": "No fruit", "description": "Nothing that grows."}


def loaded(folder: Path, **changes: Any) -> Prompt:
    write(folder, a_file(none_of_these=NONE) | changes)
    return load_prompt(folder, "fruit", "v1").prompt


@pytest.mark.parametrize("style", ["plain", "xml"])
def test_it_is_listed_after_the_categories_and_is_none_of_them(tmp_path: Path, style: Literal["plain", "xml"]) -> None:
    prompt = loaded(tmp_path, style=style)
    assert prompt.category_names == ("Apple", "Pear")
    text = system_text(prompt)
    assert category_names(text) == ("Apple", "Pear", "No fruit")
    assert text.index("Not round.") < text.index("Nothing that grows.")
    assert text.endswith("- Apple\n- Pear\n- No fruit")


def test_it_is_read_as_an_answer_where_the_prompt_has_it(tmp_path: Path) -> None:
    prompt = loaded(tmp_path)
    answer = read_answer(
        "<reasoning>a</reasoning><category>no fruit</category><runner_up>Pear</runner_up>", prompt.answers
    )
    assert (answer.category, answer.runner_up) == ("No fruit", "Pear")


def test_ingest_knows_it_as_a_gold_label_where_the_prompt_has_it() -> None:
    settings = IngestFunctionSettings(raw_bucket="raw", data_bucket="data", ledger_table="t", prompts_dir=SHIPPED)
    for version, known in (("v3", False), ("v4", True)):
        categories = settings_for(b.run(prompt_version=version), settings).categories
        assert categories is not None
        assert ("None of these" in categories) is known


@pytest.mark.parametrize(
    ("none", "said"),
    [
        ({"name": "apple", "description": "x"}, "none_of_these: 'apple' is the name or an alias of a category"),
        ({"name": "Pome", "description": "x"}, "is the name or an alias of a category"),
        ({"name": "none", "description": "x"}, "none_of_these.name: 'none' cannot stand in an answer"),
        ({"name": "a <b>", "description": "x"}, "none_of_these.name"),
        ({"name": "No fruit"}, "none_of_these.description: missing"),
        (
            {"name": "No fruit", "description": "x", "aliases": ["none", "pear."]},
            "'pear.' is the name or an alias of a",
        ),
        ({"name": "No fruit", "description": "x", "output": "y"}, "none_of_these.output: unknown key"),
    ],
)
def test_a_name_that_would_be_taken_for_another_answer_is_refused(
    tmp_path: Path, none: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidPrompt) as raised:
        loaded(tmp_path, none_of_these=none)
    assert said in str(raised.value)


V4 = load_prompt(SHIPPED, "root_cause", "v4").prompt


@pytest.mark.parametrize(
    "said",
    ["none", "None.", "N/A", "Other", "fits no category", "Fits no category: it is an advertisement", "not a case"],
)
def test_its_aliases_are_read_as_it_and_shown_to_no_model(said: str) -> None:
    """They are no categories: without them in the file, such a reply is asked for again."""
    reply = f"<reasoning>An advertisement.</reasoning><category>{said}</category><runner_up>none</runner_up>"
    answer = read_answer(reply, V4.answers)
    assert (answer.category, answer.runner_up) == ("None of these", None)
    assert set(answer.repairs) & {"alias", "explained"}
    silent = V4.model_copy(update={"none_of_these": NoneOfThese(name="None of these", description="x")})
    with pytest.raises(UnparseableReply):
        read_answer(reply, silent.answers)
    assert "fits no category" not in system_text(V4)


@pytest.mark.parametrize("rest", ["none of the others fits", "no other category is near", "n/a for the rest"])
def test_words_of_an_explanation_that_happen_to_be_aliases_name_nothing(rest: str) -> None:
    reply = f"<reasoning>A refund.</reasoning><category>Billing Inquiry: {rest}</category>"
    assert read_answer(reply, V4.answers).category == "Billing Inquiry"


def test_an_alias_and_a_category_are_two_answers() -> None:
    with pytest.raises(UnparseableReply, match="two categories"):
        read_answer("<category>Billing Inquiry</category><category>Other</category>", V4.answers)


def test_v4_is_v3_with_the_answer_and_no_order_to_choose_a_category_for_every_text() -> None:
    v3 = load_prompt(SHIPPED, "root_cause", "v3").prompt
    assert V4.none_of_these is not None
    assert "Choose a category for every case, also" not in V4.instructions
    assert V4.instructions.endswith(f"A text that is no case of a customer at all is {V4.none_of_these.name}.")
    same = V4.model_copy(
        update={field: getattr(v3, field) for field in ("version", "summary", "none_of_these", "instructions")}
    )
    assert same == v3
    assert V4.instructions.startswith(v3.instructions.partition("Choose a category for every case")[0])


@pytest.mark.parametrize(("task", "version"), SHIPPED_VERSIONS)
def test_a_published_version_without_it_keeps_its_meaning(task: str, version: str) -> None:
    prompt = load_prompt(SHIPPED, task, version).prompt
    if prompt.none_of_these is None:
        assert prompt.answers == prompt.categories
