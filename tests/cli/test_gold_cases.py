"""Cases with gold labels out of a file: a sample that the seed decides, anonymized, and what was left out counted."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cli.errors import CliError, UsageProblem
from cli.gold_cases import gold_cases
from cli.trying import drawn
from plumbline.anonymize import Privacy
from plumbline.prompting import load_prompt
from tests.prompt_files import SHIPPED

TWO = ("Billing Inquiry", "Software Defect")


class Finder:
    """Knows what an e-mail address looks like, and one person."""

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        for text in texts:
            found = re.finditer(r"Ann Lee|\w+@[\w.]+\w", text)
            yield [(*match.span(), "NAME" if match[0] == "Ann Lee" else "EMAIL") for match in found]


def a_file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def row(number: int, gold: str | None = TWO[0], text: str = "My bill is wrong.") -> dict[str, object]:
    return {"case_id": f"C{number}", "text": text, **({"gold_category": gold} if gold else {})}


def ids(file: Path, sample: int | None = None, seed: int = 0) -> list[str]:
    found = gold_cases(file, None, TWO, sample=sample, seed=seed, privacy=Privacy(Finder()))
    return [gold.case.case_id for gold in found.cases]


def test_the_sample_depends_on_the_seed_and_not_on_the_files_order(tmp_path: Path) -> None:
    rows = [row(number) for number in range(100)]
    chosen = ids(a_file(tmp_path, *rows), sample=20)
    assert len(set(chosen)) == 20
    assert ids(a_file(tmp_path, *reversed(rows)), sample=20) == chosen
    assert ids(a_file(tmp_path, *rows), sample=20, seed=1) != chosen
    assert ids(a_file(tmp_path, *rows), sample=40)[:20] == chosen  # a larger sample holds the smaller one
    assert sorted(ids(a_file(tmp_path, *rows))) == sorted(f"C{number}" for number in range(100))


def test_texts_are_anonymized_and_the_gold_label_stays_beside_the_case(tmp_path: Path) -> None:
    file = a_file(tmp_path, row(1, TWO[1], "Write to ann@example.org"))
    [found] = gold_cases(file, None, TWO, privacy=Privacy(Finder())).cases
    assert found.case.messages[0].text == "Write to [EMAIL_1]"
    assert found.gold == TWO[1]
    assert TWO[1] not in found.case.model_dump_json()


def test_a_case_for_a_person_is_left_out_and_another_takes_its_place(tmp_path: Path) -> None:
    file = a_file(tmp_path, *(row(number, text="I am Ann Lee" if number % 2 else "fine") for number in range(60)))
    found = gold_cases(file, None, TWO, sample=10, privacy=Privacy(Finder(), policy={"NAME": "review"}))
    assert len(found.cases) == 10
    assert all(gold.case.messages[0].text == "fine" for gold in found.cases)
    assert found.held > 0
    assert f"{found.held} in which personal data may be left" in found.left_out


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    file = a_file(tmp_path, row(1), row(2, None), row(3, "Weather"), row(4, "Weather"), {"case_id": "C5"})
    found = gold_cases(file, None, TWO, privacy=Privacy(Finder()))
    assert [gold.case.case_id for gold in found.cases] == ["C1"]
    assert found.left_out == (
        "1 without a gold label, 2 whose gold label is no category of the task ('Weather' 2), "
        "1 row that could not be read"
    )


def test_cases_that_are_named_are_passed_over(tmp_path: Path) -> None:
    file = a_file(tmp_path, row(1), row(2))
    found = gold_cases(file, None, TWO, privacy=Privacy(Finder()), without=frozenset({"C1"}))
    assert [gold.case.case_id for gold in found.cases] == ["C2"]
    assert found.eligible == 2


def test_a_column_of_ones_own_is_found_by_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Nr;Inhalt;Ursache\n7;Rechnung falsch;Billing Inquiry\n")
    (tmp_path / "map.yaml").write_text("case_id: Nr\ntext: Inhalt\ngold_category: Ursache\n")
    found = gold_cases(tmp_path / "export.csv", tmp_path / "map.yaml", TWO, privacy=Privacy(Finder()))
    assert [(gold.case.case_id, gold.gold) for gold in found.cases] == [("7", TWO[0])]


def test_a_file_without_usable_gold_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"has no gold labels: none of its 2 cases has one") as caught:
        gold_cases(a_file(tmp_path, row(1, None), row(2, None)), None, TWO, privacy=Privacy(Finder()))
    assert "gold_category: COLUMN" in caught.value.hint
    with pytest.raises(UsageProblem, match=r"no categories of the task: 'Weather' 1") as caught:
        gold_cases(a_file(tmp_path, row(1, "Weather")), None, TWO, privacy=Privacy(Finder()))
    assert "Billing Inquiry, Software Defect" in caught.value.hint
    with pytest.raises(UsageProblem, match="There is no file"):
        gold_cases(tmp_path / "absent.csv", None, TWO)
    (tmp_path / "list.json").write_text('["a"')
    with pytest.raises((CliError, UsageProblem)):
        gold_cases(tmp_path / "list.json", None, TWO, privacy=Privacy(Finder()))


def test_progress_counts_the_cases_of_the_sample(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    file = a_file(tmp_path, *(row(number) for number in range(5)))
    gold_cases(
        file, None, TWO, sample=3, privacy=Privacy(Finder()), on_done=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_gold_may_say_none_of_these_where_every_prompt_has_that_answer(tmp_path: Path) -> None:
    file = a_file(tmp_path, row(1), row(2, "None of these"), row(3, "none"))
    v3, v4 = (load_prompt(SHIPPED, "root_cause", version) for version in ("v3", "v4"))
    for prompts, known in (([v4], ["C1", "C2"]), ([v3, v4], ["C1"]), ([v4, v3], ["C1"])):
        found = drawn(file, None, prompts, Console(quiet=True), sample=None, seed=0, privacy=Privacy(Finder()))
        assert sorted(gold.case.case_id for gold in found.cases) == known
