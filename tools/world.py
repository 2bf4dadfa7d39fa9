"""A small finished world: whatever any function of the template wants to find, so that each runs on its event alone.

What is in it follows from the contracts and the sample cases; the events under events/ name its runs and keys.
"""

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from plumbline import keys
from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import PatternDetector
from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase, Case, IngestedCase, Message
from plumbline.contracts.datasets import DatasetManifest, SplitFile
from plumbline.contracts.labels import Label, Lineage, Outcome, Unparsed
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import Reply, Usage
from plumbline.contracts.runs import IngestResult, RunRequest, RunRow, ShardEntry, ShardFailure
from plumbline.contracts.summary import Cost, RunSummary
from plumbline.jsonl import write_line
from plumbline.ports import Ledger, ModelRegistry, ObjectStore, Workflow
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.start_run import run_id_of
from tools.world_batch import seed_batches
from tools.world_models import seed_models
from tools.world_predictions import seed_predictions
from tools.world_selection import seed_backlog

ROOT: Final = Path(__file__).parents[1]
TASK, VERSION = "root_cause", "v3"
MODEL_ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PER_CLASS = 3
SHARD, FAILED_SHARD, HELD_SHARD, THROTTLED_SHARD = "00000", "00001", "00008", "00009"
THROTTLED_TEXT = "The model is asked about this case once too often."
HELD_TEXT = "Boxed as 789456123, says Dr. Lewis."  # nobody can tell what number that is: a person has to look first

# Runs, uploads and datasets by the part they play; events/ spells the same names.
TYPICAL, WITH_FAILED_SHARD, ALL_FAILED = "run-typical", "run-with-failed-shard", "run-all-failed"
EXPORT, EMPTY_EXPORT, STARTED_EXPORT = "incoming/typical.jsonl", "incoming/empty.csv", "incoming/started.jsonl"
FOLDER, DROPPED_MANIFEST = "incoming/march/", f"{keys.MANIFESTS}typical.json"
DATASET, SMALL_DATASET, CUT_DATASET, GONE_DATASET = "typical", "too-small", "cut-short", "file-gone"
# The bucket and etag that the event of the upload that has a run already speaks of.
EVENT_BUCKET, EVENT_ETAG = "plumbline-raw", "0f343b0931126a20f133d67c2b018a3b"
# What events call the data bucket; a training job's event is for the stack whose bucket it names.
EVENT_DATA_BUCKET = "plumbline-data"

# What a scripted stand-in model does in this world: it answers, but never about the one case.
SCRIPT: Final = {"rules": [{"do": "fault", "code": "ThrottlingException", "contains": THROTTLED_TEXT}]}
# What a deployment sets that also trains.
PARAMETERS: Final = {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/training:latest"}
# A state machine in the place of LabelCases: that a run was started is to be seen, not what becomes of it.
DO_NOTHING: Final = json.dumps({"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}})


@dataclass(frozen=True)
class _Shard:
    """One shard's cases with what became of each: a category, or None for a reply that nobody can read."""

    name: str
    cases: tuple[tuple[Case, str | None], ...]
    error: str | None = None


def seed(raw: ObjectStore, data: ObjectStore, ledger: Ledger, workflow: Workflow, registry: ModelRegistry) -> None:
    """Put the world into two empty buckets, an empty ledger and registry, and a state machine that has not run yet."""
    labeled = _samples(PER_CLASS)
    *new, unreadable, unchanged = labeled
    shard = _Shard(SHARD, (*((case, case.gold_category) for case in new), (unreadable, None)))
    _put_run(TYPICAL, [shard], raw, data, unchanged=unchanged)
    _put_run(WITH_FAILED_SHARD, _one_shard_failed(new[:4]), raw, data)
    _put_run(ALL_FAILED, [_Shard(FAILED_SHARD, ((new[0], None),), "ModelAccessDenied")], raw, data)
    throttled = Case(case_id="throttled", messages=(Message(role="customer", text=THROTTLED_TEXT),))
    _put_cases(TYPICAL, _Shard(THROTTLED_SHARD, ((throttled, None),)), raw, data)
    held = Case(case_id="held", messages=(Message(role="customer", text=HELD_TEXT),))
    raw.write(keys.raw_cases(TYPICAL, HELD_SHARD), _lines([held, new[0]]))
    _put_outcomes(shard, unchanged, data)
    _put_datasets(data)
    others = [case for case in _samples(2 * PER_CLASS) if case not in labeled]
    masked = _anonymized(_Shard(SHARD, tuple((case, None) for case in others)))
    seed_backlog(masked, data)
    seed_batches(masked, _prompt(), run("of-a-batch"), data)
    seed_models(data, registry)
    seed_predictions(raw, data, ledger, registry)
    raw.write(EXPORT, _lines(labeled) + b'{"subject": "a row without an id"}\n', "application/x-ndjson")
    raw.write(EMPTY_EXPORT, b"", "text/csv")
    raw.write(STARTED_EXPORT, _lines(labeled[:1]), "application/x-ndjson")
    raw.write(FOLDER, b"", "application/x-directory")
    ledger.put_run(RunRow(run_id=TYPICAL, task=TASK, status="RUNNING", source=EXPORT, started_at=STARTED))
    ledger.record_labeled(TASK, "run-earlier", {unchanged.case_id: unchanged.content_hash()})
    workflow.start(run(run_id_of(EVENT_BUCKET, STARTED_EXPORT, EVENT_ETAG), key=STARTED_EXPORT))


def run(run_id: str, **changes: Any) -> RunRequest:
    """A run of the world as the state machine's input has it."""
    fields = {
        "run_id": run_id,
        "task": TASK,
        "prompt_version": VERSION,
        "model_id": MODEL_ID,
        "key": EXPORT,
        "target_per_class": PER_CLASS,
        "budget_usd": 5.0,
        "started_at": STARTED,
    }
    return RunRequest.model_validate(fields | changes)


def prompt_ref() -> PromptRef:
    """The prompt of every reply in the world."""
    return _prompt().ref


@functools.cache
def _prompt() -> LoadedPrompt:
    return load_prompt(ROOT / "prompts", TASK, VERSION)


def _samples(per_class: int) -> list[Case]:
    """The first cases of each class, then two more: one whose reply nobody can read, one that has not changed."""
    with (ROOT / "samples" / "cases.jsonl").open("rb") as lines:
        cases = [Case.model_validate_json(line) for line in lines]
    chosen: dict[str, list[Case]] = {}
    for case in cases:
        chosen.setdefault(str(case.gold_category), []).append(case)
    firsts = [case for group in chosen.values() for case in group[:per_class]]
    return [*firsts, *next(iter(chosen.values()))[per_class : per_class + 2]]


def _one_shard_failed(cases: list[Case]) -> list[_Shard]:
    good, lost = cases[:2], cases[2:]
    return [
        _Shard(SHARD, tuple((case, case.gold_category) for case in good)),
        _Shard(FAILED_SHARD, tuple((case, None) for case in lost), "ModelThrottled"),
    ]


def _put_run(
    run_id: str, shards: list[_Shard], raw: ObjectStore, data: ObjectStore, unchanged: Case | None = None
) -> None:
    index = [_indexed(case, shard.name) for shard in shards for case, _ in shard.cases]
    data.write(keys.case_index(run_id), _lines([*index, *([_indexed(unchanged, None)] if unchanged else [])]))
    entries = [ShardEntry(shard=shard.name, cases=len(shard.cases)) for shard in shards]
    data.write(keys.shards(run_id), json.dumps([entry.model_dump() for entry in entries]).encode())
    for shard in shards:
        _put_cases(run_id, shard, raw, data)
        if shard.error:
            error = ShardFailure(shard=shard.name, error=shard.error)
            data.write(keys.shard_failure(run_id, shard.name), error.model_dump_json().encode())
        else:
            _put_labels(run_id, shard, data)


def _put_cases(run_id: str, shard: _Shard, raw: ObjectStore, data: ObjectStore) -> None:
    raw.write(keys.raw_cases(run_id, shard.name), _lines(case for case, _ in shard.cases))
    data.write(keys.anonymized(run_id, shard.name), _lines(_anonymized(shard)))


def _put_labels(run_id: str, shard: _Shard, data: ObjectStore) -> None:
    replies = [_reply(case.case_id, category) for case, category in shard.cases]
    labels = [_label(case.case_id, category, run_id) for case, category in shard.cases if category]
    unparsed = [Unparsed(case_id=case.case_id, attempt=0, reason="no category") for case, c in shard.cases if not c]
    data.write(keys.replies(run_id, shard.name), _lines(replies))
    data.write(keys.labels(run_id, shard.name), _lines(labels))
    data.write(keys.unparsed(run_id, shard.name), _lines(unparsed))


def _put_outcomes(shard: _Shard, unchanged: Case, data: ObjectStore) -> None:
    """What Collate leaves of the typical run."""
    outcomes = [
        Outcome(
            case_id=case.case_id,
            outcome="labeled" if category else "dropped",
            reason=None if category else "no category",
            shard=shard.name,
            content_hash=case.content_hash(),
            category=category,
            confidence=0.9 if category else None,
            gold_category=case.gold_category,
            fingerprint=anonymized.fingerprint,
        )
        for (case, category), anonymized in zip(shard.cases, _anonymized(shard), strict=True)
    ]
    same = Outcome(case_id=unchanged.case_id, outcome="unchanged", content_hash=unchanged.content_hash())
    data.write(keys.outcomes(TYPICAL), _lines([*outcomes, same]))
    data.write(keys.summary(TYPICAL), _summary(shard).model_dump_json().encode())


def _summary(shard: _Shard) -> RunSummary:
    new, labeled = len(shard.cases), sum(category is not None for _, category in shard.cases)
    return RunSummary(
        run_id=TYPICAL,
        task=TASK,
        status="RUNNING",
        prompt=prompt_ref(),
        model_id=MODEL_ID,
        source=EXPORT,
        started_at=STARTED,
        finished_at=STARTED + timedelta(minutes=4),
        ingest=IngestResult(
            cases=new + 1,
            new=new,
            unchanged=1,
            rejected=1,
            reject_reasons={"no case id": 1},
            cut=0,
            shards=1,
            file_format="jsonl",
            file_bytes=20_000,
            estimated_usd=0.1,
        ),
        outcomes={"labeled": labeled, "needs_review": 0, "dropped": new - labeled, "failed": 0, "unchanged": 1},
        repairs={},
        close_calls=0,
        model_calls=new,
        reused_calls=0,
        usage=Usage(input_tokens=2000 * new, output_tokens=80 * new),
        cost=Cost(usd=0.05, saved_by_reuse_usd=0.0, prices_as_of=None, human_hours=new / 12, minutes_per_case=5),
        budget_usd=5.0,
        classes=dict.fromkeys((category for _, category in shard.cases if category), PER_CLASS),
        entities={"EMAIL": 2},
    )


def _put_datasets(data: ObjectStore) -> None:
    """A dataset that can be trained, one with a class too small to be in every split, and two with a file amiss."""
    categories = _prompt().prompt.category_names
    everything = dict.fromkeys(categories, 1)
    for version in (DATASET, SMALL_DATASET, CUT_DATASET, GONE_DATASET):
        in_test = dict.fromkeys(categories[1:], 1) if version == SMALL_DATASET else everything
        counts = {"train": everything, "validation": everything, "test": in_test}
        files = []
        for split, per_class in counts.items():
            key = keys.dataset_split(TASK, version, split)
            if (version, split) != (GONE_DATASET, "train"):
                data.write(key, b"")
            size = int((version, split) == (CUT_DATASET, "test"))
            fields = {"split": split, "key": key, "sha256": "0" * 64, "bytes": size, "rows": sum(per_class.values())}
            files.append(SplitFile.model_validate(fields | {"per_class": per_class}))
        manifest = DatasetManifest(
            task=TASK,
            version=version,
            created_at=STARTED,
            verdict="balanced",
            target_per_class=PER_CLASS,
            categories=categories,
            per_class=dict.fromkeys(categories, PER_CLASS),
            files=tuple(files),
            prompts=(prompt_ref(),),
            model_ids=(MODEL_ID,),
            run_ids=(TYPICAL,),
            near_duplicates_left_out=0,
        )
        for target in (keys.dataset_manifest(TASK, version), *([DROPPED_MANIFEST] if version == DATASET else [])):
            data.write(target, manifest.model_dump_json().encode())


@functools.cache
def _anonymized(shard: _Shard) -> tuple[AnonymizedCase, ...]:
    """All of them went on to the model: what the recognisers would rather show a person changes from time to time."""
    masked = anonymize((case for case, _ in shard.cases), Privacy(PatternDetector()))
    return tuple(case.model_copy(update={"review": ()}) for case in masked)


def _indexed(case: Case, shard: str | None) -> IngestedCase:
    return IngestedCase(
        case_id=case.case_id,
        content_hash=case.content_hash(),
        status="new" if shard else "unchanged",
        shard=shard,
        gold_category=case.gold_category,
    )


def _reply(case_id: str, category: str | None) -> Reply:
    text = f"<reasoning>It says so.</reasoning><category>{category}</category><runner_up>none</runner_up>"
    return Reply(
        case_id=case_id,
        text=text if category else "I would rather not say.",
        stop_reason="end_turn",
        usage=Usage(input_tokens=2000, output_tokens=80),
        model_id=MODEL_ID,
        prompt=prompt_ref(),
        attempt=0,
    )


def _label(case_id: str, category: str, run_id: str) -> Label:
    lineage = Lineage(prompt=prompt_ref(), model_id=MODEL_ID, run_id=run_id)
    return Label(case_id=case_id, category=category, reasoning="It says so.", confidence=0.9, lineage=lineage)


def _lines(models: Iterable[Model]) -> bytes:
    stream = BytesIO()
    for model in models:
        write_line(stream, model)
    return stream.getvalue()
