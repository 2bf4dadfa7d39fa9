"""The model as Classify has it: how long its locks hold."""

from pathlib import Path

import pytest

from plumbline.adapters.bedrock import ATTEMPTS
from plumbline.adapters.model import stored_model
from plumbline.settings import ModelSettings


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def settings(**values: float) -> ModelSettings:
    return ModelSettings(data_bucket="d", prompts_dir=Path(), idempotency_table="t", **values)


@pytest.mark.parametrize("read", [60.0, 280.0])
def test_a_request_stays_locked_as_long_as_its_attempts_can_take(read: float) -> None:
    held = stored_model(settings(model_read_seconds=read)).get_remaining_time_in_millis() / 1000
    assert ATTEMPTS * read < held < ATTEMPTS * read + 60


def test_a_lock_of_another_length_can_be_set() -> None:
    assert stored_model(settings(lock_seconds=0.2)).get_remaining_time_in_millis() == 200
