"""Which dataset to train on: the manifests that the stack holds, and choosing one."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich import box
from rich.console import RenderableType
from rich.table import Table

from cli.errors import CliError, UsageProblem
from cli.paths import plumbline
from cli.stack import Stack
from cli.upload import checked
from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.base import wrong_fields
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.errors import MissingObject
from plumbline.jsonl import is_there
from plumbline.report.words import count, moment, plural

LATEST: Final = "latest"
_MAX_MANIFEST_BYTES = 4 * 2**20
_READERS = 8
_SHOWN = 20


@dataclass(frozen=True)
class Dataset:
    """A dataset of the stack: where its manifest lies, and what stands in it."""

    key: str
    manifest: DatasetManifest

    @property
    def words(self) -> str:
        """The dataset in one line."""
        manifest = self.manifest
        rows = ", ".join(f"{count(file.rows)} {file.split}" for file in manifest.files)
        short = "" if manifest.verdict == "balanced" else f", {manifest.verdict}"
        return f"{manifest.version} ({plural(len(manifest.categories), 'class')}: {rows}{short})"


def datasets_of(where: Stack, task: str) -> list[Dataset]:
    """Every dataset of the task, newest first. One that another version of Plumbline wrote is left out."""
    prefix, data = keys.datasets(task), S3ObjectStore(where.data_bucket)
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=where.data_bucket, Prefix=prefix)
    listed = [o["Key"] for page in pages for o in page.get("Contents", []) if o["Key"].endswith("/manifest.json")]

    def read(key: str) -> Dataset | None:
        try:
            return Dataset(key, DatasetManifest.model_validate_json(data.read(key)))
        except (MissingObject, ValidationError):
            return None

    with ThreadPoolExecutor(_READERS) as pool:
        found = [dataset for dataset in pool.map(read, listed) if dataset is not None]
    return sorted(found, key=lambda dataset: dataset.manifest.created_at, reverse=True)


def choose(where: Stack, task: str, wanted: str) -> Dataset:
    """The dataset of that version, or of the one version that begins so; `latest` is the newest.

    Raises CliError when there is none yet, UsageProblem for a version that there is not.
    """
    found = datasets_of(where, task)
    if not found:
        run = plumbline(f"run FILE{where.option}")
        message = f"There is no dataset of the task {task} yet."
        raise CliError(message, f"Label cases first: {run}. Enough of each class make a dataset.")
    if wanted == LATEST:
        return found[0]
    chosen = [d for d in found if d.manifest.version == wanted] or [
        d for d in found if d.manifest.version.startswith(wanted)
    ]
    if len(chosen) == 1:
        return chosen[0]
    what = "Several datasets begin" if chosen else "There is no dataset"
    versions = ", ".join(d.manifest.version for d in found[:_SHOWN])
    raise UsageProblem(f"{what} with the version {wanted!r}.", f"Newest first: {versions}.")


def as_file(wanted: str) -> Path | None:
    """The manifest file that the text names; None where it is a version or `latest`."""
    path = Path(wanted)
    is_file = path.suffix == ".json" or path.is_file() or len(path.parts) > 1
    return path if is_file else None


def check_manifest(path: Path) -> DatasetManifest:
    """The manifest in a file. Raises UsageProblem, naming the wrong fields, for a file that is none."""
    checked(path, limit=_MAX_MANIFEST_BYTES)
    try:
        return DatasetManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        hint = "A manifest.json is among the files that a run leaves; nothing was uploaded."
        raise UsageProblem(f"{path} is no dataset manifest (wrong: {wrong_fields(error)}).", hint) from None


def drop(where: Stack, path: Path) -> Dataset:
    """Put a manifest file under manifests/ of the data bucket. The same content always gets the same key.

    Raises UsageProblem where it is no manifest, or where its dataset's files are not in the stack's bucket.
    """
    manifest, body = check_manifest(path), path.read_bytes()
    data = S3ObjectStore(where.data_bucket)
    absent = [file.key for file in manifest.files if not is_there(data, file.key)]
    if absent:
        message = f"{path}: s3://{where.data_bucket} does not hold {', '.join(absent)}."
        raise UsageProblem(message, "A manifest names files by their keys: put them there first, or choose a version.")
    key = f"{keys.MANIFESTS}{manifest.task}-{manifest.version}-{hashlib.sha256(body).hexdigest()[:8]}.json"
    clients.s3().put_object(Bucket=where.data_bucket, Key=key, Body=body, ContentType="application/json")
    return Dataset(key, manifest)


def table(found: Sequence[Dataset]) -> RenderableType:
    """The datasets, a line each."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for head in ("Dataset", "Written", "Cases", "Classes", "Verdict"):
        grid.add_column(head, no_wrap=True, justify="right" if head in ("Cases", "Classes") else "left")
    for dataset in found[:_SHOWN]:
        manifest = dataset.manifest
        rows = sum(file.rows for file in manifest.files)
        written = moment(manifest.created_at)
        grid.add_row(manifest.version, written, count(rows), count(len(manifest.categories)), manifest.verdict)
    return grid
