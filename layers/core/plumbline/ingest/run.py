"""The ingest stage: one uploaded file into shards of new cases, an index of all of them, and the rows left out."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import IO

from plumbline import keys
from plumbline.contracts.cases import Reject
from plumbline.contracts.errors import BrokenInvariant, BudgetExceeded, InvalidCaseFile, MissingObject
from plumbline.contracts.runs import IngestRecord, IngestResult, RunBase, RunRequest, ShardEntry
from plumbline.estimate import Decision, EstimateUsd, Load, decide, starts_of
from plumbline.ingest.cases import CaseStream, read_cases
from plumbline.ingest.cut import cut_case
from plumbline.ingest.formats import open_rows
from plumbline.ingest.ground_truth import fetcher, is_manifest, unwrap
from plumbline.ingest.mapping import load_mapping, unfound
from plumbline.ingest.options import IngestSettings
from plumbline.ingest.placing import Placing, Tally
from plumbline.ingest.profiles import GENERIC, Profile, known_names, recognise
from plumbline.ingest.refusals import no_column, nothing_usable
from plumbline.ingest.rows import BadRow, Reason, Row, Rows
from plumbline.ingest.seen import Seen
from plumbline.ingest.source import Source, open_source
from plumbline.ingest.values import name_list, normal_name
from plumbline.jsonl import write_line
from plumbline.ports import KnownCases, ObjectStore

_SAMPLE_ROWS = 50
_SAMPLE_CHARS = 1_000_000


def ingest(
    run: RunBase,
    *,
    raw: ObjectStore,
    data: ObjectStore,
    ledger: KnownCases,
    settings: IngestSettings,
    estimate_usd: EstimateUsd | None,
) -> IngestResult:
    """Read the run's file once, as a stream, and write what the later stages work on.

    Writes shards of new cases and the rejects to `raw`, the index of all cases and the list of shards to `data`, and of
    a run that labels, last, what it found (`keys.ingested`). Each
    row (or run of rows of one id) ends as one case, one reject or one repeat; the counts are checked. A case whose
    content hash the ledger knows is `unchanged` and in no shard, unless `run.force`. `estimate_usd` prices the labeling
    of the new cases on each road; None where no price is known. The result says which road the run takes, and above the
    run's budget how many cases it affords: SelectNext chooses them. A run that predicts has no budget, and in the
    ledger a scope of its own.

    Raises InvalidCaseFile for a file that is gone, unreadable or without one usable row, InvalidMapping, and
    BudgetExceeded where the budget does not afford a single case, always before the list of shards is written.
    """
    mapped = load_mapping(raw, run.mapping_key).profile() if run.mapping_key else None
    try:
        with _opened(raw, run) as stream:
            source = open_source(stream)
            reading = _read(source, run, raw, settings, mapped)
            tally = _sort(reading, run, raw, data, ledger, settings)
            file_bytes = source.meter.bytes_read
        if not tally.cases:
            raise nothing_usable(tally.records, tally.reasons, reading.found, reading.unfound, keys.rejects(run.run_id))
    except InvalidCaseFile as error:
        raise InvalidCaseFile(f"{run.key}: {error}") from None
    decision = Decision(road="on_demand", reason="", usd=None, affordable=None)
    if isinstance(run, RunRequest) and estimate_usd:
        decision = _decided(tally, run, settings, estimate_usd)
    entries = [ShardEntry(shard=shard, cases=cases) for shard, cases in tally.shards]
    data.write(keys.shards(run.run_id), json.dumps([entry.model_dump() for entry in entries]).encode())
    result = _result(reading, tally, decision, file_bytes)
    if isinstance(run, RunRequest):
        data.write(keys.ingested(run.run_id), IngestRecord(run=run, ingest=result).model_dump_json().encode())
    return result


@dataclass(frozen=True, slots=True)
class _Reading:
    """An opened file: its cases to come, the format found, in words the fields of its first rows, and the field and
    path of the mapping that none of them has."""

    cases: CaseStream
    file_format: str
    found: str
    unfound: tuple[str, str] | None


def _result(reading: _Reading, tally: Tally, decision: Decision, file_bytes: int) -> IngestResult:
    return IngestResult(
        cases=tally.cases,
        new=tally.new,
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        reject_reasons={reason.value: count for reason, count in tally.reasons.most_common()},
        repeated=tally.repeated,
        cut=tally.cut,
        shards=len(tally.shards),
        file_format=reading.file_format,
        file_bytes=file_bytes,
        estimated_usd=decision.usd,
        affordable=decision.affordable,
        case_tokens=tally.tokens.total,
        road=decision.road,
        road_reason=decision.reason,
    )


def _opened(raw: ObjectStore, run: RunBase) -> closing[IO[bytes]]:
    try:
        return closing(raw.open(run.key, run.version_id))
    except MissingObject:
        raise InvalidCaseFile(
            "the file is not in the raw bucket any more (deleted or expired before it was read?); upload it again"
        ) from None


def _read(source: Source, run: RunBase, raw: ObjectStore, settings: IngestSettings, mapped: Profile | None) -> _Reading:
    known = known_names()
    if mapped:
        paths = (*mapped.case_id, *mapped.subject, *mapped.text, *mapped.messages.text)
        known |= {normal_name(path) for path in paths}
    file_format, rows = open_rows(source, run.key, known, settings.max_row_bytes)
    sample = list(_sample(rows))
    rows = chain(sample, rows)
    profile = mapped
    if profile is None and any(isinstance(row, Row) and is_manifest(row.fields) for row in sample):
        fetch = fetcher(raw, settings.raw_bucket, settings.max_row_bytes)
        sources = (row if isinstance(row, BadRow) else unwrap(row, fetch) for row in rows)
        sample = list(_through_first_row(sources))
        rows = chain(sample, sources)
        file_format += "/ground-truth"
    readable = [row for row in sample if isinstance(row, Row)]
    columns = list(dict.fromkeys(name for row in readable for name in row.fields))
    found = name_list(columns, known)
    missing = unfound(mapped, readable) if mapped and readable else None
    if missing and file_format.startswith("csv"):  # each row has every column; other formats leave out what is empty
        raise no_column(*missing, found)
    if profile is None:
        profile = recognise(columns) if columns else GENERIC
    cases = read_cases(rows, profile, settings.max_row_bytes)
    return _Reading(cases, f"{file_format}/{profile.name}", found, missing)


def _sample(rows: Rows) -> Rows:
    """The first rows, as many as it takes to know the file's fields and few enough to hold."""
    readable = size = 0
    for row in rows:
        yield row
        if isinstance(row, Row):
            readable += 1
            size += row.size
        if readable == _SAMPLE_ROWS or size > _SAMPLE_CHARS:
            return


def _through_first_row(rows: Iterator[Row | BadRow]) -> Rows:
    for row in rows:
        yield row
        if isinstance(row, Row):
            return


def _sort(
    reading: _Reading, run: RunBase, raw: ObjectStore, data: ObjectStore, ledger: KnownCases, settings: IngestSettings
) -> Tally:
    """Send every record to its place: a shard and the index, the index alone, the rejects, or the count of repeats."""
    tally = Tally()
    with (
        raw.writer(keys.rejects(run.run_id)) as rejects,
        data.writer(keys.case_index(run.run_id)) as index,
        Seen() as seen,
    ):
        placing = Placing(run, raw, ledger, index, settings, tally)
        for item in reading.cases:
            tally.records += 1
            if isinstance(item, BadRow):
                _reject(rejects, item, tally)
                continue
            content_hash = item.case.content_hash()
            sighting = seen.note(item.case.case_id, content_hash)
            if sighting == "new":
                placing.add(cut_case(item.case, settings.max_case_tokens), content_hash)
            elif sighting == "repeated":
                tally.repeated += 1
            else:
                _reject(rejects, BadRow(item.line, Reason.DUPLICATE, case_id=item.case.case_id), tally)
        placing.finish()
    if tally.records != tally.cases + tally.rejected + tally.repeated:
        raise BrokenInvariant(
            f"ingest of run {run.run_id}: {tally.records} rows are not {tally.cases} cases + {tally.rejected} "
            f"rejected + {tally.repeated} repeated"
        )
    return tally


def _reject(rejects: IO[bytes], row: BadRow, tally: Tally) -> None:
    tally.reasons[row.reason] += 1
    write_line(rejects, Reject(line=row.line, reason=row.reason.value, detail=row.detail, case_id=row.case_id))


def _decided(tally: Tally, run: RunRequest, settings: IngestSettings, estimate_usd: EstimateUsd) -> Decision:
    """The road, the estimate for all new cases, and how many of them the budget affords; None for all of them."""
    load = Load(
        cases=tally.new,
        case_tokens=tally.tokens.total,
        prefix_tokens=settings.prompt_tokens,
        answer_tokens=settings.answer_tokens,
        asks=1 + run.vote_samples,  # the most that it can be: where the run votes, every label may be uncertain
        starts=starts_of(tally.new, run.map_concurrency),
    )
    decision = decide(
        load,
        estimate_usd,
        mode=run.mode,
        budget_usd=run.budget_usd,
        batch_from=settings.batch_from,
        model_has_batch=settings.model_has_batch,
        in_a_hurry=run.fail_fast,
    )
    if decision.affordable == 0:
        raise BudgetExceeded(
            f"{run.key}: labeling its {tally.new:,} new cases is estimated at ${decision.usd or 0:,.2f} "
            f"({load.input_tokens:,} input and {load.output_tokens:,} output tokens of {run.model_id}); the run's "
            f"budget of ${run.budget_usd:,.2f} does not afford a single one, and nothing was spent. Raise the budget, "
            "or take a cheaper model"
        )
    return decision
