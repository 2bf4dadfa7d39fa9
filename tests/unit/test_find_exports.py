"""Which exports wait, in which order, and under which id and day they run."""

from datetime import UTC, date, datetime, timedelta

import pytest

from plumbline.contracts.errors import InvalidEvent, MissingObject, NoModelInService
from plumbline.contracts.predictions import FindExportsTask, FoundExports, predictions_scope
from plumbline.contracts.runs import RunRow
from plumbline.find_exports import find_exports
from plumbline.settings import FindExportsSettings
from tests.fakes import MemoryLedger, MemoryModelRegistry, MemoryStore
from tests.predicting import POINTER, TASK

NOW = datetime(2026, 5, 2, 5, 0, tzinfo=UTC)
SCOPE = predictions_scope(TASK)


class _Unreadable(MemoryStore):
    """What FindExports may do with the raw bucket: list it."""

    def read(self, key: str) -> bytes:
        raise AssertionError(f"{key} was read")


class World:
    def __init__(self, **sizes: int) -> None:
        self.raw = _Unreadable()
        self.ledger, self.registry = MemoryLedger(), MemoryModelRegistry()
        self.registry.point_to(POINTER)

    def upload(self, name: str, hour: int = 0, content: bytes = b"x") -> None:
        self.raw.objects[f"daily/{name}"] = content
        self.raw.modified[f"daily/{name}"] = NOW - timedelta(hours=24 - hour)

    def find(self, now: datetime = NOW, limit: int = 50, **task: object) -> FoundExports:
        settings = FindExportsSettings(
            raw_bucket="raw", ledger_table="t", task=TASK, model_parameters="/m/", exports_per_execution=limit
        )
        event = FindExportsTask.model_validate(task)
        return find_exports(event, settings, exports=self.raw, ledger=self.ledger, registry=self.registry, now=now)

    def close(self, found: FoundExports, status: str, error: str | None = None) -> None:
        for run in found.runs:
            row = self.ledger.rows[SCOPE, run.run_id]
            self.ledger.put_run(RunRow.model_validate(row.model_dump() | {"status": status, "error": error}))


def names(found: FoundExports) -> list[str]:
    return [run.key.removeprefix("daily/") for run in found.runs]


def test_oldest_first_without_folders_and_markers() -> None:
    world = World()
    for name, hour in (
        ("new.csv", 9),
        ("old.csv", 1),
        ("march/", 0),
        ("_SUCCESS", 0),
        (".DS_Store", 0),
        ("m/e.csv", 5),
    ):
        world.upload(name, hour)
    world.raw.objects["incoming/other.csv"] = b"x"
    found = world.find()
    assert names(found) == ["old.csv", "m/e.csv", "new.csv"]
    assert {run.model for run in found.runs} == {POINTER}
    assert {row.status for row in world.ledger.rows.values()} == {"RUNNING"}


def test_a_batch_is_bounded_and_says_what_is_left() -> None:
    world = World()
    for number in range(5):
        world.upload(f"{number}.csv", number)
    found = world.find(limit=2)
    assert (names(found), found.left) == (["0.csv", "1.csv"], 3)
    world.close(found, "SUCCEEDED")
    assert names(world.find(limit=2)) == ["2.csv", "3.csv"]


def test_exports_that_fail_again_and_again_keep_no_new_one_waiting() -> None:
    world = World()
    for number in range(3):
        world.upload(f"{number}.csv", number)
    tried = world.find(limit=2)
    world.close(tried, "FAILED", "StoreUnavailable")
    world.upload("new.csv", 9)
    found = world.find(limit=3)
    assert names(found) == ["2.csv", "new.csv", "0.csv"]
    assert found.left == 1


def test_an_export_is_done_once_predicted_until_it_changes_or_is_forced() -> None:
    world = World()
    world.upload("a.csv")
    first = world.find()
    world.close(first, "SUCCEEDED")
    assert world.find().runs == ()
    assert world.find(key="daily/a.csv").runs == ()
    [forced] = world.find(now=NOW + timedelta(days=1), key="daily/a.csv", force=True).runs
    assert (forced.run_id, forced.force, forced.day) == (first.runs[0].run_id, True, date(2026, 5, 3))
    world.close(first, "SUCCEEDED")
    world.upload("a.csv", content=b"y")
    [again] = world.find().runs
    assert again.run_id != first.runs[0].run_id


@pytest.mark.parametrize(("status", "error"), [("RUNNING", None), ("FAILED", "StoreUnavailable")])
def test_what_broke_off_is_taken_up_again_under_its_own_id_and_day(status: str, error: str | None) -> None:
    world = World()
    world.upload("a.csv")
    first = world.find()
    world.close(first, status, error)
    [run] = world.find(now=NOW + timedelta(days=1)).runs
    assert (run.run_id, run.day, run.started_at) == (first.runs[0].run_id, date(2026, 5, 2), NOW)


@pytest.mark.parametrize("error", ["InvalidCaseFile", "InvalidMapping"])
def test_what_stays_wrong_is_tried_again_only_when_asked_for(error: str) -> None:
    world = World()
    world.upload("a.csv")
    world.close(world.find(), "FAILED", error)
    assert world.find().runs == ()
    assert names(world.find(key="daily/a.csv")) == ["a.csv"]


def test_one_key_is_one_export_whatever_begins_like_it() -> None:
    world = World()
    world.upload("a.csv")
    world.upload("a.csv.gz")
    assert names(world.find(key="daily/a.csv")) == ["a.csv"]


def test_a_key_that_is_elsewhere_or_nowhere_is_refused() -> None:
    world = World()
    with pytest.raises(InvalidEvent, match="daily/"):
        world.find(key="incoming/a.csv")
    with pytest.raises(MissingObject, match=r"daily/a\.csv"):
        world.find(key="daily/a.csv")


def test_without_a_model_it_says_what_to_do_but_only_where_something_waits() -> None:
    world = World()
    world.registry.pointers.clear()
    assert world.find().runs == ()
    world.upload("a.csv")
    with pytest.raises(NoModelInService, match=r"^1 export waits under .*plumbline train"):
        world.find()
    assert not world.ledger.rows


def test_the_day_may_be_named() -> None:
    world = World()
    world.upload("a.csv")
    found = world.find(day="2026-01-31")
    assert (found.day, found.runs[0].day) == (date(2026, 1, 31), date(2026, 1, 31))
