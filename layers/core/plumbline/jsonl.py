"""JSON lines of typed models, read and written as streams."""

from collections.abc import Iterable, Iterator
from typing import IO, TypeVar

from plumbline.contracts.base import Model
from plumbline.contracts.errors import MissingObject
from plumbline.ports import ObjectStore

M = TypeVar("M", bound=Model)


def write_line(stream: IO[bytes], model: Model) -> None:
    """Append one model to an open stream."""
    stream.write(model.model_dump_json(exclude_defaults=True).encode("utf-8"))
    stream.write(b"\n")


def write_models(store: ObjectStore, key: str, models: Iterable[Model]) -> int:
    """Write the models as one object; says how many there were. Nothing is left behind when it fails midway."""
    count = 0
    with store.writer(key) as stream:
        for model in models:
            write_line(stream, model)
            count += 1
    return count


def read_models(store: ObjectStore, key: str, kind: type[M]) -> Iterator[M]:
    """Read the object's lines as models, one at a time. Raises MissingObject, or ValidationError for a foreign line."""
    with store.open(key) as stream:
        for line in stream:
            if line.strip():
                yield kind.model_validate_json(line)


def is_there(store: ObjectStore, key: str) -> bool:
    """Whether there is such an object."""
    try:
        store.size(key)
    except MissingObject:
        return False
    return True


def read_if_there(store: ObjectStore, key: str, kind: type[M]) -> Iterator[M]:
    """The same, and nothing where there is no such object."""
    try:
        yield from read_models(store, key, kind)
    except MissingObject:
        return
