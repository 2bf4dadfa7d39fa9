"""What a person does to the pointer: put a version into service, or go back to the one before."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plumbline.contracts.errors import ModelFileBroken, NoModelInService
from plumbline.contracts.models import ModelPointer, ModelRow
from plumbline.ports import ModelRegistry, ObjectStore
from plumbline.predict.files import fetch
from plumbline.promote_model import pointer_to


@dataclass(frozen=True)
class RolledBack:
    """`before` was in service and `now` is; `skipped` are versions between them whose files are gone, and why."""

    before: ModelPointer
    now: ModelPointer
    skipped: tuple[tuple[str, str], ...]


def promote_by_hand(
    row: ModelRow, *, data: ObjectStore, registry: ModelRegistry, before: ModelPointer | None, now: datetime
) -> ModelPointer:
    """Put the row's model into service, gate or no gate; the new pointer.

    Raises ModelFileBroken when a file that serving needs is gone or is another one; the pointer has not moved then.
    """
    pointer = pointer_to(row, now, before.version if before else None, "by_hand")
    check_files(pointer, data)
    registry.point_to(pointer)
    return pointer


def roll_back(task: str, *, data: ObjectStore, registry: ModelRegistry, now: datetime) -> RolledBack:
    """Go back to the newest earlier model whose files are whole.

    A model that was rolled back from does not count as earlier. Raises NoModelInService where there is none to go back
    to; the pointer has not moved then.
    """
    pointers = in_order(registry.history(task))
    if not pointers:
        raise NoModelInService(f"the task {task} has no model in service, so there is none to go back from")
    current, *earlier = pointers
    skipped: list[tuple[str, str]] = []
    for pointer in earlier:
        try:
            check_files(pointer, data)
        except ModelFileBroken as error:
            skipped.append((pointer.version, str(error)))
            continue
        changes = {"promoted_at": now, "why": "rollback", "previous": current.version}
        target = pointer.model_copy(update=changes)
        registry.point_to(target)
        return RolledBack(current, target, tuple(skipped))
    gone = "".join(f"; {why}" for _, why in skipped)
    raise NoModelInService(f"there is no earlier model to go back to from {current.version}{gone}")


def in_order(history: list[ModelPointer]) -> list[ModelPointer]:
    """The model in service, then the ones before it, each version once, without those that were rolled back from.

    `history` is newest first, as the registry gives it.
    """
    stack: list[ModelPointer] = []
    for pointer in reversed(history):
        if pointer.why == "rollback":
            while stack and stack[-1].version != pointer.version:
                stack.pop()
        stack = [*(other for other in stack if other.version != pointer.version), pointer]
    return stack[::-1]


def check_files(pointer: ModelPointer, data: ObjectStore) -> None:
    """Read every file that serving needs, as serving does. Raises ModelFileBroken for one that is gone or another."""
    with tempfile.TemporaryDirectory() as folder:
        fetch(pointer, data, Path(folder))
