"""Prompt files: strict reading, the lock of published versions, and what the shipped ones hold."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from plumbline.contracts.errors import InvalidPrompt
from plumbline.evaluate.judge_prompt import judge_versions
from plumbline.prompt_lock import append_to_lock, read_lock
from plumbline.prompting import ANSWER_FORMAT, JUDGES, load_prompt, publish_prompt, system_text, versions
from tests.prompt_files import SHIPPED, SHIPPED_VERSIONS, SIX, a_file, write

# ------------------------------------------------------------------------------------------------------ prompt files


def test_a_valid_file_loads_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, a_file())
    loaded = load_prompt(tmp_path, "fruit", "v1")
    assert loaded.ref.model_dump() == {
        "task": "fruit",
        "version": "v1",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert loaded.prompt.category_names == ("Apple", "Pear")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"instructions": None}, "instructions: missing"),
        ({"instructions": "  \n "}, "instructions: String should have at least 1 character"),
        ({"persona": 5}, "persona: Input should be a valid string; put the value in quotes"),
        ({"persona": ["x"]}, "persona: Input should be a valid string."),
        (
            {"categories": [{"name": 1.0, "description": "x"}, {"name": "B", "description": "x"}]},
            "categories[0].name: Input should be a valid string; put the value in quotes",
        ),
        ({"model": {"max_tokens": "100"}}, "model.max_tokens: Input should be a valid integer"),
        ({"model": {"max_tokens": 100, "temperature": True}}, "model.temperature: Input should be a valid number"),
        ({"model": {"max_tokens": 100, "top_p": 1}}, "model.top_p: unknown key"),
        ({"model": 100}, "model: expected a mapping of fields"),
        ({"style": "fancy"}, "style: Input should be 'plain' or 'xml'"),
        ({"categories": [{"name": "Apple", "description": "x"}]}, "categories: "),
        ({"categories": "Apple"}, "categories: Input should be a valid tuple"),
        ({"categories": [{"name": "Apple", "description": "x"}, {"name": "Pear"}]}, "categories[1].description: miss"),
        ({"categories": [{"name": "A", "description": "x"}, {"name": "a", "description": "x"}]}, "'a' is used twice"),
        ({"good_examples": [{"case": "x", "category": "Plum", "reasoning": "x"}]}, "good_examples[0]: 'Plum' is not"),
        ({"task": "vegetable"}, "task: the file says 'vegetable', its path says 'fruit'"),
        ({"version": "v2"}, "version: the file says 'v2', its path says 'v1'"),
        ({"version": 1}, "version: Input should be a valid string"),
    ],
)
def test_a_malformed_field_is_named_with_its_file(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    write(tmp_path, a_file(**changes))
    with pytest.raises(InvalidPrompt) as error:
        load_prompt(tmp_path, "fruit", "v1")
    assert "fruit/v1.yaml" in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize("name", ["none", "None", "A<b", "two\nlines", "tag>"])
def test_a_category_name_that_no_answer_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    names = [{"name": "Apple", "description": "x"}, {"name": name, "description": "x"}]
    write(tmp_path, a_file(categories=names, good_examples=[], bad_examples=[]))
    with pytest.raises(InvalidPrompt, match=r"categories\[1\]\.name"):
        load_prompt(tmp_path, "fruit", "v1")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("task: fruit\nversion: v1\n  style: xml\n", "line 3: not YAML"),
        ("task: fruit\nversion: v1\ntask: fruit\n", "line 3: the key 'task' is used twice"),
        ("model:\n  max_tokens: 1\n  max_tokens: 2\n", "line 3: the key 'max_tokens' is used twice"),
        ("- a\n- name: x\n  name: y\n", "line 3: the key 'name' is used twice"),
        ("task: !!python/object/apply:os.getcwd []\n", "line 1: not YAML"),
        ("summary: 2024-13-45\n", "month must be in 1..12"),
        (b"task: fruit\nsummary: caf\xe9\n", "line 2: not UTF-8"),
        ("task: a\x00b\n", "not YAML"),
        ("", "expected a mapping of fields"),
        ("just text", "expected a mapping of fields"),
        ("a: b\n---\nc: d\n", "line 2: not YAML"),
    ],
)
def test_a_file_that_is_not_strict_yaml_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, complaint: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(InvalidPrompt) as error:
        load_prompt(tmp_path, "fruit", "v1")
    assert str(error.value).startswith("prompts/fruit/v1.yaml: ")
    assert complaint in str(error.value)


def test_many_errors_are_counted_not_all_printed(tmp_path: Path) -> None:
    write(tmp_path, a_file(**{f"extra_{number}": 1 for number in range(9)}))
    with pytest.raises(InvalidPrompt, match=r"unknown key.*\(and 4 more\)"):
        load_prompt(tmp_path, "fruit", "v1")


def test_an_unknown_task_or_version_is_told_what_there_is(tmp_path: Path) -> None:
    for version in ("v10", "v2"):
        write(tmp_path, a_file(version=version), f"fruit/{version}.yaml")
    with pytest.raises(InvalidPrompt, match="Tasks: fruit"):
        load_prompt(tmp_path, "vegetable", "v1")
    with pytest.raises(InvalidPrompt, match="Versions: v2, v10"):
        load_prompt(tmp_path, "fruit", "v1")


@pytest.mark.parametrize(("task", "version"), [("../fruit", "v1"), ("fruit", "../v1"), ("fruit", "v1.yaml"), ("", "")])
def test_a_task_or_version_cannot_lead_out_of_the_folder(tmp_path: Path, task: str, version: str) -> None:
    write(tmp_path, a_file())
    (tmp_path / "inside").mkdir()
    with pytest.raises(InvalidPrompt, match="There is no"):
        load_prompt(tmp_path / "inside", task, version)
    with pytest.raises(InvalidPrompt, match="There is no"):
        load_prompt(tmp_path, task, version)


# ---------------------------------------------------------------------------------------------------------- the lock


def test_publishing_appends_once_and_a_published_file_cannot_change(tmp_path: Path) -> None:
    path = write(tmp_path, a_file())
    assert load_prompt(tmp_path, "fruit", "v1")  # unpublished, and it loads
    assert publish_prompt(tmp_path, "fruit", "v1") is True
    assert publish_prompt(tmp_path, "fruit", "v1") is False
    lock = (tmp_path / "prompts.lock").read_text()
    assert lock == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  fruit/v1.yaml\n"

    write(tmp_path, a_file(summary="changed"))
    for action in (load_prompt, publish_prompt):
        with pytest.raises(InvalidPrompt, match="Published versions never change: copy it to the next version"):
            action(tmp_path, "fruit", "v1")
    assert (tmp_path / "prompts.lock").read_text() == lock

    write(tmp_path, a_file(summary="changed", version="v2"), "fruit/v2.yaml")
    assert publish_prompt(tmp_path, "fruit", "v2") is True
    assert (tmp_path / "prompts.lock").read_text().startswith(lock)
    assert list(read_lock(tmp_path)) == ["fruit/v1.yaml", "fruit/v2.yaml"]


def test_an_invalid_file_cannot_be_published(tmp_path: Path) -> None:
    write(tmp_path, a_file(instructions=None))
    with pytest.raises(InvalidPrompt, match="instructions: missing"):
        publish_prompt(tmp_path, "fruit", "v1")
    assert not (tmp_path / "prompts.lock").exists()


def test_a_lock_without_a_last_newline_is_not_corrupted(tmp_path: Path) -> None:
    (tmp_path / "prompts.lock").write_text(f"{'a' * 64}  fruit/v1.yaml")
    assert append_to_lock(tmp_path, "fruit/v2.yaml", "b" * 64)
    assert read_lock(tmp_path) == {"fruit/v1.yaml": "a" * 64, "fruit/v2.yaml": "b" * 64}
    with pytest.raises(InvalidPrompt, match="never change"):
        append_to_lock(tmp_path, "fruit/v1.yaml", "c" * 64)


@pytest.mark.parametrize(
    ("lock", "complaint"),
    [
        ("nonsense\n", "line 1: expected"),
        (f"{'a' * 64}  fruit/v1.yaml\n{'b' * 64}  fruit/v1.yaml\n", "line 2: fruit/v1.yaml is listed twice"),
        (f"{'a' * 64}  ../fruit/v1.yaml\n", "line 1: expected"),
    ],
)
def test_a_damaged_lock_is_an_error(tmp_path: Path, lock: str, complaint: str) -> None:
    write(tmp_path, a_file())
    (tmp_path / "prompts.lock").write_text(lock)
    with pytest.raises(InvalidPrompt, match=complaint):
        load_prompt(tmp_path, "fruit", "v1")


def test_every_shipped_version_is_published_and_unchanged() -> None:
    on_disk = {
        path.relative_to(SHIPPED).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SHIPPED.glob("*/*.yaml")
    }
    assert read_lock(SHIPPED) == on_disk
    tasks_and_judges = [*SHIPPED_VERSIONS, *((JUDGES, version) for version in judge_versions(SHIPPED))]
    assert {f"{task}/{version}.yaml" for task, version in tasks_and_judges} == set(on_disk)


# Labels and models point at these by hash: neither a file nor its line may change, not even both together.
FOREVER = {
    "npm_issue/v1.yaml": "6294d82366422795436d662041efd676af91c77a61532dde5c4b6336fe89c272",
    "root_cause/v1.yaml": "33cdae034ad511580a32099f4df54d6feb67c1b879634678109ddb5e986d7576",
    "root_cause/v2.yaml": "4a66cfdaf195d70868bf2441616aeaf44e1ecb8d3fe5d46d385c6b06f242fe43",
    "root_cause/v3.yaml": "928c66e9d4a667f8cafcdde67fccf5f5d81fdbe4bb677d0143fdc4522d8d291a",
    "root_cause/v4.yaml": "f2cdb7068fe5108344dddd9f1f66f42afd223a6bbd93148da146ddb42ae482a6",
}


def test_what_was_published_once_stays_as_it_is() -> None:
    published = read_lock(SHIPPED)
    assert {name: published.get(name) for name in FOREVER} == FOREVER


# ------------------------------------------------------------------------------------------------ the shipped prompts


@pytest.mark.parametrize(("task", "version"), SHIPPED_VERSIONS)
def test_a_shipped_prompt_has_an_example_for_every_category(task: str, version: str) -> None:
    prompt = load_prompt(SHIPPED, task, version).prompt
    assert tuple(example.category for example in prompt.good_examples) == prompt.category_names
    assert all(category.output and category.aliases for category in prompt.categories)
    assert all(tag in prompt.output_format for tag in re.findall(r"</?\w+>", ANSWER_FORMAT))
    assert (prompt.model.max_tokens, prompt.model.temperature) == (400, 0.0)


def test_root_cause_comes_in_versions_of_the_same_six_categories_in_order() -> None:
    assert versions(SHIPPED, "root_cause") == ("v1", "v2", "v3", "v4")
    v1, v2, v3 = (load_prompt(SHIPPED, "root_cause", version).prompt for version in ("v1", "v2", "v3"))
    assert v1.category_names == v2.category_names == v3.category_names == SIX
    assert (v1.style, v2.style, v3.style) == ("plain", "xml", "xml")
    assert (v2.persona, v2.background, v2.categories) == (v3.persona, v3.background, v3.categories)
    assert v3.bad_examples[: len(v2.bad_examples)] == v2.bad_examples
    added = {(example.wrong_category, example.category) for example in v3.bad_examples[len(v2.bad_examples) :]}
    assert {
        ("Software Defect", "Customer Education"),
        ("Customer Education", "Billing Inquiry"),
        ("Customer Education", "Security Awareness"),
    } <= added


def test_nothing_is_tied_to_six_names() -> None:
    prompt = load_prompt(SHIPPED, "npm_issue", "v1").prompt
    assert prompt.category_names == ("Extrinsic", "Intrinsic", "Not a Bug", "Unknown")
    assert not [name for name in SIX if name in system_text(prompt)]
