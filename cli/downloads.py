"""What a run made, copied to this machine: labels, dataset, rejected rows, report; predictions of a batch."""

import csv
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from cli.batch import prediction_keys
from cli.errors import CliError
from cli.paths import home
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import Reject
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.errors import MissingObject, PlumblineError, StoreDenied, StoreUnavailable
from plumbline.contracts.labels import Outcome
from plumbline.contracts.predictions import ExportPredicted
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_models

MAX_SPLIT_BYTES: Final = 200 * 10**6
_SHOWN_REJECTS = 5
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = (
    "case_id", "outcome", "reason", "category", "runner_up", "confidence", "close_call", "repairs", "gold_category",
)  # fmt: skip


@dataclass
class Downloads:
    """What lies on this machine now: by name the files of it, in the order to show them; where from; what was left.

    `places` says for a bucket key where its content lies here. `rejects` are the first rejected rows.
    """

    folder: Path
    files: dict[str, list[Path]] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def add(self, name: str, path: Path, key: str) -> None:
        """Note a file that has been written."""
        self.files.setdefault(name, []).append(path)
        self.places[key] = path


def run_folder(run_id: str) -> Path:
    """Where everything of a run is on this machine."""
    return home() / "runs" / run_id


def report_path(run_id: str) -> Path:
    """Where a run's report is on this machine once the run has ended."""
    return run_folder(run_id) / "report.html"


def fetch(stack: Stack, summary: RunSummary) -> Downloads:
    """Download a run's labels, dataset, rejected rows, summary and report.

    What is gone, denied or too large is said in `notes`. Raises CliError when the report or the summary is gone.
    """
    data, found = S3ObjectStore(stack.data_bucket), Downloads(run_folder(summary.run_id))
    found.folder.mkdir(parents=True, exist_ok=True)
    with _noted(found, "labels.csv"):
        _labels(data, summary.run_id, found)
    if summary.balance and summary.balance.manifest_key:
        _dataset(data, summary.balance.manifest_key, found)
    if summary.ingest.rejected:
        with _noted(found, "rejects.jsonl"):
            _rejects(S3ObjectStore(stack.raw_bucket), summary.run_id, found)
    try:
        for name, key in (("Report", keys.report(summary.run_id)), ("Summary", keys.summary(summary.run_id))):
            _copy(data, key, found, name)
    except PlumblineError as error:
        raise CliError(f"The run succeeded, but a result is gone: {error}.") from None
    return found


def fetch_report(stack: Stack, run_id: str) -> Path | None:
    """Download the report alone, as a run that failed may have one; None where it has none."""
    found = Downloads(run_folder(run_id))
    with suppress(MissingObject, StoreDenied, StoreUnavailable):  # without the right to list, S3 denies what is absent
        _copy(S3ObjectStore(stack.data_bucket), keys.report(run_id), found, "Report")
        return report_path(run_id)
    return None


def fetch_predictions(stack: Stack, exports: Sequence[ExportPredicted]) -> Downloads:
    """Download the exports' predictions and rejected rows, an export a file each, into a folder for the day.

    What is denied or gone is said in `notes`; an export without predictions has no file. The first rejected rows are
    read where there is one export: a line of another would not say whose it is.
    """
    data, raw = S3ObjectStore(stack.data_bucket), S3ObjectStore(stack.raw_bucket)
    found = Downloads(home() / "predictions")
    for export in exports:
        run = export.run
        here = replace(found, folder=found.folder / run.day.isoformat(), rejects=[])
        name = f"{run.run_id}.jsonl"
        with _noted(found, name):
            _predictions(stack, data, export, here, name)
        if export.ingest and export.ingest.rejected:
            name = f"{run.run_id}.rejects.jsonl"
            with _noted(found, name):
                _rejects(raw, run.run_id, here, name)
        found.rejects = here.rejects if len(exports) == 1 else []
    return found


def _predictions(stack: Stack, data: S3ObjectStore, export: ExportPredicted, found: Downloads, name: str) -> None:
    parts = list(prediction_keys(stack, export.run))
    if not parts:
        return
    path = found.folder / name
    with _written(path) as target:
        for key in parts:
            with suppress(MissingObject), closing(data.open(key)) as source:  # deleted since the listing
                shutil.copyfileobj(source, target)
    found.add("Predictions", path, keys.predicted_export(export.run.day.isoformat(), export.run.run_id))


def _labels(data: S3ObjectStore, run_id: str, found: Downloads) -> None:
    key, path = keys.outcomes(run_id), found.folder / "labels.csv"
    with _written(path) as stream:
        # utf-8-sig would please old spreadsheets and break every other reader of the first column.
        lines = csv.writer(_Encoded(stream), lineterminator="\n")
        lines.writerow(_COLUMNS)
        for outcome in read_models(data, key, Outcome):
            lines.writerow([_cell(getattr(outcome, name)) for name in _COLUMNS])
    found.add("Labels", path, key)


class _Encoded:
    """Lets csv write text into a binary stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode("utf-8", "surrogatepass"))


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ";".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"  # a spreadsheet would run it (OWASP, "CSV Injection")
    return value


def _dataset(data: S3ObjectStore, key: str, found: Downloads) -> None:
    with _noted(found, "manifest.json"):
        _copy(data, key, found, "Manifest")
    if key not in found.places:
        return
    try:
        manifest = DatasetManifest.model_validate_json(found.places[key].read_bytes())
    except ValidationError:
        found.notes.append("The dataset's manifest does not fit this version of the commands; its files were left.")
        return
    for file in manifest.files:
        name = f"{file.split}.jsonl"
        if file.bytes > MAX_SPLIT_BYTES:
            where = f"s3://{data.bucket}/{file.key}"
            found.notes.append(f"{name} is large ({file.bytes / 10**6:,.0f} MB) and was not downloaded: {where}")
            continue
        with _noted(found, name):
            _copy(data, file.key, found, "Dataset", name)


def _rejects(raw: S3ObjectStore, run_id: str, found: Downloads, file_name: str = "") -> None:
    key = keys.rejects(run_id)
    _copy(raw, key, found, "Rejects", file_name)
    with found.places[key].open("rb") as stream:
        for line, _ in zip(stream, range(_SHOWN_REJECTS), strict=False):
            found.rejects.append(Reject.model_validate_json(line))


def _copy(store: S3ObjectStore, key: str, found: Downloads, name: str, file_name: str = "") -> None:
    path = found.folder / (file_name or Path(key).name)
    with closing(store.open(key)) as source, _written(path) as target:
        shutil.copyfileobj(source, target)
    found.add(name, path, key)


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """A stream that becomes the file when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _noted(found: Downloads, what: str) -> Iterator[None]:
    """Turn a result that cannot be had into a note: the others are worth having without it."""
    try:
        yield
    except MissingObject:
        found.notes.append(f"{what} is not there: it was deleted, or has expired.")
    except StoreDenied:
        found.notes.append(f"{what} was not downloaded: these credentials may not read it.")
    except StoreUnavailable as error:
        found.notes.append(f"{what} was not downloaded: {error}")
    except ValidationError:
        found.notes.append(f"{what} was not read: it does not fit this version of the commands.")
