"""A stack whose language model is a function of the test, for the commands that try prompts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.stack import Stack
from cli.stack_model import StackModel
from plumbline.anonymize import Privacy
from plumbline.contracts.replies import ModelRequest
from plumbline.spend_tracker import SpendTracker
from tests.fakes import FakeModel

Answer = Callable[[ModelRequest], str | Exception]


class NoFinder:
    """Finds nothing; the model that finds names takes seconds to load."""

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        yield from ([] for _ in texts)


def with_model(
    monkeypatch: pytest.MonkeyPatch, module: object, where: Stack, answer: Answer, model_id: str = "local.scripted"
) -> FakeModel:
    """The command module as if the stack ran and its model answered so."""
    model = FakeModel(answer)
    monkeypatch.setattr(module, "any_stack", lambda name, console: where)
    monkeypatch.setattr(module, "stack_parameters", lambda where: {})
    monkeypatch.setattr(module, "stack_privacy", lambda parameters: Privacy(NoFinder()), raising=False)

    def stack_model(
        where: object, parameters: object, wanted: str | None = None, *, budget: float | None = None
    ) -> Any:
        spend = SpendTracker(model, budget)
        return StackModel(spend, wanted or model_id, spend)

    monkeypatch.setattr(module, "stack_model", stack_model)
    return model


def gold_file(folder: Path, cases: dict[str, tuple[str, str]]) -> Path:
    """A file of cases: id → (gold category, text)."""
    path = folder / "gold.jsonl"
    rows = ({"case_id": name, "gold_category": gold, "text": text} for name, (gold, text) in cases.items())
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path
