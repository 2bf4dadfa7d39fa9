"""What is refused before anything is uploaded, and in which words."""

import re
from pathlib import Path

import pytest

from cli.errors import UsageProblem
from cli.paths import plumbline
from cli.precheck import check_export, check_mapping, check_prompt


@pytest.mark.parametrize(
    ("begin", "what"),
    [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"PK\x03\x04....", "Excel workbook"), (b"%PDF-1.7", "PDF")],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, begin: bytes, what: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(begin)
    with pytest.raises(UsageProblem, match=what) as refused:
        check_export(path)
    assert "--map" not in refused.value.hint


@pytest.mark.parametrize("begin", [b"\x1f\x8b\x08", b"id,text\n", b"{", b"[", b"\xef\xbb\xbfid", b"P"])
def test_what_may_be_an_export_goes_on(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "cases"
    path.write_bytes(begin)
    check_export(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case_id: id\ntext: body\nfoo: bar\n", "unknown key foo"),
        ("text: body\n", "case_id is missing"),
        ("case_id: id\n", "one of subject, text or messages is needed"),
        ("just words", "expected a mapping of field names"),
    ],
)
def test_a_broken_mapping_is_said_with_the_users_own_path(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=rf"apping file {re.escape(str(path))}: {said}"):
        check_mapping(path)


def test_a_folder_as_mapping_has_a_message_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"^--map .* is a folder"):
        check_mapping(tmp_path)


def test_a_prompt_that_is_there_passes_and_a_close_one_is_offered() -> None:
    check_prompt("root_cause", "v3")
    with pytest.raises(UsageProblem, match="no version '3'") as refused:
        check_prompt("root_cause", "3")
    assert "Did you mean v3?" in refused.value.hint


def test_hints_name_the_script_where_path_does_not_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / ".venv" / "bin" / "plumbline"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script), "run"])
    monkeypatch.setenv("PATH", "")
    assert plumbline("down") == ".venv/bin/plumbline down"
    monkeypatch.setenv("PATH", str(script.parent))
    assert plumbline("down") == "plumbline down"
