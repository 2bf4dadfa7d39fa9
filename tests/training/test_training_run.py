"""One real training, as SageMaker would start it, in the environment of `make training-env`."""

import hashlib
import json
import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.contracts.datasets import DatasetRow, Split
from plumbline.contracts.models import ClassifierConfig, ModelCard
from plumbline.predict.classifier import Classifier
from tests.conftest import ROOT
from tests.training import folders as f

PYTHON = Path(os.environ.get("PLUMBLINE_TRAINING_PYTHON", ROOT / ".venv-training" / "bin" / "python"))
pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no training environment: `make training-env` sets it up"),
    pytest.mark.xdist_group("training"),
]
CLASSES = {"Billing Inquiry": 20, "Security Awareness": 20, "Software Defect": 11}  # the last one is short


@dataclass(frozen=True)
class Trained:
    """What one run was given, said and left."""

    splits: dict[Split, list[DatasetRow]]
    environ: dict[str, str]
    model: Path
    log: str

    @property
    def card(self) -> ModelCard:
        return ModelCard.model_validate_json((self.model / "serving" / "model_card.json").read_bytes())


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python training/train.py` in an environment of its own."""
    path = f"{ROOT / 'layers' / 'core'}{os.pathsep}{ROOT}"
    return subprocess.run(
        [PYTHON, ROOT / "training" / "train.py", "--task", "root_cause", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": path} | environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def dataset() -> dict[Split, list[DatasetRow]]:
    """Sample cases of three classes; in train one text of 50,000 characters, in test one without any."""
    by_class: dict[str, list[DatasetRow]] = defaultdict(list)
    for line in (ROOT / "samples" / "cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        text = "\n".join([case["subject"], *(f"{m['role']}: {m['text']}" for m in case["messages"])])
        by_class[case["gold_category"]].append(
            DatasetRow(case_id=case["case_id"], text=text, category=case["gold_category"])
        )
    splits: dict[Split, list[DatasetRow]] = {"train": [], "validation": [], "test": []}
    for name, count in CLASSES.items():
        rows = by_class[name][:count]
        splits["test"] += rows[:3]
        splits["validation"] += rows[3:5]
        splits["train"] += rows[5:]
    long = splits["train"][0]
    splits["train"][0] = long.model_copy(update={"text": (long.text + " ") * (50_000 // len(long.text) + 1)})
    splits["test"].append(DatasetRow(case_id="blank", text=" ", category="Software Defect"))
    return splits


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root, splits = tmp_path_factory.mktemp("training"), dataset()
    environ = f.write(root, splits)
    done = run(environ, "--epochs", "1", "--max_tokens", "32", "--min-per-class", "6", "--members", "2")
    assert done.returncode == 0, done.stderr
    return Trained(splits, environ, Path(environ["SM_MODEL_DIR"]), done.stdout + done.stderr)


def test_it_leaves_a_predictor_and_what_serving_reads_and_nothing_else(trained: Trained) -> None:
    assert sorted(p.name for p in trained.model.iterdir()) == ["predictor", "serving"]
    serving = sorted(p.name for p in (trained.model / "serving").iterdir())
    assert serving == ["classifier.json", "model.onnx", "model_card.json", "tokenizer.json"]
    names = {p.name for p in (trained.model / "predictor").rglob("*") if p.is_file()}
    assert {"assets.json", "model.ckpt", "tokenizer.json"} <= names
    assert not {name for name in names if name.startswith(("events.", "last", "epoch="))}
    assert not Path(trained.environ["SM_OUTPUT_DIR"]).exists()


def test_the_card_says_what_was_trained_on_what(trained: Trained) -> None:
    card = trained.card
    manifest = Path(trained.environ["SM_CHANNEL_MANIFEST"]) / "manifest.json"
    assert card.dataset.manifest_sha256 == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert card.dataset.train_per_class == {"Billing Inquiry": 15, "Security Awareness": 15, "Software Defect": 6}
    assert (card.recipe["max_tokens"], card.recipe["weighted_classes"], card.seed) == (32, True, 0)
    assert set(card.software) >= {"python", "torch", "autogluon.multimodal", "onnxruntime"}
    assert [b.name for b in card.baselines] == ["majority class", "TF-IDF + LR"]
    assert sum(card.reference.confidences) == len(trained.splits["validation"]) + len(trained.splits["test"])
    assert any("cases without text: test 1" in warning for warning in card.warnings)
    for file in card.files:
        content = (trained.model / "serving" / file.name).read_bytes()
        assert (file.sha256, file.bytes) == (hashlib.sha256(content).hexdigest(), len(content))


def test_the_card_says_which_labels_are_suspect(trained: Trained) -> None:
    noise = trained.card.label_noise
    assert noise is not None
    texts = {row.case_id: row for row in trained.splits["train"] if row.text.strip()}
    assert noise.checked == len(texts)
    assert noise.suspects == sum(noise.per_class.values()) == len(noise.listed)
    assert all(texts[suspect.case_id].category == suspect.category != suspect.likely for suspect in noise.listed)
    assert noise.left_out == ()


def test_the_exported_graphs_answer_as_the_predictor_does(trained: Trained) -> None:
    fp32, int8 = trained.card.parity
    assert (fp32.precision, int8.precision, fp32.cases) == ("fp32", "int8", 16)
    assert fp32.max_difference < 1e-4
    assert fp32.label_changes == 0
    assert int8.bytes < fp32.bytes * 0.7


def test_what_serves_reproduces_the_cards_figures(trained: Trained) -> None:
    """In this environment, as a function would."""
    card, classifier = trained.card, Classifier.load(trained.model / "serving")
    assert classifier.config.categories == card.categories
    assert classifier.config.temperature == card.temperature
    test = trained.splits["test"]
    best = classifier.probabilities([row.text for row in test]).argmax(axis=1)
    confusion = {gold: dict.fromkeys(card.categories, 0) for gold in card.categories}
    for row, column in zip(test, best, strict=True):
        confusion[row.category][card.categories[int(column)]] += 1
    assert confusion == card.test.accuracy.confusion


def test_the_log_shows_every_step_and_no_case(trained: Trained) -> None:
    assert "member 2 of 2" in trained.log
    for said in (
        "reading the dataset",
        "32 tokens, 1 epoch\n",
        "epoch 1 of 1: validation f1_macro",
        "members reach macro-F1",
        "int8: ",
        "TF-IDF + LR: ",
        "done in ",
    ):
        assert said in trained.log
    assert "classes are of unequal size: " in trained.log
    for rows in trained.splits.values():
        assert not [row.case_id for row in rows if row.text.strip() and row.text[:60] in trained.log]
    assert len(trained.log.splitlines()) < 40


def test_the_predictor_can_be_loaded(trained: Trained) -> None:
    code = (
        "import sys, training.fit as fit, pandas as pd\n"
        "p = fit.MultiModalPredictor.load(sys.argv[1])\n"
        "print(p.class_labels.tolist(), p.predict_proba(pd.DataFrame({'text': ['my invoice']})).shape)"
    )
    path = f"{ROOT / 'layers' / 'core'}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [PYTHON, "-c", code, trained.model / "predictor"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": path,
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{sorted(CLASSES)} (1, 3)" in done.stdout, done.stderr


def test_the_configuration_names_inputs_that_the_graph_has(trained: Trained) -> None:
    config = ClassifierConfig.model_validate_json((trained.model / "serving" / "classifier.json").read_bytes())
    assert (config.max_tokens, config.tail_share, config.task) == (32, 0.33, "root_cause")
    assert config.segment_ids is not None
