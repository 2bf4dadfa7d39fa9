"""The packed training code: what is in it, that it is the same each time, that it runs, that it is uploaded once."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from plumbline import keys, training_code
from plumbline.contracts.errors import InvalidSettings
from plumbline.training_code import pack, put_training_code
from tests.fakes import MemoryStore

PACKAGE = Path(training_code.__file__).parent


@pytest.fixture
def training(tmp_path: Path) -> Path:
    folder = tmp_path / "opt"
    for name in ("train.py", "export.py", "requirements.txt", "notes.md", "secret.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"# {name}\n")
    # On AWS the folder is /opt, where the other layers lie as well.
    (folder / "python" / "pydantic").mkdir(parents=True)
    (folder / "python" / "pydantic" / "main.py").write_text("")
    return folder


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return tar.getnames()


def test_it_holds_training_this_package_and_the_requirements_and_nothing_else(training: Path) -> None:
    archive = names(pack(training))
    mine = [name for name in archive if not name.startswith("plumbline/")]
    assert mine == ["requirements.txt", "training/export.py", "training/requirements.txt", "training/train.py"]
    package = {name.removeprefix("plumbline/") for name in archive if name.startswith("plumbline/")}
    assert {"__init__.py", "contracts/models.py", "predict/classifier.py", "prices.json"} <= package
    assert {Path(name).suffix for name in package} == {".py", ".json"}
    assert all((PACKAGE / name).is_file() for name in package)


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(training: Path) -> None:
    first = pack(training)
    for path in training.iterdir():
        os.utime(path, (1, 1))
    (training / "train.py").chmod(0o755)
    assert pack(training) == first
    (training / "train.py").write_text("# changed\n")
    assert pack(training) != first


def test_what_is_packed_imports_from_where_it_is_unpacked(training: Path, tmp_path: Path) -> None:
    (training / "train.py").write_text("import plumbline.prices, plumbline; print(plumbline.__file__)")
    with tarfile.open(fileobj=io.BytesIO(pack(training)), mode="r:gz") as tar:
        tar.extractall(tmp_path / "code", filter="data")
    done = subprocess.run(
        [sys.executable, "training/train.py"],
        cwd=tmp_path / "code",
        env={"PYTHONPATH": str(tmp_path / "code"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == tmp_path / "code" / "plumbline"


def test_it_is_uploaded_once(training: Path) -> None:
    class Counting(MemoryStore):
        writes = 0

        def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
            self.writes += 1
            super().write(key, data, content_type)

    data = Counting()
    key = put_training_code(training, data)
    assert put_training_code(training, data) == key
    assert data.writes == 1
    assert key.startswith(keys.training_code("").split("//")[0])
    assert names(data.read(key))
    (training / "train.py").write_text("# changed\n")
    assert put_training_code(training, data) != key
    assert data.writes == 2


@pytest.mark.parametrize("name", ["train.py", "requirements.txt"])
def test_a_folder_without_the_code_is_refused(training: Path, name: str) -> None:
    (training / name).unlink()
    with pytest.raises(InvalidSettings, match=rf"lacks .*{name}.*TRAINING_DIR"):
        put_training_code(training, MemoryStore())
