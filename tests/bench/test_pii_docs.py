"""The table of figures in docs/privacy.md."""

from pathlib import Path

import pytest

from bench.pii_docs import BEGIN, END, NoMarks, fill, table
from bench.pii_score import SetScore, Tally
from tests.conftest import ROOT

CORES = {"injected": frozenset({"EMAIL", "PERSON"}), "cases6": frozenset[str]()}


def _score(found: int, gold: int) -> SetScore:
    scored = SetScore(core=Tally(gold=gold, found=found))
    scored.by_type["PERSON"] = Tally(gold=gold, found=found)
    return scored


SCORES = {
    "injected": {"plumbline": _score(1999, 2000), "regexes": _score(1000, 2000)},
    "cases6": {"plumbline": SetScore(), "regexes": SetScore()},
}


def test_the_table_has_our_recall_by_type_and_everybodys_in_all() -> None:
    rows = table(SCORES, CORES).splitlines()
    assert rows[2:] == [
        "| found of | injected |",
        "| --- | --- |",
        "| PERSON | 0.999 (2,000) |",
        "| all core types | 0.999 (2,000) |",
        "| *regexes*, all core types | 0.500 (2,000) |",
    ]


def test_only_what_is_between_the_marks_is_written_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    fill(page, SCORES, CORES)
    fill(page, SCORES, CORES)
    text = page.read_text()
    assert text.startswith(f"above\n{BEGIN}\nMeasured on ")
    assert text.endswith(f"{END}\nbelow\n")
    assert "old" not in text
    assert text.count("PERSON") == 1


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(NoMarks):
        fill(page, SCORES, CORES)
    assert page.read_text() == "nothing"


def test_the_page_of_the_documentation_has_its_marks() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    assert BEGIN in text
    assert END in text[text.index(BEGIN) :]
