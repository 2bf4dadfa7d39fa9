"""What waits to be predicted in the seeded world, and a run of PredictCases that is under way.

The events name the model's files by their sha256: after a change of the tiny model or of the library that writes it,
`python -m tools.world_predictions` prints them anew.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Final

from plumbline import keys
from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import PatternDetector
from plumbline.contracts.api import Alternative
from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase, Case, IngestedCase, Message
from plumbline.contracts.models import ModelPointer
from plumbline.contracts.predictions import PredictedCase, PredictionRun
from plumbline.contracts.runs import RunRow, ShardEntry, ShardFailure
from plumbline.jsonl import write_line
from plumbline.ports import Ledger, ModelRegistry, ObjectStore
from tools.tiny_model import tiny_files
from tools.world_models import CATEGORIES, TASK, WORDS

DAY: Final = date(2026, 3, 3)
STARTED: Final = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
RUN, EXPORT = "predict-typical", f"{keys.DAILY}typical.jsonl"
SHARD, FAILED_SHARD = "00000", "00001"


def seed_predictions(raw: ObjectStore, data: ObjectStore, ledger: Ledger, registry: ModelRegistry) -> None:
    """An export under daily/ beside a folder and a marker; a run of it with one shard predicted and one failed."""
    cases = [*map(_case, WORDS), _case("weather")]
    raw.write(EXPORT, _lines(cases), "application/x-ndjson")
    raw.write(f"{keys.DAILY}march/", b"", "application/x-directory")
    raw.write(f"{keys.DAILY}_SUCCESS", b"")
    pointer = registry.current(TASK)
    assert pointer is not None
    run = prediction_run(pointer)
    entries, index = [], []
    for shard, own in ((SHARD, cases[:-1]), (FAILED_SHARD, cases[-1:])):
        entries.append(ShardEntry(shard=shard, cases=len(own)).model_dump())
        index += [_indexed(case, shard) for case in own]
        raw.write(keys.raw_cases(RUN, shard), _lines(own))
        data.write(keys.anonymized(RUN, shard), _lines(anonymize(own, Privacy(PatternDetector()))))
    data.write(keys.case_index(RUN), _lines(index))
    data.write(keys.shards(RUN), json.dumps(entries).encode())
    anonymized = anonymize(cases[:-1], Privacy(PatternDetector()))
    predicted = (_predicted(case, category, run) for case, category in zip(anonymized, WORDS.values(), strict=True))
    data.write(keys.predictions(DAY.isoformat(), RUN, SHARD), _lines(predicted))
    failure = ShardFailure(shard=FAILED_SHARD, error="Sandbox.Timedout")
    data.write(keys.shard_failure(RUN, FAILED_SHARD), failure.model_dump_json().encode())
    row = RunRow(run_id=RUN, task=run.ledger_task, status="RUNNING", source=EXPORT, started_at=STARTED, day=DAY)
    ledger.put_run(row)


def prediction_run(model: ModelPointer) -> PredictionRun:
    """The run as the state machine hands it on."""
    return PredictionRun(run_id=RUN, task=TASK, key=EXPORT, started_at=STARTED, day=DAY, model=model)


def _case(word: str) -> Case:
    text = f"A question of mine about the {word}, please call me back at +49 30 5550123."
    return Case(
        case_id=f"daily-{word}",
        subject=f"About the {word}",
        messages=(Message(role="customer", text=text),),
        created_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
    )


def _indexed(case: Case, shard: str) -> IngestedCase:
    return IngestedCase(case_id=case.case_id, content_hash=case.content_hash(), status="new", shard=shard)


def _predicted(case: AnonymizedCase, category: str, run: PredictionRun) -> PredictedCase:
    return PredictedCase(
        case_id=case.case_id,
        category=category,
        confidence=0.95,
        alternatives=(Alternative(category="Customer Education", confidence=0.02),),
        abstained=False,
        model_version=run.model.version,
        content_hash=str(case.content_hash),
        case_date=case.created_at.date() if case.created_at else None,
        predicted_at=STARTED,
        run_id=run.run_id,
    )


def _lines(models: Iterable[Model]) -> bytes:
    stream = BytesIO()
    for model in models:
        write_line(stream, model)
    return stream.getvalue()


if __name__ == "__main__":
    for name, content in tiny_files(CATEGORIES, WORDS).items():
        print(name, hashlib.sha256(content).hexdigest(), len(content))
