"""Commands as they are shown: each can be pasted and means the stack that said it."""

from pathlib import Path

import pytest

from cli.paths import plumbline


def test_a_command_names_the_home_of_its_own_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plumbline("down") == "plumbline down"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMBLINE_HOME", ".plumbline/demo")
    assert plumbline("down") == "PLUMBLINE_HOME=.plumbline/demo plumbline down"
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "a demo"))
    assert plumbline("status run-1") == "PLUMBLINE_HOME='a demo' plumbline status run-1"
