"""The model in service: loaded once, exchanged without a failed request, kept when the next one cannot be had."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from plumbline import keys
from plumbline.contracts.errors import ModelFileBroken, NoModelInService, StoreUnavailable
from plumbline.contracts.models import MODEL_FILE, ModelPointer
from plumbline.predict.classifier import Classifier
from plumbline.predict_case.current import CurrentModel
from tests.fakes import MemoryModelRegistry
from tests.unit.predict_case.models import World


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def current(world: World, clock: Clock, failures: list[str] | None = None, **changes: Any) -> CurrentModel:
    noted: list[str] = failures if failures is not None else []
    options: dict[str, Any] = {
        "registry": world.registry,
        "data": world.data,
        "cache": world.cache,
        "clock": clock,
        "refresh_failed": lambda: noted.append("failed"),
    }
    return CurrentModel("root_cause", **(options | changes))


def break_model(world: World, version: str) -> None:
    key = keys.serving("root_cause", version, MODEL_FILE)
    world.data.objects[key] = world.data.objects[key][:100]


def test_without_a_promoted_model_it_says_what_to_do(world: World, clock: Clock) -> None:
    models = current(world, clock)
    with pytest.raises(NoModelInService, match="plumbline train"):
        models.get()
    assert models.version() is None
    world.promote("v1")
    clock.now += 2
    assert models.get().pointer.version == "v1"  # no waiting for the pointer's time: nothing was serving


class Counting(MemoryModelRegistry):
    """Counts how often the pointer is read, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.error: Exception | None = None

    def current(self, task: str) -> ModelPointer | None:
        self.reads += 1
        if self.error:
            raise self.error
        return super().current(task)


@pytest.mark.parametrize("error", [None, StoreUnavailable("SSM is busy"), ModelFileBroken("no model pointer")])
def test_what_a_cold_process_read_of_the_pointer_holds_for_two_seconds(
    world: World, clock: Clock, error: Exception | None
) -> None:
    world.registry = registry = Counting()
    registry.error = error
    models = current(world, clock)
    for _ in range(20):
        with pytest.raises(type(error) if error else NoModelInService, match=str(error or "plumbline train")):
            models.get()
        if error:
            with pytest.raises(type(error)):
                models.version()
        else:
            assert models.version() is None
    assert registry.reads == 1
    registry.error = None
    world.promote("v1")
    clock.now += 1.9
    with pytest.raises((NoModelInService, StoreUnavailable, ModelFileBroken)):
        models.get()
    clock.now += 0.2
    assert models.get().pointer.version == "v1"
    assert registry.reads == 2


def test_the_health_of_a_cold_process_reads_the_pointer_once_in_two_seconds(world: World, clock: Clock) -> None:
    world.registry = registry = Counting()
    world.promote("v1")
    models = current(world, clock)
    assert {models.version() for _ in range(20)} == {"v1"}
    assert models.get().pointer.version == "v1"
    assert registry.reads == 1


def test_it_is_fetched_and_loaded_once(world: World, clock: Clock) -> None:
    world.promote("v1")
    loads: list[Path] = []

    def load(folder: Path) -> Classifier:
        loads.append(folder)
        return Classifier.load(folder)

    models = current(world, clock, load=load)
    assert models.get() is models.get()
    world.data.objects.clear()
    assert models.get().classifier.probabilities(["crash"]).argmax() == 1
    assert len(loads) == 1


def test_a_moved_pointer_is_followed_after_its_time_and_the_old_files_go(world: World, clock: Clock) -> None:
    world.promote("v1")
    models = current(world, clock, pointer_seconds=30)
    models.get()
    world.promote("v2")
    clock.now += 29
    assert models.get().pointer.version == "v1"
    clock.now += 2
    assert models.get().pointer.version == "v2"
    [folder] = world.folders()
    assert folder.startswith("v2-")


def test_the_same_model_promoted_again_is_not_loaded_again(world: World, clock: Clock) -> None:
    world.promote("v1")
    models = current(world, clock)
    before = models.get()
    world.promote("v1")
    clock.now += 31
    assert models.get() is before


@pytest.mark.parametrize("fault", ["cut short", "gone", "no graph"])
def test_a_model_that_cannot_be_loaded_leaves_the_old_one_in_service(world: World, clock: Clock, fault: str) -> None:
    world.promote("v1")
    failures: list[str] = []
    models = current(world, clock, failures)
    models.get()
    world.promote("v2")
    key = keys.serving("root_cause", "v2", MODEL_FILE)
    if fault == "gone":
        del world.data.objects[key]
    elif fault == "cut short":
        break_model(world, "v2")

    def refuses(folder: Path) -> Classifier:
        raise ModelFileBroken("no graph")

    models._load = refuses if fault == "no graph" else Classifier.load
    clock.now += 31
    assert models.get().pointer.version == "v1"
    assert failures == ["failed"]
    assert models.get().pointer.version == "v1"
    assert failures == ["failed"], "the next look is a pointer's time away"
    models._load = Classifier.load
    world.promote("v3")
    clock.now += 31
    assert models.get().pointer.version == "v3"


@pytest.mark.parametrize("error", [StoreUnavailable("SSM is busy"), RuntimeError("anything"), OSError("disk full")])
def test_a_pointer_that_cannot_be_read_leaves_the_old_one_in_service(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    world.promote("v1")
    failures: list[str] = []
    models = current(world, clock, failures)
    models.get()

    def fails(task: str) -> ModelPointer:
        raise error

    monkeypatch.setattr(world.registry, "current", fails)
    clock.now += 31
    assert models.get().pointer.version == "v1"
    assert failures == ["failed"]


def test_a_pointer_that_was_deleted_takes_no_model_out_of_service(world: World, clock: Clock) -> None:
    world.promote("v1")
    models = current(world, clock)
    models.get()
    world.registry.pointers.clear()
    clock.now += 31
    assert models.get().pointer.version == "v1"


def test_a_deleted_version_on_a_cold_start_says_what_to_do(world: World, clock: Clock) -> None:
    world.promote("v1")
    world.data.objects.clear()
    models = current(world, clock)
    with pytest.raises(ModelFileBroken, match="roll back"):
        models.get()
    with pytest.raises(ModelFileBroken, match="roll back"):
        models.version()
    assert world.folders() == []


def test_a_damaged_copy_on_this_machine_is_fetched_again(world: World, clock: Clock) -> None:
    world.promote("v1")
    current(world, clock).get()
    [model] = world.cache.glob(f"*/*/{MODEL_FILE}")
    model.write_bytes(b"half of it")
    assert current(world, clock).get().classifier.probabilities(["crash"]).argmax() == 1


def test_the_health_of_a_cold_process_loads_nothing(world: World, clock: Clock) -> None:
    world.promote("v1")
    assert current(world, clock).version() == "v1"
    assert world.folders() == []


def test_200_requests_during_a_promotion_are_all_answered(world: World, clock: Clock) -> None:
    """Each answer comes from one whole model, the old one or the new one; the swapped one answers the other way."""
    world.promote("v1")
    failures: list[str] = []
    models = current(world, clock, failures, pointer_seconds=0)
    versions: Counter[str] = Counter()
    started = threading.Barrier(9)

    def worker(requests: int) -> Iterator[tuple[str, int]]:
        started.wait()
        for _ in range(requests):
            served = models.get()
            yield served.pointer.version, int(served.classifier.probabilities(["crash"]).argmax())

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(lambda: list(worker(25))) for _ in range(8)]
        started.wait()
        for number in range(2, 8):
            world.promote(f"v{number}", swapped=number % 2 == 0)
        answers = [answer for future in futures for answer in future.result()]
    for version, category in answers:
        versions[version] += 1
        assert category == int(int(version[1:]) % 2), "a pointer of one model with the classifier of another"
    assert versions.total() == 200
    assert failures == []
    assert models.get().pointer.version == "v7"
