"""A promoted model's files, from the bucket to a folder of this machine, each checked by its sha256."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from plumbline.contracts.errors import MissingObject, ModelFileBroken
from plumbline.contracts.models import SERVING_FILES, ModelPointer, ServingFile
from plumbline.ports import ObjectStore

_CHUNK = 1 << 20


def folder_of(pointer: ModelPointer, cache: Path) -> Path:
    """Where `fetch` puts a pointer's files: another folder for other files, also where a version's name comes again."""
    digest = hashlib.sha256("".join(sorted(f"{file.name}{file.sha256}" for file in pointer.files)).encode())
    return cache / pointer.task / f"{pointer.version}-{digest.hexdigest()[:12]}"


def fetch(pointer: ModelPointer, data: ObjectStore, cache: Path) -> Path:
    """The folder under `cache` that holds the pointer's serving files; fetched once, whole or not at all.

    Raises ModelFileBroken for a file that is gone, cut short, or not the one that was promoted.
    """
    folder = folder_of(pointer, cache)
    if folder.is_dir():
        return folder
    wanted = [file for file in pointer.files if file.name in SERVING_FILES]
    missing = sorted(set(SERVING_FILES) - {file.name for file in wanted})
    if missing:
        raise ModelFileBroken(f"model {pointer.version}: the pointer names no {', '.join(missing)}; promote it again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for file in wanted:
            _fetch_one(pointer, file, data, new / file.name)
        try:
            new.rename(folder)  # readers see a whole model or none
        except OSError:
            if not folder.is_dir():  # another thread was faster; its files are as good
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _fetch_one(pointer: ModelPointer, file: ServingFile, data: ObjectStore, path: Path) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with data.open(pointer.prefix + file.name) as stream, path.open("wb") as out:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
    except MissingObject:
        raise ModelFileBroken(
            f"model {pointer.version}: {file.name} is not in the data bucket any more; roll back to another version"
        ) from None
    if digest.hexdigest() != file.sha256:
        raise ModelFileBroken(
            f"model {pointer.version}: {file.name} is not the file that was promoted ({size:,} of {file.bytes:,} "
            "bytes, another sha256); roll back to another version or train again"
        )
