"""model.tar.gz as a stream: what is taken out of it, and what is refused."""

import gzip
import importlib
import io
import tarfile
from pathlib import Path

import pytest

from plumbline import keys
from plumbline.contracts.errors import ModelFileBroken, StoreUnavailable
from plumbline.contracts.models import CARD_FILE, MODEL_FILE, SERVING_FILES, DatasetRef
from plumbline.promote_model.unpack import store, unpack
from tests.fakes import MemoryStore
from tools.tiny_model import tiny_artifact, tiny_files, with_card

TASK, VERSION = "root_cause", "job-1"
KEY = keys.model_artifact(TASK, VERSION)
unpacking = importlib.import_module("plumbline.promote_model.unpack")  # its name in the package is the function's
NAMES, WORDS = ("One", "Two"), {"one": "One", "two": "Two"}
DATASET = DatasetRef(version="d", manifest_sha256="0" * 64, rows={}, train_per_class={})


@pytest.fixture
def files() -> dict[str, bytes]:
    return with_card(tiny_files(NAMES, WORDS), NAMES, DATASET)[0]


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def refused(data: bytes | None, folder: Path, match: str) -> None:
    with pytest.raises(ModelFileBroken, match=match):
        unpack(MemoryStore({} if data is None else {KEY: data}), TASK, VERSION, folder)


def test_the_serving_files_and_the_card_come_out_and_nothing_else(files: dict[str, bytes], tmp_path: Path) -> None:
    data = MemoryStore({KEY: tiny_artifact(files)})
    card = unpack(data, TASK, VERSION, tmp_path)
    assert card.categories == NAMES
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*")} == files
    stored = store(data, TASK, VERSION, tmp_path)
    assert [file.name for file in stored] == [*SERVING_FILES, CARD_FILE]
    assert {name: data.read(keys.serving(TASK, VERSION, name)) for name in files} == files


def test_names_that_begin_with_a_dot_and_a_slash_are_known(files: dict[str, bytes], tmp_path: Path) -> None:
    members = [(tarfile.TarInfo(f"./serving/{name}"), content) for name, content in files.items()]
    unpack(MemoryStore({KEY: archive(*members)}), TASK, VERSION, tmp_path)


def test_no_name_leads_out_of_the_folder(files: dict[str, bytes], tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    evil = [(tarfile.TarInfo(name), b"evil") for name in ("../model.onnx", "serving/../../out", "/serving/model.onnx")]
    good = [(tarfile.TarInfo(f"serving/{name}"), content) for name, content in files.items()]
    unpack(MemoryStore({KEY: archive(*evil, *good)}), TASK, VERSION, inside)
    assert {path.name for path in inside.iterdir()} == set(files)
    assert list(tmp_path.iterdir()) == [inside]


def test_a_link_in_a_files_place_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    link = tarfile.TarInfo(f"serving/{MODEL_FILE}")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    refused(archive((link, b"")), tmp_path, "no regular file")


def test_every_cut_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    whole = tiny_artifact(files)
    for share in (0.0, 0.1, 0.5, 0.9):
        refused(whole[: int(len(whole) * share)], tmp_path, r"damaged or cut short|holds no serving/")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"not an archive", gzip.compress(b"not a tar" * 100), bytes(1000)):
        refused(data, tmp_path, r"damaged or cut short|holds no serving/")


def test_bytes_that_were_turned_are_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    whole = bytearray(tiny_artifact(files))
    for place in range(20, len(whole) - 20, max(1, len(whole) // 40)):
        turned = bytes(whole[:place]) + bytes([whole[place] ^ 0xFF]) + bytes(whole[place + 1 :])
        try:
            unpack(MemoryStore({KEY: turned}), TASK, VERSION, tmp_path)
        except ModelFileBroken:
            continue
        # Only a byte that belongs to none of the files may go unnoticed.
        assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_a_job_without_an_artifact_is_refused(tmp_path: Path) -> None:
    refused(None, tmp_path, r"left no model\.tar\.gz")


def test_a_missing_file_is_named(files: dict[str, bytes], tmp_path: Path) -> None:
    del files[MODEL_FILE]
    refused(tiny_artifact(files), tmp_path, r"holds no serving/model\.onnx")


def test_a_file_that_is_not_the_cards_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    files[MODEL_FILE] = files[MODEL_FILE][:-10]
    refused(tiny_artifact(files), tmp_path, r"serving/model\.onnx is not the file that model_card\.json describes")


@pytest.mark.parametrize("card", [b"", b"{}", b"[1, 2]", b'{"task": "root_cause", "more": 1}', b"\xff\xfe"])
def test_what_is_no_card_is_refused(card: bytes, files: dict[str, bytes], tmp_path: Path) -> None:
    refused(tiny_artifact(files | {CARD_FILE: card}), tmp_path, "is no model card")


def test_a_card_of_another_task_is_refused(tmp_path: Path) -> None:
    files, _ = with_card(tiny_files(NAMES, WORDS), NAMES, DATASET, "npm_issue")
    refused(tiny_artifact(files), tmp_path, "is of the task npm_issue")


def test_a_file_above_its_bound_is_refused(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "LARGEST", dict.fromkeys(files, 100))
    refused(
        tiny_artifact(files), tmp_path, "100 is the most that the functions which predict have room for: train with"
    )
    monkeypatch.setattr(unpacking, "_LARGEST_ARCHIVE", 50_000)
    refused(tiny_artifact(files), tmp_path, "unpacks to more than")


def test_a_store_that_breaks_off_is_no_broken_model(files: dict[str, bytes], tmp_path: Path) -> None:
    """It is tried again, not held against the model."""

    class BreaksOff(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100:
                raise StoreUnavailable("not reached")
            return super().read(min(size or 0, 100))

    class Store(MemoryStore):
        def open(self, key: str, version_id: str | None = None) -> io.BytesIO:
            return BreaksOff(self.read(key))

    with pytest.raises(StoreUnavailable):
        unpack(Store({KEY: tiny_artifact(files)}), TASK, VERSION, tmp_path)
