"""Which graph is served, with tiny models in the places of the exported ones: every graph runs once."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.contracts.models import CLASSIFIER_FILE, ClassifierConfig
from plumbline.predict.classifier import Classifier
from tests.training import folders as f
from tools.tiny_model import write_tiny_model
from training import export
from training.dataset import Dataset, read_dataset
from training.recipe import Recipe, read_folders
from training.served import Served, export_served

NAMES, WORDS = ("Billing", "Defect"), {"billing": "Billing", "defect": "Defect"}
RIGHT, WRONG = np.array([[0.98, 0.02], [0.02, 0.98]]), np.array([[0.02, 0.98], [0.98, 0.02]])


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(read_folders(f.write(tmp_path, f.even(NAMES, held=10))), "root_cause", 8)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each run of a graph read."""
    lengths: list[int] = []
    original = Classifier.logits

    def counted(self: Classifier, texts: Any) -> Any:
        lengths.append(len(texts))
        return original(self, texts)

    def export_fp32(_predictor: Any, _saved: Path, _recipe: Recipe, folder: Path) -> ClassifierConfig:
        folder.mkdir()
        write_tiny_model(folder, NAMES, WORDS)
        return ClassifierConfig.model_validate_json((folder / CLASSIFIER_FILE).read_bytes())

    monkeypatch.setattr(Classifier, "logits", counted)
    monkeypatch.setattr(export, "export_fp32", export_fp32)
    monkeypatch.setattr(export, "quantize", shutil.copytree)
    return lengths


def served(dataset: Dataset, work: Path, answers: Any = RIGHT, **recipe: Any) -> Served:
    expected = np.repeat(np.vstack([answers, answers]), 10, axis=0)  # validation by class, then test by class
    return export_served(None, work, dataset, expected, Recipe(task="root_cause", **recipe), work, threads=1)


def test_each_graph_reads_the_held_out_texts_once(dataset: Dataset, runs: list[int], tmp_path: Path) -> None:
    found = served(dataset, tmp_path)
    assert runs == [40, 40]
    assert (found.precision, [p.precision for p in found.parity]) == ("int8", ["fp32", "int8"])
    runs.clear()
    shutil.rmtree(tmp_path / "fp32")
    assert served(dataset, tmp_path, quantize="none").precision == "fp32"
    assert runs == [40]


def test_the_figures_are_of_the_graph_that_is_served_at_its_temperature(
    dataset: Dataset, runs: list[int], tmp_path: Path
) -> None:
    found = served(dataset, tmp_path)
    stored = json.loads((found.folder / CLASSIFIER_FILE).read_text())
    assert stored["temperature"] == found.config.temperature != 1.0
    assert (found.validation.accuracy.accuracy.value, found.test.accuracy.accuracy.n) == (1.0, 20)
    confidences = Classifier.load(found.folder).probabilities(dataset.texts("test")).max(axis=1)
    assert found.test.mean_confidence == pytest.approx(float(confidences.mean()), abs=1e-4)
    assert sum(found.confidences) == 40


def test_a_graph_that_answers_otherwise_than_the_predictor_is_told(
    dataset: Dataset, runs: list[int], tmp_path: Path
) -> None:
    found = served(dataset, tmp_path, WRONG)
    assert found.parity[0].label_changes == found.parity[0].cases == 40
    assert found.parity[0].max_difference == pytest.approx(0.98, abs=0.01)
    assert found.precision == "fp32"
    assert any("changes 40 of 40 labels" in warning for warning in found.warnings)
