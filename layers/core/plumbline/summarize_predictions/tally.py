"""The counts of one day: every new case of every export is predicted or failed."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.contracts.cases import IngestedCase
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
    needs_review: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    per_day: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    confidence_sum: float = 0.0
    versions: dict[str, OfVersion] = field(default_factory=lambda: defaultdict(OfVersion))
    errors: dict[str, str] = field(default_factory=dict)
    by_run: dict[str, OfExport] = field(default_factory=dict)

    def add(self, export: ExportPredicted, data: ListedStore, *, fresh: bool) -> None:
        """Count one export, by the shards that its newest ingest has written.

        `fresh`: it was ingested by this execution, and its figures have to add up; BrokenInvariant says that they do
        not. Another execution may be ingesting any other export anew, or have broken off while it did.
        """
        run, found = export.run, OfExport()
        self.exports += 1
        if export.error:
            self.errors[run.key] = export.error
        if export.ingest:
            self.unchanged += export.ingest.unchanged
            self.rejected += export.ingest.rejected
            for shard in _shards(run, data):
                self._add_shard(shard, found)
            if fresh and found.cases != export.ingest.new:
                raise BrokenInvariant(
                    f"run {run.run_id}: {export.ingest.new} new cases were ingested, and its shards have {found.cases}"
                )
        self.cases += found.cases
        self.predicted += found.predicted
        self.abstained += found.abstained
        self.failures.update(found.failures)
        self.by_run[run.run_id] = found

    def _add_shard(self, shard: "_Shard", found: OfExport) -> None:
        missing = shard.cases - len(shard.predictions)
        found.cases += shard.cases
        found.predicted += len(shard.predictions)
        found.failures.update({shard.error or LOST: missing} if missing else {})
        if shard.error:
            found.unremembered |= {case.case_id: case.content_hash for case in shard.predictions}
        for case in shard.predictions:
            found.abstained += case.abstained
            self._add_case(case)

    @property
    def mean_confidence(self) -> float | None:
        """Over the cases that a model has read."""
        read = self.predicted - self.needs_review
        return round(self.confidence_sum / read, 4) if read else None

    def _add_case(self, case: PredictedCase) -> None:
        if case.needs_review:
            self.needs_review += 1
            return
        guess = case.category if case.category is not None else case.alternatives[0].category
        version = self.versions[case.model_version]
        version.classes[guess] += 1
        version.confidences[confidence_bin(case.confidence)] += 1
        self.confidence_sum += case.confidence
        if case.category is not None:
            self.categories[case.category] += 1
            self.per_day[case.case_date.isoformat() if case.case_date else NO_DATE][case.category] += 1


@dataclass(frozen=True, slots=True)
class _Shard:
    """A shard's predictions and, where it failed in this attempt or an earlier one, the error."""

    cases: int
    predictions: Sequence[PredictedCase]
    error: str | None


def _shards(run: PredictionRun, data: ListedStore) -> Iterator[_Shard]:
    """Every shard of the run, a few fetched ahead.

    A run that is taken up again may find fewer new cases than at first, since another export brought some of them
    meanwhile; its shards then hold other cases, and where one fails now, the predictions of the first attempt still lie
    under its name. So only predictions of the cases that the index has in the shard are its own.
    """
    failures = {stored.key for stored in data.objects_under(keys.shard_failures(run.run_id))}

    def read(entry: ShardEntry) -> tuple[ShardEntry, list[PredictedCase], str | None]:
        key = keys.shard_failure(run.run_id, entry.shard)
        error = ShardFailure.model_validate_json(data.read(key)).error if key in failures else None
        return entry, _predictions(run, entry.shard, data), error

    entries = iter(_SHARDS.validate_json(data.read(keys.shards(run.run_id))))
    members = _members(run, data)
    with ThreadPoolExecutor(_AHEAD) as pool:
        while batch := list(islice(entries, _AHEAD)):
            for entry, predictions, error in pool.map(read, batch):
                shard, hashes = next(members, ("", {}))
                known = hashes if shard == entry.shard else {}
                own = {case.case_id: case for case in predictions if known.get(case.case_id) == case.content_hash}
                yield _Shard(entry.cases, tuple(own.values()), error)


def _members(run: PredictionRun, data: ListedStore) -> Iterator[tuple[str, dict[str, str]]]:
    """Each shard with its cases' content hashes. The index stands in shard order, so one is held at a time."""
    index = read_models(data, keys.case_index(run.run_id), IngestedCase)
    new = ((case.shard, case) for case in index if case.shard is not None)
    for shard, cases in groupby(new, key=itemgetter(0)):
        yield shard, {case.case_id: case.content_hash for _, case in cases}


def _predictions(run: PredictionRun, shard: str, data: ListedStore) -> list[PredictedCase]:
    try:
        return list(read_models(data, keys.predictions(run.day.isoformat(), run.run_id, shard), PredictedCase))
    except MissingObject:
        return []


def tally_of(exports: Iterable[ExportPredicted], data: ListedStore, fresh: Container[str]) -> Tally:
    """The counts of all the exports; `fresh` has the ids of the runs that this execution ingested."""
    tally = Tally()
    for export in exports:
        tally.add(export, data, fresh=export.run.run_id in fresh)
    return tally
