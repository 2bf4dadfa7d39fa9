"""The made-up export is what the benchmarks take it for."""

import gzip
import itertools
import json
from pathlib import Path

import pytest

from bench.generate import SUFFIXES, generate, made_up_cases
from bench.ingest import ingest_here
from plumbline.fingerprint import NearDuplicates, simhash64


def test_texts_have_the_length_and_are_no_near_duplicates() -> None:
    texts = [f"{case.question}\n\n{case.answer}" for case in itertools.islice(made_up_cases(), 500)]
    assert all(300 <= len(text) <= 620 for text in texts)
    index = NearDuplicates()
    assert sum(not index.add(simhash64(text)) for text in texts) <= 1


def test_the_same_seed_gives_the_same_cases() -> None:
    assert list(itertools.islice(made_up_cases(3), 20)) == list(itertools.islice(made_up_cases(3), 20))
    assert next(made_up_cases(3)).question != next(made_up_cases(4)).question


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_row_is_a_case_to_ingest(tmp_path: Path, suffix: str) -> None:
    file = f"export{suffix}"
    assert generate(tmp_path / file, cases=120) == 120
    done = ingest_here(tmp_path, file)
    assert (done.cases, done.rejected) == (120, 0)


def test_size_is_before_compression(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl.gz"
    cases = generate(path, size=100_000)
    with gzip.open(path) as stream:
        lines = stream.readlines()
    assert len(lines) == cases
    assert 100_000 <= sum(map(len, lines)) < 102_000
    assert json.loads(lines[-1])["messages"][0]["role"] == "customer"


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.jsonl\.gz"):
        generate(tmp_path / "export.xlsx", cases=1)
    with pytest.raises(ValueError, match="either"):
        generate(tmp_path / "export.csv")
