"""`make demo`, with a command in plumbline's place: what it says at its end can be pasted, for the demo's stack."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.paths import ROOT

_COMMAND = """#!/bin/sh
echo "$PLUMBLINE_HOME $*" >> {log}
[ "$1" != {fails} ]
"""


class Demo:
    """A folder of its own for the stand-in command, the demo's home and what the command was called with."""

    def __init__(self, folder: Path, fails: str) -> None:
        self.bin, self.home, self.log = folder / "bin", folder / "demo", folder / "called"
        for made in ("runs/run-1/report.html", "models/m-1/model_card.json"):
            (self.home / made).parent.mkdir(parents=True)
            (self.home / made).touch()
        self.bin.mkdir()
        command = self.bin / "plumbline"
        command.write_text(_COMMAND.format(log=shlex.quote(str(self.log)), fails=fails or "nothing"))
        command.chmod(0o755)

    def run(self) -> "subprocess.CompletedProcess[str]":
        make = str(shutil.which("make"))
        words = [make, "-o", "setup", "-o", "training-env", "demo", f"BIN={self.bin}", f"DEMO_HOME={self.home}"]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    def called(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        self.log.unlink()
        return lines


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    for name in [name for name in os.environ if name.startswith("MAKE") or name == "MFLAGS"]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("fails", "code", "shown"),
    [
        ("", 0, ["up --detach", "predict --text Our card was charged twice.", "predict-batch samples/cases.jsonl",
                 "models list", "down"]),
        ("train", 2, ["up --detach", "status", "down"]),
    ],
)  # fmt: skip
def test_the_demo_ends_with_commands_for_its_own_stack(tmp_path: Path, fails: str, code: int, shown: list[str]) -> None:
    demo = Demo(tmp_path, fails)
    ended = demo.run()
    assert ended.returncode == code, ended.stderr
    before = demo.called()
    assert all(line.startswith(f"{demo.home} ") for line in before)
    assert before[-1] == f"{demo.home} down"
    pasted = [line for line in ended.stdout.splitlines() if "PLUMBLINE_HOME=" in line]
    assert len(pasted) == len(shown)
    for line in pasted:
        subprocess.run(["/bin/sh", "-c", line], cwd=ROOT, check=True)
    assert demo.called() == [f"{demo.home} {words}" for words in shown]
