"""A shard's predictions, and in which order they are written and remembered."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from plumbline import keys
from plumbline.contracts.errors import BrokenInvariant, MissingObject, ModelFileBroken, StoreUnavailable
from plumbline.contracts.predictions import PredictedCase, PredictShardTask, predictions_scope
from plumbline.contracts.runs import ShardResult
from plumbline.jsonl import read_models
from plumbline.predict_shard import Models, predict_shard
from tests import predicting as p
from tests.fakes import MemoryLedger, MemoryStore

KEY = keys.predictions("2026-05-02", "predict-a", "00000")
SCOPE = predictions_scope(p.TASK)


def predict(
    data: MemoryStore, ledger: MemoryLedger, models: Models, shard: str = "00000", abstain_below: float = 0.5
) -> ShardResult:
    return predict_shard(
        PredictShardTask(run=p.run(), shard=shard),
        data=data,
        ledger=ledger,
        models=models,
        abstain_below=abstain_below,
        now=p.NOW,
    )


def lines(data: MemoryStore) -> dict[str, PredictedCase]:
    return {case.case_id: case for case in read_models(data, KEY, PredictedCase)}


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path / "models")


@pytest.fixture
def data() -> MemoryStore:
    data = p.store()
    cases = [
        p.anonymized("one", "the invoice is wrong", datetime(2026, 5, 1, 23, 0, tzinfo=UTC)),
        p.anonymized("two", "a crash", None),
        p.anonymized("unsure", "weather"),
    ]
    p.put_shards(data, p.run(), cases)
    return data


def test_every_case_gets_one_line_without_its_text(data: MemoryStore, models: Models) -> None:
    ledger = MemoryLedger()
    assert predict(data, ledger, models) == ShardResult(shard="00000", done=3)
    found = lines(data)
    assert [found[name].category for name in ("one", "two", "unsure")] == ["Billing Inquiry", "Software Defect", None]
    assert (found["one"].case_date, found["two"].case_date) == (date(2026, 5, 1), None)
    assert found["unsure"].abstained
    assert len(found["unsure"].alternatives) == 3
    assert {case.model_version for case in found.values()} == {"tiny-1"}
    assert ledger.hashes == {
        (SCOPE, "one"): "hash-one-20",
        (SCOPE, "two"): "hash-two-7",
        (SCOPE, "unsure"): "hash-unsure-7",
    }
    assert not any(word in data.objects[KEY] for word in (b"the invoice", b"a crash", b"weather"))


def test_a_repeat_writes_the_same_object_and_remembers_the_same(data: MemoryStore, models: Models) -> None:
    ledger = MemoryLedger()
    predict(data, ledger, models)
    before, known = dict(data.objects), dict(ledger.hashes)
    predict(data, ledger, models)
    assert (data.objects, ledger.hashes) == (before, known)


class _Forgetful(MemoryLedger):
    def record_labeled(self, task: str, run_id: str, hashes: Mapping[str, str]) -> None:
        raise StoreUnavailable("the ledger's table: busy")


class _Full(MemoryStore):
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> object:  # type: ignore[override]  # fails
        raise StoreUnavailable("s3: busy")


def test_predictions_are_written_before_their_cases_are_remembered(data: MemoryStore, models: Models) -> None:
    with pytest.raises(StoreUnavailable):
        predict(data, _Forgetful(), models)
    assert len(lines(data)) == 3
    ledger = MemoryLedger()
    with pytest.raises(StoreUnavailable):
        predict(_Full(data.objects), ledger, models)
    assert not ledger.hashes


def test_the_threshold_decides_who_abstains(data: MemoryStore, models: Models) -> None:
    predict(data, MemoryLedger(), models, abstain_below=0.0)
    assert not any(case.abstained for case in lines(data).values())
    predict(data, MemoryLedger(), models, abstain_below=1.0)
    assert all(case.abstained for case in lines(data).values())


def test_a_shard_that_is_not_there_is_a_missing_object(data: MemoryStore, models: Models) -> None:
    with pytest.raises(MissingObject):
        predict(data, MemoryLedger(), models, shard="00009")


def test_a_case_without_its_content_hash_cannot_be_remembered(data: MemoryStore, models: Models) -> None:
    p.put_shards(data, p.run(), [p.anonymized("one", "x").model_copy(update={"content_hash": None})])
    with pytest.raises(BrokenInvariant, match="one"):
        predict(data, MemoryLedger(), models)


class TestModels:
    def test_a_model_is_fetched_once(self, models: Models) -> None:
        data = p.store()
        first = models.get(p.POINTER, data)
        data.objects.clear()
        assert models.get(p.POINTER, data) is first

    def test_another_container_of_the_same_machine_finds_it_on_disk(self, tmp_path: Path) -> None:
        Models(tmp_path).get(p.POINTER, p.store())
        assert Models(tmp_path).get(p.POINTER, MemoryStore()).config.categories == p.CATEGORIES

    def test_a_damaged_copy_is_fetched_again(self, tmp_path: Path) -> None:
        Models(tmp_path).get(p.POINTER, p.store())
        [copy] = tmp_path.rglob("model.onnx")
        copy.write_bytes(b"half")
        assert Models(tmp_path).get(p.POINTER, p.store()).config.categories == p.CATEGORIES

    def test_a_file_cut_short_in_the_bucket_names_itself(self, models: Models) -> None:
        data = p.store()
        data.objects[f"{p.POINTER.prefix}model.onnx"] = b"half"
        with pytest.raises(ModelFileBroken, match=r"model\.onnx"):
            models.get(p.POINTER, data)

    def test_only_the_last_model_stays_on_disk(self, tmp_path: Path) -> None:
        (tmp_path / p.TASK / "an-older-one").mkdir(parents=True)
        Models(tmp_path).get(p.POINTER, p.store())
        [folder] = (tmp_path / p.TASK).iterdir()
        assert folder.name.startswith("tiny-1-")
