"""What the language model is loaded without changes none of its answers."""

import json
from pathlib import Path

import pytest

from plumbline.anonymize import detector

SAMPLES = Path(__file__).parents[3] / "samples" / "cases.jsonl"


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
        for doc in spacy.load(detector.MODEL).pipe(texts)
    ]
    assert found == whole
    assert sum(map(len, found)) > 100
