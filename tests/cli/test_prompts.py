"""Listing, checking and publishing prompt files of a folder of one's own."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from cli import prompts
from cli.errors import CliError, UsageProblem
from cli.paths import prompts_dir


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published v1, a draft v2 and a broken v3 of one task."""
    shutil.copytree(prompts_dir() / "npm_issue", tmp_path / "prompts" / "npm_issue")
    text = (tmp_path / "prompts" / "npm_issue" / "v1.yaml").read_text(encoding="utf-8")
    (tmp_path / "prompts" / "npm_issue" / "v2.yaml").write_text(text.replace("version: v1", "version: v2"), "utf-8")
    broken = text.replace("version: v1", "version: v3").replace("instructions:", "instrucions:")
    (tmp_path / "prompts" / "npm_issue" / "v3.yaml").write_text(broken, "utf-8")
    prompts.publish(tmp_path / "prompts", "npm_issue", "v1", Console(quiet=True))
    return tmp_path / "prompts"


def test_the_list_tells_published_draft_and_broken_apart(folder: Path) -> None:
    console = Console(width=200, record=True)
    assert prompts.list_prompts(folder, console) == 1
    lines = [line.split() for line in console.export_text().splitlines() if "npm_issue" in line]
    assert [(line[1], line[2]) for line in lines] == [("v1", "published"), ("v2", "draft"), ("v3", "broken")]


def test_a_broken_file_is_named_with_its_field(folder: Path, console: Console) -> None:
    assert prompts.check_prompts(folder, str(folder / "npm_issue" / "v3.yaml"), console) == 1
    assert "instrucions: unknown key" in " ".join(console.export_text().split())


def test_a_whole_task_is_checked_and_one_broken_version_fails_it(folder: Path, console: Console) -> None:
    assert prompts.check_prompts(folder, "npm_issue", console) == 1
    text = console.export_text()
    assert text.count("✓") == 2
    assert text.count("✗") == 1
    assert prompts.check_prompts(folder, "npm_issue/v2", console) == 0


def test_what_is_no_prompt_file_is_said(folder: Path, tmp_path: Path, console: Console) -> None:
    (tmp_path / "notes.yaml").write_text("a: 1")
    with pytest.raises(UsageProblem, match=r"notes\.yaml is no prompt version"):
        prompts.check_prompts(folder, str(tmp_path / "notes.yaml"), console)
    with pytest.raises(UsageProblem, match="There is no file"):
        prompts.check_prompts(folder, "absent/v1.yaml", console)


def test_publishing_locks_once_and_refuses_a_change(folder: Path, console: Console) -> None:
    assert prompts.publish(folder, "npm_issue", "v2", console) == 0
    assert prompts.publish(folder, "npm_issue", "v2", console) == 0
    text = " ".join(console.export_text().split())
    assert "Published npm_issue/v2" in text
    assert "was published before and has not changed" in text
    path = folder / "npm_issue" / "v2.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", "utf-8")
    with pytest.raises(CliError, match="differs from what"):
        prompts.publish(folder, "npm_issue", "v2", console)
