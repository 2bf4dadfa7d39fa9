"""A model's folder that other processes share: damaged copies, folders that go while they are read, old ones."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from plumbline.contracts.errors import ModelFileBroken
from plumbline.predict.classifier import Classifier
from plumbline.predict.loaded import loaded
from tests import predicting as p
from tests.fakes import MemoryStore


class Cleared:
    """Loads like Classifier, but another process clears the folder just before, as often as it is told to."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.calls = 0

    def __call__(self, folder: Path) -> Classifier:
        self.calls += 1
        if self.left:
            self.left -= 1
            shutil.rmtree(folder)
        return Classifier.load(folder)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_folder_that_is_cleared_while_it_is_read_is_fetched_again(tmp_path: Path, times: int) -> None:
    load = Cleared(times)
    assert loaded(p.POINTER, p.store(), tmp_path, load).config.categories == p.CATEGORIES
    assert load.calls == times + 1


def test_one_that_is_cleared_again_and_again_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(ModelFileBroken, match="cannot be read"):
        loaded(p.POINTER, p.store(), tmp_path, Cleared(99))


def test_one_that_stays_damaged_is_fetched_once_more_only(tmp_path: Path) -> None:
    tried: list[Path] = []

    def refuses(folder: Path) -> Classifier:
        tried.append(folder)
        raise ModelFileBroken("of another version")

    with pytest.raises(ModelFileBroken, match="another version"):
        loaded(p.POINTER, p.store(), tmp_path, refuses)
    assert len(tried) == 2


def test_what_killed_downloads_left_makes_room_before_the_next_one(tmp_path: Path) -> None:
    """Three functions that timed out while they fetched 500 MB would fill /tmp for the fourth."""
    models = tmp_path / p.TASK
    for name in ("tmp-first", "tmp-second", "kept-model"):
        (models / name).mkdir(parents=True)
        (models / name / "model.onnx").write_bytes(b"cut short")
        for path in (models / name / "model.onnx", models / name):
            os.utime(path, (time.time() - 61,) * 2)
    there: list[str] = []

    class Watching(MemoryStore):
        def open(self, key: str, version_id: str | None = None) -> Any:
            there[:] = sorted(folder.name for folder in models.iterdir())
            return super().open(key, version_id)

    loaded(p.POINTER, Watching(p.store().objects), tmp_path)
    assert there[0] == "kept-model"  # it serves until the new one is loaded
    assert not [name for name in there if name in ("tmp-first", "tmp-second")]


def test_a_download_whose_file_still_grows_stays(tmp_path: Path) -> None:
    """The folder's own time is that of its newest file's creation; a large one takes longer than that."""
    growing = tmp_path / p.TASK / "tmp-growing"
    growing.mkdir(parents=True)
    (growing / "model.onnx").write_bytes(b"so far")
    os.utime(growing, (time.time() - 3600,) * 2)
    loaded(p.POINTER, p.store(), tmp_path)
    assert growing.is_dir()


def test_old_models_and_abandoned_downloads_go_and_a_download_under_way_stays(tmp_path: Path) -> None:
    models = tmp_path / p.TASK
    for name in ("old-model", "tmp-abandoned", "tmp-under-way"):
        (models / name).mkdir(parents=True)
    long_ago = time.time() - 3600
    os.utime(models / "tmp-abandoned", (long_ago, long_ago))
    loaded(p.POINTER, p.store(), tmp_path)
    names = sorted(folder.name.split("-")[0:2][1] for folder in models.iterdir())
    assert names == ["1", "under"]
