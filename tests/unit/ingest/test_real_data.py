"""Real exports at size, when they lie beside the checkout; nothing of them is in the repository."""

from pathlib import Path

import pytest

from tests.unit.ingest.helpers import Ingested, run_ingest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def _real(name: str) -> Ingested:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (../shared/data)")
    return run_ingest(path.read_bytes(), name=f"incoming/{name}")


def test_labeled_cases() -> None:
    done = _real("cases6_dev.jsonl")
    assert (done.result.cases, done.result.rejected, done.result.repeated) == (2144, 0, 0)
    assert done.result.shards == 43
    assert len({line.gold_category for line in done.index}) == 6
    assert sum(len(case.messages) > 1 for case in done.cases.values()) == 634
    assert {message.role for case in done.cases.values() for message in case.messages} <= {"customer", "agent", "other"}


def test_unlabeled_threads() -> None:
    done = _real("sumo_threads_unlabelled.jsonl.gz")
    assert (done.result.cases, done.result.rejected, done.result.repeated) == (9425, 0, 0)
    assert all(case.created_at and case.messages[0].at for case in done.cases.values())


def test_tickets_in_csv() -> None:
    done = _real("random_labels_1500.csv")
    assert (done.result.cases, done.result.rejected) == (1500, 0)
    assert all(case.subject and case.messages for case in done.cases.values())
