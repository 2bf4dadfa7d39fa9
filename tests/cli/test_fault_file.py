"""`plumbline up --faults FILE`."""

import os
from pathlib import Path

import pytest

from cli import fault_file, local_stack
from cli.errors import UsageProblem
from local.bedrock import BedrockStandIn
from local.info import LocalInfo


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    path = tmp_path / "faults.json"
    path.write_text('{"seed": 3, "rules": [{"do": "fault", "share": 0.3, "each_call": true}]}')
    return path


@pytest.fixture(autouse=True)
def variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_FAULTS", "")


def test_the_stack_that_is_started_next_reads_the_file(faults: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    fault_file.use(faults)
    assert os.environ["PLUMBLINE_FAULTS"] == str(faults)


def test_the_stack_that_runs_follows_it_at_once(faults: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with BedrockStandIn("scripted") as stand_in:
        note = LocalInfo(endpoint="", bedrock_endpoint=stand_in.endpoint, stack_name="s", region="r", pid=1)
        monkeypatch.setattr(local_stack, "running", lambda: note)
        fault_file.use(faults)
        assert (stand_in.faults.faults.seed, stand_in.faults.faults.rules[0].share) == (3, 0.3)
    assert os.environ["PLUMBLINE_FAULTS"] == ""
    with pytest.raises(UsageProblem, match="takes no faults"):
        fault_file.use(faults)


@pytest.mark.parametrize("content", [None, "no JSON", '{"rules": [{"do": "dance"}]}'])
def test_a_file_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "faults.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageProblem, match="The file of faults"):
        fault_file.use(path)
