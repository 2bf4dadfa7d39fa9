"""FindExports: which exports under daily/ wait for a prediction, and by which model."""

from datetime import date, datetime
from typing import Final

from plumbline import keys
from plumbline.contracts.errors import InvalidEvent, MissingObject, NoModelInService
from plumbline.contracts.models import ModelPointer
from plumbline.contracts.predictions import FindExportsTask, FoundExports, PredictionRun, predictions_scope
from plumbline.contracts.runs import RunRow
from plumbline.ports import Ledger, Listing, ModelRegistry, StoredObject
from plumbline.settings import FindExportsSettings
from plumbline.start_run import run_id_of

PREFIX: Final = "predict-"
# What is wrong with such an export stays wrong however often it is tried; asked for by its key it is tried again.
_FOR_GOOD: Final = {"InvalidCaseFile", "InvalidMapping"}
_MARKERS: Final = ("_", ".")  # how Spark, macOS and others begin the names of files that hold no data


def find_exports(
    task: FindExportsTask,
    settings: FindExportsSettings,
    *,
    exports: Listing,
    ledger: Ledger,
    registry: ModelRegistry,
    now: datetime,
) -> FoundExports:
    """The exports to predict now, each with a RUNNING row in the ledger; no object is read.

    Oldest first, but those that no execution has tried yet before those that one has: exports that fail again and
    again never keep a new one waiting.

    An export is an object version under daily/. One that was predicted is left alone unless `force`; one whose
    execution broke off, or of which cases failed, is taken up again under its own id and day, so that it writes over
    what it has written. At most `settings.exports_per_execution` are given; the others are counted in `left`.

    Raises InvalidEvent for a key elsewhere, MissingObject for a key that is not there, and NoModelInService when
    something waits and no model can predict it.
    """
    day = task.day or now.date()
    waiting = _waiting(task, settings, exports, ledger)
    batch_id = f"batch-{now:%Y%m%dT%H%M%S%f}"
    if not waiting:
        return FoundExports(day=day, batch_id=batch_id, runs=())
    model = registry.current(settings.task)
    if model is None:
        wait = "1 export waits" if len(waiting) == 1 else f"{len(waiting):,} exports wait"
        raise NoModelInService(
            f"{wait} under {keys.DAILY}, and no model of the task {settings.task} is in "
            "service: train one (`plumbline train`), or promote one (`plumbline models promote`)"
        )
    chosen = waiting[: settings.exports_per_execution]
    runs = tuple(_run(stored, row, task, settings, model, day, now) for stored, row in chosen)
    for run in runs:
        ledger.put_run(_row(run))
    return FoundExports(day=day, batch_id=batch_id, runs=runs, left=len(waiting) - len(runs))


def _run(
    stored: StoredObject,
    row: RunRow | None,
    task: FindExportsTask,
    settings: FindExportsSettings,
    model: ModelPointer,
    day: date,
    now: datetime,
) -> PredictionRun:
    again = None if task.force or row is None or row.status == "SUCCEEDED" else row
    return PredictionRun(
        run_id=_run_id(settings, stored),
        task=settings.task,
        key=stored.key,
        version_id=stored.version_id,
        force=task.force,
        map_concurrency=settings.map_concurrency,
        started_at=again.started_at if again else now,
        day=(again.day if again else None) or day,
        model=model,
    )


def _waiting(
    task: FindExportsTask, settings: FindExportsSettings, exports: Listing, ledger: Ledger
) -> list[tuple[StoredObject, RunRow | None]]:
    """The exports with their rows in the ledger; those without one first, then by the time of their upload."""
    if task.key is not None and not task.key.startswith(keys.DAILY):
        raise InvalidEvent(f"the key of an export to predict begins with {keys.DAILY}; upload it there")
    listed = [stored for stored in exports.objects_under(task.key or keys.DAILY) if _is_export(stored.key)]
    if task.key is not None:
        listed = [stored for stored in listed if stored.key == task.key]
        if not listed:
            raise MissingObject(f"there is no export {task.key} in the raw bucket; upload it, then start this again")
    scope = predictions_scope(settings.task)
    rows = [(stored, ledger.get_run(scope, _run_id(settings, stored))) for stored in listed]
    waiting = [(stored, row) for stored, row in rows if task.force or _waits(row, asked_for=task.key is not None)]
    return sorted(waiting, key=lambda pair: (pair[1] is not None, pair[0].modified, pair[0].key))


def _is_export(key: str) -> bool:
    """A folder made in the S3 console ends with a slash; a marker is no export either."""
    return not key.endswith("/") and not key.rpartition("/")[2].startswith(_MARKERS)


def _waits(row: RunRow | None, *, asked_for: bool) -> bool:
    if row is None or row.status == "RUNNING":
        return True
    return row.status == "FAILED" and (asked_for or row.error not in _FOR_GOOD)


def _run_id(settings: FindExportsSettings, stored: StoredObject) -> str:
    """The same version of an export always gets the same id."""
    return run_id_of(settings.raw_bucket, stored.key, stored.version_id or stored.etag, PREFIX)


def _row(run: PredictionRun) -> RunRow:
    return RunRow(
        run_id=run.run_id,
        task=run.ledger_task,
        status="RUNNING",
        source=run.key,
        started_at=run.started_at,
        day=run.day,
    )
