"""The dataset as training gets it: read, held against its manifest, and refused in words where it cannot teach."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import get_args

from pydantic import ValidationError

from plumbline.contracts.base import wrong_fields
from plumbline.contracts.datasets import DatasetManifest, DatasetRow, Split, SplitFile
from plumbline.contracts.errors import InvalidDataset
from training.recipe import Folders

SPLITS: tuple[Split, ...] = get_args(Split)
_AGAIN = "start training again from the manifest that CheckBalance wrote"


@dataclass(frozen=True)
class Dataset:
    """The rows of each split, in the files' order; training rows without text are left out."""

    manifest: DatasetManifest
    manifest_sha256: str
    rows: dict[Split, tuple[DatasetRow, ...]]
    warnings: tuple[str, ...]

    def texts(self, split: Split) -> list[str]:
        """The split's texts."""
        return [row.text for row in self.rows[split]]

    def labels(self, split: Split) -> list[str]:
        """The split's categories, in the order of its texts."""
        return [row.category for row in self.rows[split]]

    def per_class(self, split: Split) -> dict[str, int]:
        """How many cases each category has, also those that have none."""
        counts = Counter(self.labels(split))
        return {name: counts[name] for name in self.manifest.categories}


def read_dataset(folders: Folders, task: str, min_per_class: int) -> Dataset:
    """Read the manifest and its three files. Raises InvalidDataset: what is wrong, in which file, what to do."""
    path = _manifest(folders.manifest)
    content = _content(path)
    try:
        manifest = DatasetManifest.model_validate_json(content)
    except ValidationError as error:
        raise InvalidDataset(f"{path.name} is no dataset manifest (wrong: {wrong_fields(error)}); {_AGAIN}") from None
    if manifest.task != task:
        raise InvalidDataset(f"{path.name} is of the task {manifest.task}, and the job trains {task}; {_AGAIN}")
    rows = {split: _read_split(manifest, split, getattr(folders, _CHANNEL[split])) for split in SPLITS}
    _check_classes(manifest, rows, min_per_class)
    _check_repeats(rows)
    blank = {split: sum(not row.text.strip() for row in rows[split]) for split in SPLITS}
    rows["train"] = tuple(row for row in rows["train"] if row.text.strip())
    dataset = Dataset(manifest, hashlib.sha256(content).hexdigest(), rows, _warnings(rows, blank))
    _check_enough(dataset.per_class("train"), min_per_class)
    return dataset


_CHANNEL: dict[Split, str] = {"train": "training", "validation": "validation", "test": "test"}


def _manifest(folder: Path) -> Path:
    """The channel's one JSON file: a manifest that was dropped into the bucket has whatever name it had there."""
    found = list(folder.glob("*.json"))
    return found[0] if len(found) == 1 else folder / "manifest.json"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        present = ", ".join(sorted(p.name for p in path.parent.iterdir())) if path.parent.is_dir() else ""
        raise InvalidDataset(
            f"{path.name} cannot be read from its channel ({type(error).__name__}; the channel holds "
            f"{present or 'nothing'}): the object is gone from the bucket or the channel points elsewhere; {_AGAIN}"
        ) from None


def _read_split(manifest: DatasetManifest, split: Split, folder: Path) -> tuple[DatasetRow, ...]:
    file = next((file for file in manifest.files if file.split == split), None)
    if file is None:
        raise InvalidDataset(f"manifest.json names no {split} file; {_AGAIN}")
    name = PurePosixPath(file.key).name
    content = _content(folder / name)
    _check_file(name, content, file)
    rows = tuple(_rows(name, content))
    if len(rows) != file.rows:
        raise InvalidDataset(f"{name} has {len(rows):,} rows, its manifest says {file.rows:,}; {_AGAIN}")
    unknown = sum(row.category not in manifest.categories for row in rows)
    if unknown:
        raise InvalidDataset(f"{name}: {unknown} rows are of categories that the manifest does not list; {_AGAIN}")
    return rows


def _check_file(name: str, content: bytes, file: SplitFile) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise InvalidDataset(
            f"{name} is not the file that its manifest names: sha256 {found[:12]}… of {len(content):,} bytes, expected "
            f"{file.sha256[:12]}… of {file.bytes:,}; it was changed or cut short after CheckBalance wrote it: {_AGAIN}"
        )


def _rows(name: str, content: bytes) -> Iterator[DatasetRow]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield DatasetRow.model_validate_json(line)
        except ValidationError as error:
            raise InvalidDataset(
                f"{name}, line {number} is no dataset row (wrong: {wrong_fields(error)}); {_AGAIN}"
            ) from None


def _check_classes(manifest: DatasetManifest, rows: dict[Split, tuple[DatasetRow, ...]], enough: int) -> None:
    if len(manifest.categories) <= 1:
        only = ", ".join(manifest.categories) or "none"
        raise InvalidDataset(f"the dataset has one class only ({only}); a classifier needs two or more")
    for split in SPLITS:
        seen = {row.category for row in rows[split]}
        absent = [name for name in manifest.categories if name not in seen]
        if absent:
            raise InvalidDataset(
                f"{split} has no case of {', '.join(absent)}; every class needs {enough} cases in train and one each "
                f"in validation and test, about {enough + 2} labeled cases: label more, or train without the class"
            )


def _check_enough(per_class: dict[str, int], enough: int) -> None:
    short = {name: count for name, count in per_class.items() if count < enough}
    if short:
        listed = ", ".join(f"{name} {count}" for name, count in short.items())
        raise InvalidDataset(
            f"too few training cases: {listed}; {enough} a class is the least (about {enough + 2} labeled cases with "
            "validation and test), hundreds are good: label more cases"
        )


def _check_repeats(rows: dict[Split, tuple[DatasetRow, ...]]) -> None:
    """A case in two splits would let the model be tested on what it learned by heart."""
    seen = Counter(row.case_id for split in SPLITS for row in rows[split])
    repeated = sum(count > 1 for count in seen.values())
    if repeated:
        raise InvalidDataset(f"{repeated} case ids stand in the dataset more than once; {_AGAIN}")


def _warnings(rows: dict[Split, tuple[DatasetRow, ...]], blank: dict[Split, int]) -> tuple[str, ...]:
    found = []
    if sum(blank.values()):
        listed = ", ".join(f"{split} {count}" for split, count in blank.items() if count)
        found.append(f"cases without text: {listed}; left out of train, kept in validation and test")
    trained = {row.text for row in rows["train"]}
    leaked = sum(row.text in trained for split in SPLITS[1:] for row in rows[split] if row.text.strip())
    if leaked:
        found.append(f"{leaked} held-out texts stand in train word for word: the figures flatter the model")
    return tuple(found)
