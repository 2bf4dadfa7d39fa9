"""A run whose cases people review, in a moto bucket, and a workbook filled in as a person would."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from cli.review_sheet import HEAD_ROW, HEADS, REVIEW
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.confidence import Signals
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE, Label, Lineage, Outcome
from plumbline.contracts.runs import RunRow
from plumbline.jsonl import write_models
from tests import builders as b
from tests.unit.report.summaries import summary_of

RUN = "run-4f2a"
COLUMN = {field: place for place, field in enumerate(HEADS, 1)}
BILLING, DEFECT, EDUCATION = b.CATEGORIES


def fingerprint(name: str) -> str:
    """A fingerprint that is near no other."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def store_run(stack: Stack, cases: Mapping[str, Mapping[str, Any]], *, run_id: str = RUN) -> Stack:
    """A run with these cases by id: text, category, reasoning, confidence, reason (needs_review), signals, twin."""
    data = S3ObjectStore(stack.data_bucket)
    outcomes: list[Outcome] = []
    labels: list[Label] = []
    texts: list[AnonymizedCase] = []
    for case_id, given in cases.items():
        reason = given.get("reason")
        category = given.get("category", BILLING)
        print_ = fingerprint(given.get("twin", case_id))
        confidence = given.get("confidence", 0.9)
        outcomes.append(
            Outcome(
                case_id=case_id,
                outcome="needs_review" if reason else "labeled",
                reason=reason,
                shard="00000",
                content_hash=f"hash-{case_id}",
                category=None if reason == FITS_NO_CATEGORY else category,
                confidence=confidence,
                calibrated=reason == LOW_CONFIDENCE,
                close_call=given.get("close_call", False),
                gold_category=given.get("gold"),
                fingerprint=print_,
            )
        )
        labels.append(
            Label(
                case_id=case_id,
                category=category,
                reasoning=given.get("reasoning", "because"),
                runner_up=DEFECT if given.get("close_call") else None,
                confidence=confidence,
                signals=Signals(runner_up=False, votes_for=given.get("votes_for")),
                lineage=Lineage(prompt=b.REF, model_id="local.test", run_id=run_id),
            )
        )
        texts.append(b.case(case_id, given.get("text", f"text of {case_id}"), print_))
    write_models(data, keys.anonymized(run_id, "00000"), texts)
    write_models(data, keys.labels(run_id, "00000"), labels)
    write_models(data, keys.outcomes(run_id), outcomes)
    classes = dict.fromkeys(b.CATEGORIES, 1)
    summary = summary_of(
        run_id=run_id, task="root_cause", prompt=b.REF, model_id="local.test", status="SUCCEEDED", classes=classes
    )
    data.write(keys.summary(run_id), summary.model_dump_json().encode())
    row = RunRow(run_id=run_id, task="root_cause", status="SUCCEEDED", source="incoming/a.csv", started_at=b.NOW)
    DynamoLedger(stack.ledger_table).put_run(row)
    return stack


def edit(path: Path, changes: Iterable[tuple[int, str, Any]]) -> None:
    """Write into cells (row of the case from 0, field, value) and save, as a person would."""
    book = load_workbook(path)
    for row, field, value in changes:
        book[REVIEW].cell(HEAD_ROW + 1 + row, COLUMN[field]).value = value
    book.save(path)


def column(path: Path, field: str) -> list[Any]:
    """What stands in a field's column, from the first case on."""
    page = load_workbook(path)[REVIEW]
    return [page.cell(row, COLUMN[field]).value for row in range(HEAD_ROW + 1, page.max_row + 1)]
