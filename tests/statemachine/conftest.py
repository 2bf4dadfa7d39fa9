"""One local stack for every test here."""

from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.statemachine.pipeline import Pipeline
from tests.statemachine.running import running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker of pytest-xdist, where `--dist loadgroup` asks for it: a second stack takes time and memory."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "statemachine"):
            item.add_marker(pytest.mark.xdist_group("pipeline"))


@pytest.fixture(scope="package")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with running(tmp_path_factory.mktemp("stack")) as pipeline:
        yield pipeline


@pytest.fixture
def pipeline(_stack: Pipeline) -> Iterator[Pipeline]:
    """The running pipeline; its model answers until a test gives it a script."""
    _stack.script()
    yield _stack
    _stack.script()
    _stack.faults()
