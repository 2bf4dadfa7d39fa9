"""The optional answer for text that is no case: in the file, in the prompt, in the reading, and nowhere without it."""

from pathlib import Path
from typing import Any, Literal

import pytest

from local.bedrock.prompt_reader import category_names
from plumbline.contracts.errors import InvalidPrompt
from plumbline.contracts.prompts import Prompt
from plumbline.parse.reader import read_answer
from plumbline.prompting import load_prompt, system_text
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


@pytest.mark.parametrize(
    ("none", "said"),
    [
        ({"name": "apple", "description": "x"}, "none_of_these: 'apple' is the name of a category"),
        ({"name": "Pome", "description": "x"}, "is the name of a category"),
        ({"name": "none", "description": "x"}, "none_of_these.name: 'none' cannot stand in an answer"),
        ({"name": "a <b>", "description": "x"}, "none_of_these.name"),
        ({"name": "No fruit"}, "none_of_these.description: missing"),
        ({"name": "No fruit", "description": "x", "aliases": ["y"]}, "none_of_these.aliases: unknown key"),
    ],
)
def test_a_name_that_would_be_taken_for_another_answer_is_refused(
    tmp_path: Path, none: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidPrompt) as raised:
        loaded(tmp_path, none_of_these=none)
    assert said in str(raised.value)


@pytest.mark.parametrize(("task", "version"), SHIPPED_VERSIONS)
def test_a_published_version_without_it_keeps_its_meaning(task: str, version: str) -> None:
    prompt = load_prompt(SHIPPED, task, version).prompt
    if prompt.none_of_these is None:
        assert prompt.answers == prompt.categories
