"""A bucket with a promoted model, and one without."""

from pathlib import Path

import pytest

from tests.unit.predict_case.models import World


@pytest.fixture
def empty(tmp_path: Path) -> World:
    return World(tmp_path / "empty")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.promote("v1")
    return world
