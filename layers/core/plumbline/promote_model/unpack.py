"""Takes the files that serve out of a training job's model.tar.gz."""

import gzip
import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from plumbline import keys
from plumbline.contracts.base import wrong_fields
from plumbline.contracts.errors import MissingObject, ModelFileBroken
from plumbline.contracts.models import (
    CARD_FILE,
    CLASSIFIER_FILE,
    MODEL_FILE,
    SERVING_FILES,
    TOKENIZER_FILE,
    ModelCard,
    ServingFile,
)
from plumbline.ports import ObjectStore

_MB = 1 << 20
# Bytes. The functions that predict hold two models in memory and in /tmp while one takes the other's place;
# tests/template/test_model_room.py holds template.yaml against these.
LARGEST: Final[Mapping[str, int]] = {
    MODEL_FILE: 512 * _MB,
    TOKENIZER_FILE: 64 * _MB,
    CLASSIFIER_FILE: _MB,
    CARD_FILE: 8 * _MB,
}
_LARGEST_ARCHIVE = 20 * 1024 * _MB  # what is read past on the way, unpacked
_CHUNK = _MB


def unpack(data: ObjectStore, task: str, version: str, folder: Path) -> ModelCard:
    """Write the job's serving files and its card into `folder`; each file is what the card says it is.

    The archive is a stream: the predictor in it is read past and never kept. Raises ModelFileBroken for an artifact
    that is missing, damaged, too large, or lacks a file, and for files that are not those of the card.
    """
    try:
        with data.open(keys.model_artifact(task, version)) as stream:
            _extract(stream, folder)
    except MissingObject:
        raise ModelFileBroken("the job left no model.tar.gz in the data bucket") from None
    # The kinds that gzip and tarfile raise for a damaged stream.
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ModelFileBroken(f"model.tar.gz is damaged or cut short ({type(error).__name__})") from None
    missing = [name for name in LARGEST if not (folder / name).is_file()]
    if missing:
        raise ModelFileBroken(f"model.tar.gz holds no serving/{', serving/'.join(missing)}")
    return _checked_card(task, folder)


def described(folder: Path, name: str) -> ServingFile:
    """A file's size and sha256."""
    path = folder / name
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    return ServingFile(name=name, sha256=digest.hexdigest(), bytes=path.stat().st_size)


def store(data: ObjectStore, task: str, version: str, folder: Path) -> tuple[ServingFile, ...]:
    """Put the unpacked files, with the card, where serving fetches them; what was put."""
    files = []
    for name in (*SERVING_FILES, CARD_FILE):
        with (folder / name).open("rb") as stream, data.writer(keys.serving(task, version, name), _type(name)) as out:
            shutil.copyfileobj(stream, out, _CHUNK)
        files.append(described(folder, name))
    return tuple(files)


def _extract(stream: IO[bytes], folder: Path) -> None:
    """Copy the known members. A member's name only chooses among known names, so no path leads out of `folder`."""
    wanted, passed = {f"serving/{name}": name for name in LARGEST}, 0
    with tarfile.open(fileobj=stream, mode="r|gz") as archive:
        for member in archive:
            passed += member.size
            if passed > _LARGEST_ARCHIVE:
                raise ModelFileBroken(f"model.tar.gz unpacks to more than {_LARGEST_ARCHIVE // _MB:,} MB")
            name = wanted.pop(member.name.removeprefix("./"), None)
            if name is None:
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise ModelFileBroken(f"serving/{name} in model.tar.gz is no regular file")
            if member.size > LARGEST[name]:
                raise ModelFileBroken(
                    f"serving/{name} has {member.size:,} bytes; {LARGEST[name]:,} is the most that the functions which "
                    "predict have room for: train with a smaller encoder, or with `quantize` auto"
                )
            with (folder / name).open("wb") as out:
                shutil.copyfileobj(content, out, _CHUNK)
            if not wanted:
                return  # the rest is nothing to us, and can be large


def _checked_card(task: str, folder: Path) -> ModelCard:
    try:
        card = ModelCard.model_validate_json((folder / CARD_FILE).read_bytes())
    except ValidationError as error:
        raise ModelFileBroken(f"{CARD_FILE} is no model card (wrong: {wrong_fields(error)})") from None
    if card.task != task:
        raise ModelFileBroken(f"{CARD_FILE} is of the task {card.task}, the job's output of {task}")
    told = {file.name: file for file in card.files}
    for name in SERVING_FILES:
        if told.get(name) != described(folder, name):
            raise ModelFileBroken(f"serving/{name} is not the file that {CARD_FILE} describes")
    return card


def _type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "application/octet-stream"
