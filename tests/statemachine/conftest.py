"""One local stack for every test here: the shipped template, state machine and handlers, and a model with a script."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack
from tests.conftest import ROOT
from tests.statemachine.pipeline import Pipeline


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker of pytest-xdist, where `--dist loadgroup` asks for it: a second stack takes time and memory."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "statemachine"):
            item.add_marker(pytest.mark.xdist_group("pipeline"))


@pytest.fixture(scope="package")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("stack")
    stack = LocalStack(
        ROOT / "template.yaml",
        state_dir=folder,
        parameters={
            "TargetPerClass": "100000",
            "TrainingImage": "registry.example.com/training:1",
            "BatchMinRecords": "4",
            "BatchMaxRecords": "6",
        },
        model="scripted",
        parallel=1,  # shards still run side by side; a second worker of each function would only take its time to start
        time_scale=0.001,
        keep_state=False,
        training_python=folder / "none",  # a job that starts is enough here; without this it would train
    )
    with stack:
        yield Pipeline(stack, folder / "logs")


@pytest.fixture
def pipeline(_stack: Pipeline) -> Iterator[Pipeline]:
    """The running pipeline; its model answers until a test gives it a script."""
    _stack.script()
    yield _stack
    _stack.script()
    _stack.faults()
