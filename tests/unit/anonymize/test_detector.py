"""What the language model is loaded without changes none of its answers."""

import json
import shutil
import struct
from pathlib import Path

import pytest

from layers.nlp.strip_model import halved, strip
from plumbline.anonymize import detector

SAMPLES = Path(__file__).parents[3] / "samples" / "cases.jsonl"
HEADER = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".ljust(117) + b"\n"


def sample_texts() -> list[str]:
    cases = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()[:40]]
    return [text for case in cases for text in (case["subject"], *(message["text"] for message in case["messages"]))]


def test_only_the_entity_recogniser_is_loaded() -> None:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    language = detector.load_model()
    assert language.component_names == ["ner"]
    assert len(language.vocab.strings) < 5_000


def test_the_pruned_model_finds_what_the_whole_one_finds() -> None:
    spacy = pytest.importorskip("spacy", reason="the nlp extra is not installed")
    texts = sample_texts()
    found = [
        [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in detector.load_model().pipe(texts)
    ]
    whole = [
        [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        for doc in spacy.load(detector.model_folder()).pipe(texts)
    ]
    assert found == whole
    assert sum(map(len, found)) > 100


def test_the_layers_model_finds_what_the_laptops_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    model = tmp_path / "model"
    shutil.copytree(detector.model_folder(), model)
    strip(model)
    assert sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) < 28_000_000
    texts = sample_texts()[:40]
    found = [[span.text for span in doc.ents] for doc in detector.load_model().pipe(texts)]
    detector.load_model.cache_clear()
    monkeypatch.setattr(detector, "model_folder", lambda: model)
    try:
        assert [[span.text for span in doc.ents] for doc in detector.load_model().pipe(texts)] == found
    finally:
        detector.load_model.cache_clear()


def test_vectors_are_halved() -> None:
    array = halved(HEADER + struct.pack("<4f", 1, -2.5, 0, 0.1))
    assert array[:128] == HEADER.replace(b"<f4", b"<f2")
    assert struct.unpack("<4e", array[128:]) == (1, -2.5, 0, 0.0999755859375)


@pytest.mark.parametrize("array", [b"", b"something", HEADER.replace(b"<f4", b"<f8")])
def test_other_vectors_are_refused(array: bytes) -> None:
    with pytest.raises(ValueError, match="names another model"):
        halved(array)


def test_a_missing_model_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "MODEL", "not_installed_anywhere")
    with pytest.raises(ImportError, match="make setup"):
        detector.model_folder()
