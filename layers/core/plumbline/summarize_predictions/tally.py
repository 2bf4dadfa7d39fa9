"""The counts of one day: every new case of every export is predicted or failed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.contracts.errors import BrokenInvariant, MissingObject
from plumbline.contracts.predictions import NO_DATE, ExportPredicted, PredictedCase, PredictionRun
from plumbline.contracts.runs import ShardEntry, ShardFailure
from plumbline.jsonl import read_models
from plumbline.ports import ListedStore
from plumbline.summarize_predictions.drift import CONFIDENCE_BINS, confidence_bin

_SHARDS: Final = TypeAdapter(tuple[ShardEntry, ...])
_AHEAD: Final = 8  # shards that are fetched at once
LOST: Final = "ShardLost"  # the shard left neither predictions nor an error behind


@dataclass(slots=True)
class OfVersion:
    """One model's predictions: best guesses by class, confidences by bin."""

    classes: Counter[str] = field(default_factory=Counter)
    confidences: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)


@dataclass(slots=True)
class OfExport:
    """What became of one export's new cases.

    `unremembered` holds case ids and content hashes of predictions whose shard failed after it had written them.
    """

    cases: int = 0
    predicted: int = 0
    abstained: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    unremembered: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """New cases without a prediction."""
        return self.failures.total()


@dataclass(slots=True)
class Tally:
    """What became of one day's cases. Memory does not grow with them."""

    exports: int = 0
    cases: int = 0
    unchanged: int = 0
    rejected: int = 0
    predicted: int = 0
    abstained: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    per_day: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confidence_sum: float = 0.0
    versions: dict[str, OfVersion] = field(default_factory=lambda: defaultdict(OfVersion))
    errors: dict[str, str] = field(default_factory=dict)
    by_run: dict[str, OfExport] = field(default_factory=dict)

    def add(self, export: ExportPredicted, data: ListedStore) -> None:
        """Count one export. Raises BrokenInvariant when its figures do not add up."""
        run, found = export.run, OfExport()
        self.exports += 1
        if export.error:
            self.errors[run.key] = export.error
        if export.ingest:
            self.unchanged += export.ingest.unchanged
            self.rejected += export.ingest.rejected
            found.cases = export.ingest.new
            for entry, predictions, error in _shards(run, data):
                missing = entry.cases - len(predictions)
                if missing < 0 or len({case.case_id for case in predictions}) != len(predictions):
                    raise BrokenInvariant(f"run {run.run_id}, shard {entry.shard}: more predictions than cases")
                found.predicted += len(predictions)
                found.failures.update({error or LOST: missing} if missing else {})
                if error:
                    found.unremembered |= {case.case_id: case.content_hash for case in predictions}
                for case in predictions:
                    found.abstained += case.abstained
                    self._add_case(case)
            if found.cases != found.predicted + found.failed:
                raise BrokenInvariant(
                    f"run {run.run_id}: {found.cases} new cases are not {found.predicted} predicted + "
                    f"{found.failed} failed"
                )
        self.cases += found.cases
        self.predicted += found.predicted
        self.abstained += found.abstained
        self.failures.update(found.failures)
        self.by_run[run.run_id] = found

    def _add_case(self, case: PredictedCase) -> None:
        guess = case.category if case.category is not None else case.alternatives[0].category
        version = self.versions[case.model_version]
        version.classes[guess] += 1
        version.confidences[confidence_bin(case.confidence)] += 1
        self.confidence_sum += case.confidence
        if case.category is not None:
            self.categories[case.category] += 1
            self.per_day[case.case_date.isoformat() if case.case_date else NO_DATE][case.category] += 1


def _shards(run: PredictionRun, data: ListedStore) -> Iterator[tuple[ShardEntry, list[PredictedCase], str | None]]:
    """Every shard with its predictions and, where it failed in this attempt or an earlier one, the error.

    A few shards are fetched ahead.
    """
    failures = {stored.key for stored in data.objects_under(keys.shard_failures(run.run_id))}

    def read(entry: ShardEntry) -> tuple[ShardEntry, list[PredictedCase], str | None]:
        key = keys.shard_failure(run.run_id, entry.shard)
        error = ShardFailure.model_validate_json(data.read(key)).error if key in failures else None
        return entry, _predictions(run, entry.shard, data), error

    entries = iter(_SHARDS.validate_json(data.read(keys.shards(run.run_id))))
    with ThreadPoolExecutor(_AHEAD) as pool:
        while batch := list(islice(entries, _AHEAD)):
            yield from pool.map(read, batch)


def _predictions(run: PredictionRun, shard: str, data: ListedStore) -> list[PredictedCase]:
    try:
        return list(read_models(data, keys.predictions(run.day.isoformat(), run.run_id, shard), PredictedCase))
    except MissingObject:
        return []


def tally_of(exports: Iterable[ExportPredicted], data: ListedStore) -> Tally:
    """The counts of all the exports."""
    tally = Tally()
    for export in exports:
        tally.add(export, data)
    return tally
