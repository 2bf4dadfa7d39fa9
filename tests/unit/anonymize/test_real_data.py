"""Recall on real support threads with made-up personal data put in (not part of the repository).

`python -m pytest tests/unit/anonymize/test_real_data.py -s` prints the table.
"""

import gzip
import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from plumbline.anonymize import Privacy, anonymize_in_memory
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.cases import Case, Message

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "pii_injected_dev.jsonl.gz"
# Well below what was measured (docs/privacy.md), so that a break shows and noise does not.
FLOORS = {"PERSON": 0.93, "EMAIL": 0.98, "PHONE": 0.93, "CREDIT_CARD": 0.95, "IBAN": 0.98, "IP": 0.98, "US_SSN": 0.95}


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/pii_injected_dev.jsonl.gz is not there")
def test_recall() -> None:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:80]
    texts = [turn["text"] for row in rows for turn in row["turns"]]
    started = time.process_time()
    found = list(SpacyDetector().find(texts))
    rate = sum(map(len, texts)) / (time.process_time() - started)
    gold, hit = Counter[str](), Counter[str]()
    for turn, spans in zip((turn for row in rows for turn in row["turns"]), found, strict=True):
        for span in turn["spans"]:
            covered = sum(max(0, min(end, span["end"]) - max(start, span["start"])) for start, end, _ in spans)
            gold[span["type"]] += 1
            hit[span["type"]] += covered >= 0.8 * (span["end"] - span["start"])
    table = [f"{kind:12} {hit[kind]:5} of {count:5} = {hit[kind] / count:.3f}" for kind, count in gold.most_common()]
    sys.stdout.write("\n".join(["", f"{rate:,.0f} characters per CPU second, model load included", *table, ""]))
    assert {kind for kind, floor in FLOORS.items() if hit[kind] < floor * gold[kind]} == set()


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/pii_injected_dev.jsonl.gz is not there")
def test_no_value_with_a_shape_of_its_own_is_left_in_a_case() -> None:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][80:120]
    cases = [
        Case(
            case_id=row["id"],
            subject=row["title"],
            messages=tuple(Message(role=turn["role"], text=turn["text"]) for turn in row["turns"]),
        )
        for row in rows
    ]
    left = Counter[str]()
    privacy = Privacy(SpacyDetector())
    for row, case in zip(rows, cases, strict=True):
        stored = anonymize_in_memory(case, privacy, check=False).model_dump_json()
        for span in (span for turn in row["turns"] for span in turn["spans"]):
            left[span["type"]] += span["value"] in stored
    assert {
        kind: left[kind] for kind in ("EMAIL", "IBAN", "CREDIT_CARD", "US_SSN", "IP", "USERNAME") if left[kind]
    } == {}
