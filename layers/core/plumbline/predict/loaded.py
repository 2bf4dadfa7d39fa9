"""A promoted model, loaded from its folder of this machine; folders of other models go, because /tmp is small.

On a laptop several processes share the folders, and one may clear what another is about to read.
"""

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from plumbline.contracts.errors import ModelFileBroken
from plumbline.contracts.models import ModelPointer
from plumbline.ports import ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.predict.files import fetch

Load = Callable[[Path], Classifier]
_IN_PROGRESS: Final = "tmp"  # how `files.fetch` calls a folder that is not whole yet
_ABANDONED_SECONDS: Final = 60.0  # without a byte written; a download under way writes all the time
_TRIES: Final = 4


def loaded(pointer: ModelPointer, data: ObjectStore, cache: Path, load: Load = Classifier.load) -> Classifier:
    """The pointer's model; the task's other folders under `cache` are cleared once it is loaded.

    What killed downloads left goes before, so that there is room: Lambda keeps /tmp after a function that timed out.
    A copy that is damaged is fetched once more, one that another process cleared meanwhile a few times. Raises
    ModelFileBroken.
    """
    tried = 0
    _clear_abandoned(cache / pointer.task)
    while True:
        folder = fetch(pointer, data, cache)
        tried += 1
        try:
            classifier = load(folder)
        except ModelFileBroken:
            vanished = not folder.is_dir()
            if tried == _TRIES or (tried > 1 and not vanished):
                raise
            _discard(folder)
        else:
            _clear_all_but(folder)
            return classifier


def _clear_all_but(kept: Path) -> None:
    """Folders of other models go, and what killed downloads left."""
    for folder in kept.parent.iterdir():
        if folder != kept and _is_model(folder):
            _discard(folder)
    _clear_abandoned(kept.parent)


def _clear_abandoned(models: Path) -> None:
    if models.is_dir():
        for folder in models.iterdir():
            if _is_abandoned(folder):
                _discard(folder)


def _is_model(folder: Path) -> bool:
    return not folder.name.startswith(_IN_PROGRESS)


def _is_abandoned(folder: Path) -> bool:
    """Whether it is what a download left that nobody goes on with."""
    if _is_model(folder):
        return False
    try:
        written = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:  # it has become a model's folder, or was cleared
        return False
    return time.time() - written >= _ABANDONED_SECONDS


def _discard(folder: Path) -> None:
    """Take a model's folder away in one step, so that nobody finds half of it."""
    away = folder.with_name(f"{_IN_PROGRESS}-{uuid.uuid4().hex}")
    try:
        folder.rename(away)
    except OSError:  # another process was faster
        return
    shutil.rmtree(away, ignore_errors=True)
