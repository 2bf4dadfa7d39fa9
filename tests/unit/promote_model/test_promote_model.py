"""Promotion from the event to the pointer, with real (tiny) ONNX models and stores in memory."""

import importlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plumbline import keys
from plumbline.contracts.errors import ModelFileBroken, StoreUnavailable
from plumbline.contracts.models import (
    CARD_FILE,
    CLASSIFIER_FILE,
    MODEL_FILE,
    SERVING_FILES,
    DatasetRef,
    ModelPointer,
    ModelRow,
)
from plumbline.promote_model import promote_model
from plumbline.promote_model.event import EndedJob
from plumbline.promote_model.gate import Gate
from tests.fakes import MemoryModelRegistry, MemoryStore
from tools import world_models as w
from tools.tiny_model import MADE, put_in_service, tiny_artifact, tiny_files, with_card

promotion = importlib.import_module("plumbline.promote_model")
GATE = Gate(min_accuracy=0.7, min_macro_f1=0.65)
TASK = w.TASK


class World:
    """The seeded models, and what promotion says of a job."""

    def __init__(self) -> None:
        self.data, self.registry = MemoryStore(), MemoryModelRegistry()
        w.seed_models(self.data, self.registry)
        self.minutes = 0

    def promote(self, version: str, task: str = TASK, gate: Gate = GATE, **changes: Any) -> Any:
        self.minutes += 1
        job = EndedJob.model_validate({"task": task, "version": version, "status": "Completed"} | changes)
        now = MADE + timedelta(minutes=self.minutes)
        return promote_model(job, data=self.data, registry=self.registry, gate=gate, now=now)

    def row(self, version: str, task: str = TASK) -> Any:
        return self.registry.recorded[task, version]

    @property
    def serving(self) -> str:
        current = self.registry.current(TASK)
        assert current
        return current.version

    def put(
        self, version: str, words: Mapping[str, str], dataset: DatasetRef, categories: Sequence[str] = w.CATEGORIES
    ) -> None:
        w.put_artifact(self.data, version, categories, words, dataset)

    def dataset(self, name: str = "own", words: Mapping[str, str] = w.WORDS) -> DatasetRef:
        return w.put_dataset(self.data, name, words)


@pytest.fixture
def world() -> World:
    return World()


def test_a_better_model_serves_from_now_on(world: World) -> None:
    assert world.promote(w.BETTER).status == "promoted"
    pointer = world.registry.current(TASK)
    assert pointer is not None
    assert (pointer.version, pointer.previous, pointer.why) == (w.BETTER, w.IN_SERVICE, "gate")
    assert [file.name for file in pointer.files] == list(SERVING_FILES)
    for file in pointer.files:
        assert len(world.data.read(pointer.prefix + file.name)) == file.bytes
    row = world.row(w.BETTER)
    assert (row.accuracy.value, row.macro_f1, row.accuracy.n) == (1.0, 1.0, 70)
    assert row.comparison.current == w.IN_SERVICE
    assert (row.comparison.only_candidate, row.comparison.only_current) == (10, 0)
    assert row.dataset_version == w.JUDGED_SET


def test_a_worse_model_is_rejected_with_reasons_and_the_old_one_stays(world: World) -> None:
    result = world.promote(w.WORSE)
    assert result.status == "rejected"
    assert world.serving == w.IN_SERVICE
    said = "; ".join(result.reasons)
    assert "accuracy 0.0% on 70 test cases is below the gate of 70.0%" in said
    assert "macro-F1 0.000 is below the gate of 0.650" in said
    assert f"accuracy is worse than {w.IN_SERVICE} beyond noise" in said
    assert world.row(w.WORSE).files, "a rejected model can be promoted by hand"


def test_a_model_above_the_gate_that_is_worse_than_the_current_one_is_rejected(world: World) -> None:
    dataset = world.dataset()
    words = {word: name for word, name in w.WORDS.items() if word != "invoice"}
    names = tuple(w.WORDS.values())
    worse = {**words, "invoice": "Software Defect"}
    world.put("worse", worse, dataset, names)
    result = world.promote("worse")
    assert world.row("worse").accuracy.value == pytest.approx(5 / 6)
    assert result.status == "rejected"
    assert all("beyond noise" in reason for reason in result.reasons[:2])
    assert world.serving == w.IN_SERVICE


def test_an_equal_model_is_promoted(world: World) -> None:
    world.put("equal", w.WORDS, world.dataset())
    assert world.promote("equal").status == "promoted"
    [difference, _] = world.row("equal").comparison.differences
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_model_that_is_worse_by_no_more_than_noise_is_promoted(world: World) -> None:
    """Twenty cases that only the candidate gets right against thirty that only the current one does."""
    extra = {f"word{n}": "Software Defect" for n in range(5)}
    every = w.WORDS | extra
    dataset = world.dataset("wide", every)
    without = {word: name for word, name in every.items() if word not in ("word0", "word1")}
    put_in_service(world.data, world.registry, "now", w.CATEGORIES, without, dataset)
    world.put("next", w.WORDS | {"word0": "Software Defect", "word1": "Software Defect"}, dataset)
    assert world.promote("next").status == "promoted"
    comparison = world.row("next").comparison
    assert (comparison.only_candidate, comparison.only_current) == (20, 30)
    assert comparison.differences[0].value < 0 < comparison.differences[0].high


def test_the_first_model_is_held_to_the_gate_alone(world: World) -> None:
    world.registry.pointers.clear()
    result = world.promote(w.BETTER)
    assert result.status == "promoted"
    assert "no model was in service: the gate alone decided" in result.reasons
    world.registry.pointers.clear()
    assert world.promote(w.WORSE).status == "rejected"
    assert world.registry.current(TASK) is None


def test_just_below_the_gate_is_rejected_and_at_it_promoted(world: World) -> None:
    world.registry.pointers.clear()
    dataset = world.dataset()
    known = {word: name for word, name in w.WORDS.items() if word != "how"}
    world.put("at", known, dataset)
    world.put("below", known, dataset)
    # A text without a known word goes to the first category: 5 of 6 are right.
    accuracy = 5 / 6
    assert world.promote("below", gate=Gate(min_accuracy=accuracy + 0.001, min_macro_f1=0)).status == "rejected"
    assert world.promote("at", gate=Gate(min_accuracy=accuracy, min_macro_f1=0)).status == "promoted"


@pytest.mark.parametrize(("status", "row"), [("Failed", "failed"), ("Stopped", "stopped")])
def test_a_job_that_did_not_complete_has_a_row_with_its_reason(world: World, status: str, row: str) -> None:
    result = world.promote("job", status=status, reason="CapacityError: no instance")
    assert (result.status, result.reasons) == (row, ("CapacityError: no instance",))
    assert world.serving == w.IN_SERVICE
    assert world.promote("other", status=status).reasons


@pytest.mark.parametrize(
    ("version", "why"),
    [(w.WITHOUT_CARD, "holds no serving/model_card.json"), ("never-uploaded", "left no model.tar.gz")],
)
def test_a_broken_artifact_is_a_failed_row(world: World, version: str, why: str) -> None:
    result = world.promote(version)
    assert result.status == "failed"
    assert why in result.reasons[0]
    assert world.serving == w.IN_SERVICE


def test_an_artifact_cut_short_is_a_failed_row_and_nothing_of_it_serves(world: World) -> None:
    key = keys.model_artifact(TASK, w.BETTER)
    world.data.objects[key] = world.data.objects[key][:900]
    assert world.promote(w.BETTER).status == "failed"
    assert not world.data.exists(keys.serving(TASK, w.BETTER, MODEL_FILE))
    assert world.serving == w.IN_SERVICE


@pytest.mark.parametrize("name", SERVING_FILES)
def test_a_file_that_the_runtime_refuses_is_a_failed_row(world: World, name: str) -> None:
    """Whole by its sha256, and still no model."""
    files = {**tiny_files(w.CATEGORIES, w.WORDS), name: b"\x08\x08 not a model"}
    files, _ = with_card(files, w.CATEGORIES, world.dataset())
    world.data.write(keys.model_artifact(TASK, "broken"), tiny_artifact(files))
    result = world.promote("broken")
    assert result.status == "failed"
    assert name in result.reasons[0]
    assert not world.data.exists(keys.serving(TASK, "broken", name))


def test_a_graph_that_cannot_be_run_is_a_failed_row(world: World) -> None:
    files = tiny_files(w.CATEGORIES, w.WORDS)
    config = json.loads(files[CLASSIFIER_FILE]) | {"token_ids": "another_input"}
    files, _ = with_card({**files, CLASSIFIER_FILE: json.dumps(config).encode()}, w.CATEGORIES, world.dataset())
    world.data.write(keys.model_artifact(TASK, "broken"), tiny_artifact(files))
    assert "cannot be run" in world.promote("broken").reasons[0]


def test_a_card_and_a_classifier_of_different_categories_are_a_failed_row(world: World) -> None:
    files, _ = with_card(tiny_files(w.CATEGORIES, w.WORDS), w.CATEGORIES[::-1], world.dataset())
    world.data.write(keys.model_artifact(TASK, "mixed"), tiny_artifact(files))
    assert "different tasks or categories" in world.promote("mixed").reasons[0]


def test_a_dataset_that_changed_since_is_a_failed_row(world: World) -> None:
    for number, (key, content) in enumerate(
        (
            (keys.dataset_manifest(TASK, w.JUDGED_SET), b"{}"),
            (keys.dataset_split(TASK, w.JUDGED_SET, "test"), b""),
            (keys.dataset_split(TASK, w.JUDGED_SET, "test"), b'{"case_id": "1", "text": "x", "category": "y"}\n'),
            (keys.dataset_split(TASK, w.JUDGED_SET, "test"), b"no row\n"),
        )
    ):
        fresh = World()
        fresh.data.write(key, content)
        assert fresh.promote(w.BETTER).status == "failed", number
        fresh = World()
        del fresh.data.objects[key]
        assert fresh.promote(w.BETTER).status == "failed", number
        assert fresh.serving == w.IN_SERVICE


def test_a_manifest_dropped_elsewhere_is_the_one_that_counts(world: World) -> None:
    own = keys.dataset_manifest(TASK, w.JUDGED_SET)
    world.data.objects["manifests/march.json"] = world.data.objects.pop(own)
    assert world.promote(w.BETTER, manifest_key="manifests/march.json").status == "promoted"


def test_the_same_event_again_changes_nothing_after_a_rollback(world: World) -> None:
    first = world.promote(w.BETTER)
    [_, before] = world.registry.history(TASK)
    world.registry.point_to(before.model_copy(update={"why": "rollback"}))
    rows = dict(world.registry.recorded)
    assert world.promote(w.BETTER) == first
    assert world.serving == w.IN_SERVICE
    assert world.registry.recorded == rows


def test_an_attempt_that_broke_off_before_its_row_is_finished_and_not_repeated(world: World) -> None:
    world.promote(w.BETTER)
    pointers = list(world.registry.pointers)
    del world.registry.recorded[TASK, w.BETTER]
    assert world.promote(w.BETTER).status == "promoted"
    assert world.registry.pointers == pointers
    world.registry.point_to(pointers[0])  # somebody went back meanwhile
    del world.registry.recorded[TASK, w.BETTER]
    world.promote(w.BETTER)
    assert world.serving == pointers[0].version


class LooksBefore(MemoryModelRegistry):
    """Two deliveries of one event at once: each looked for a row before the other had written its own."""

    def rows(self, task: str) -> list[ModelRow]:
        return []


def test_two_deliveries_at_once_leave_the_row_that_knows_the_comparison(world: World) -> None:
    both = LooksBefore()
    both.pointers = world.registry.pointers
    world.registry = both
    first = world.promote(w.BETTER)
    row = world.row(w.BETTER)
    assert row.comparison
    assert world.promote(w.BETTER) == first  # it sees the pointer that the first one moved
    assert world.row(w.BETTER) == row
    assert [pointer.version for pointer in both.history(TASK)].count(w.BETTER) == 1


def test_a_delivery_that_is_faster_than_the_one_that_moved_the_pointer_does_not_keep_its_bare_row(world: World) -> None:
    between: list[str] = []

    class Between(LooksBefore):
        def point_to(self, pointer: ModelPointer) -> None:
            super().point_to(pointer)
            between.extend(world.promote(w.BETTER).reasons)

    both = Between()
    both.pointers = world.registry.pointers
    world.registry = both
    assert world.promote(w.BETTER).status == "promoted"
    assert between == ["promoted by an earlier attempt"]
    assert world.row(w.BETTER).comparison.current == w.IN_SERVICE
    assert [pointer.version for pointer in both.history(TASK)].count(w.BETTER) == 1


def test_a_rejection_does_not_write_over_the_row_of_a_promotion(world: World) -> None:
    """Between the two deliveries somebody put a better model into service, and the second is compared with that."""
    both = LooksBefore()
    both.pointers = world.registry.pointers
    world.registry = both
    world.promote(w.BETTER)
    both.pointers.clear()  # the look at the history that would have told the second one
    put_in_service(world.data, both, "by-hand", w.CATEGORIES, w.MORE_WORDS, world.dataset())
    assert world.promote(w.BETTER, gate=Gate(min_accuracy=1.1, min_macro_f1=0)).status == "promoted"
    assert world.row(w.BETTER).status == "promoted"


def test_a_pointer_that_moves_meanwhile_is_compared_with_anew(world: World) -> None:
    better = put_in_service(world.data, MemoryModelRegistry(), "by-hand", w.CATEGORIES, w.MORE_WORDS, world.dataset())

    class Moving(MemoryModelRegistry):
        looks = 0

        def current(self, task: str) -> ModelPointer | None:
            self.looks += 1
            if self.looks == 2:  # while the candidate was compared
                self.point_to(better)
            return super().current(task)

    moving = Moving()
    moving.pointers = world.registry.pointers
    world.registry = moving
    world.put("candidate", w.WORDS, w.put_dataset(world.data, "more", w.MORE_WORDS))
    assert world.promote("candidate").status == "rejected"
    assert world.row("candidate").comparison.current == "by-hand"
    assert world.serving == "by-hand"


class Restless(MemoryModelRegistry):
    """The pointer moves whenever somebody looks at it."""

    def current(self, task: str) -> ModelPointer | None:
        pointer = super().current(task)
        assert pointer
        self.point_to(pointer.model_copy(update={"promoted_at": pointer.promoted_at + timedelta(seconds=1)}))
        return pointer


def test_a_model_that_was_compared_with_leaves_tmp_before_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[int] = []
    real = promotion.against

    def watched(candidate: Any, current: Any, data: Any, cache: Path) -> Any:
        there.append(sum(path != cache for path in cache.parent.iterdir() if path.is_dir()))
        return real(candidate, current, data, cache)

    monkeypatch.setattr(promotion, "against", watched)
    restless = Restless()
    restless.pointers = world.registry.pointers
    world.registry = restless
    with pytest.raises(StoreUnavailable):
        world.promote(w.BETTER)
    assert there == [0, 0, 0]


def test_a_pointer_that_never_rests_is_left_alone(world: World) -> None:
    restless = Restless()
    restless.pointers = world.registry.pointers
    world.registry = restless
    with pytest.raises(StoreUnavailable, match="changed 3 times"):
        world.promote(w.BETTER)
    assert world.serving == w.IN_SERVICE


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_current_model_that_is_broken_is_no_obstacle(world: World, damage: str) -> None:
    key = keys.serving(TASK, w.IN_SERVICE, MODEL_FILE)
    world.data.objects[key] = world.data.objects[key][:50]
    if damage == "gone":
        del world.data.objects[key]
    result = world.promote(w.BETTER)
    assert result.status == "promoted"
    assert any("the model in service cannot be run" in reason for reason in result.reasons)


def test_a_damaged_pointer_is_no_obstacle(world: World) -> None:
    class Damaged(MemoryModelRegistry):
        def current(self, task: str) -> ModelPointer | None:
            raise ModelFileBroken("the parameter holds no pointer")

    world.registry = Damaged()
    result = world.promote(w.BETTER)
    assert result.status == "promoted"
    assert any("holds no pointer" in reason for reason in result.reasons)


def test_a_store_that_fails_is_raised_and_leaves_no_row(world: World) -> None:
    class Failing(MemoryStore):
        def read(self, key: str) -> bytes:
            if key.endswith("test.jsonl"):
                raise StoreUnavailable("not reached")
            return super().read(key)

    world.data = Failing(world.data.objects)
    with pytest.raises(StoreUnavailable):
        world.promote(w.BETTER)
    assert (TASK, w.BETTER) not in world.registry.recorded


def test_cases_that_the_current_model_has_learned_from_are_left_out(world: World) -> None:
    """Half of the new test split was in the old train split; it would flatter the old model."""
    new = world.dataset("new")
    rows = world.data.read(keys.dataset_split(TASK, "new", "test")).splitlines(keepends=True)
    earlier = w.put_dataset(world.data, "seen", w.WORDS)
    key = keys.dataset_split(TASK, "seen", "train")
    world.data.write(key, world.data.read(key) + b"".join(rows[:10]))
    put_in_service(world.data, world.registry, "old", w.CATEGORIES, w.WORDS, earlier)
    world.put("next", w.WORDS, new)
    result = world.promote("next")
    assert world.row("next").comparison.cases == 50
    assert any("has learned from 10 of 60 test cases; compared on the other 50" in r for r in result.reasons)


def test_too_few_unseen_cases_are_said_and_all_are_compared(world: World) -> None:
    new = world.dataset("new")
    rows = world.data.read(keys.dataset_split(TASK, "new", "test")).splitlines(keepends=True)
    earlier = w.put_dataset(world.data, "seen", w.WORDS)
    key = keys.dataset_split(TASK, "seen", "validation")
    world.data.write(key, b"".join(rows[:11]))
    put_in_service(world.data, world.registry, "old", w.CATEGORIES, w.WORDS, earlier)
    world.put("next", w.WORDS, new)
    result = world.promote("next")
    assert world.row("next").comparison.cases == 60
    assert any("the other 49 are fewer than 50, so all 60 were compared" in reason for reason in result.reasons)


def test_a_current_model_of_unknown_origin_is_compared_and_it_is_said(world: World) -> None:
    del world.data.objects[keys.serving(TASK, w.IN_SERVICE, CARD_FILE)]
    result = world.promote(w.BETTER)
    assert result.status == "promoted"
    assert any("has learned from is not known: its model card is gone" in reason for reason in result.reasons)
    assert world.row(w.BETTER).comparison.cases == 70


def test_models_of_other_categories_are_compared_on_what_both_know(world: World) -> None:
    words = {**{word: name for word, name in w.WORDS.items() if word != "how"}, "slow": "Performance"}
    names = tuple(words.values())
    world.put("next", words, world.dataset("next", words), names)
    result = world.promote("next")
    assert result.status == "promoted"
    assert world.row("next").comparison.cases == 50
    assert any("compared on the 50 test cases of the 5 that both know" in reason for reason in result.reasons)


def test_models_without_a_common_category_are_not_compared(world: World) -> None:
    words = {"install": "Setup", "slow": "Performance"}
    world.put("next", words, world.dataset("next", words), tuple(words.values()))
    result = world.promote("next")
    assert result.status == "promoted"
    assert world.row("next").comparison is None
    assert any("the gate alone decided" in reason for reason in result.reasons)


def test_a_small_test_split_is_told_of(world: World) -> None:
    result = world.promote(w.FIRST_OF_OTHER, task=w.OTHER_TASK)
    assert result.status == "promoted"
    assert "measured on only 40 test cases: the figures are rough" in result.reasons


def test_a_card_that_promises_more_than_is_measured_is_told_of(world: World) -> None:
    assert any("its card says accuracy 100.0%, measured here 0.0%" in r for r in world.promote(w.WORSE).reasons)


def test_a_huge_test_split_is_sampled_the_same_way_every_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline.promote_model.dataset.MOST_CASES", 35)
    world.promote(w.BETTER)
    n = world.row(w.BETTER).accuracy.n
    assert 20 <= n <= 50
    again = World()
    again.promote(w.BETTER)
    assert again.row(w.BETTER).accuracy.n == n


def test_the_pointer_fits_into_a_standard_parameter(world: World) -> None:
    world.promote(w.BETTER)
    pointer = world.registry.current(TASK)
    assert pointer is not None
    assert len(pointer.model_dump_json().encode()) < 4096
