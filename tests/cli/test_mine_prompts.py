"""`plumbline prompts mine`: confusions of a run, and bad examples as a new unpublished version."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli import mine_prompts, paths, prompts
from cli.errors import CliError, UsageProblem
from cli.mine_prompts import MineOptions, mine
from cli.prompt_files import drafted_from
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import AnonymizedCase, Message
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Label, Lineage, Outcome
from plumbline.contracts.replies import ModelRequest
from plumbline.contracts.runs import RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.gold import write_gold
from plumbline.jsonl import read_models, write_models
from plumbline.prompting import load_prompt
from tests.builders import NOW
from tests.cli.trying import gold_file, with_model
from tests.unit.report import summaries

BILLING, EDUCATION, DEFECT = "Billing Inquiry", "Customer Education", "Software Defect"
RUN = "run-mined"
# id: the text, the gold label that came along, the label
CASES = {
    "C1": ("How do I end my plan before the renewal?", BILLING, EDUCATION),
    "C2": ("Where is the button for cancelling our contract?", BILLING, EDUCATION),
    "C3": ("The page stays white since the update of Monday", DEFECT, EDUCATION),
    "C4": ("We were charged twice", BILLING, BILLING),
    "C5": ("Which menu exports a chart?", None, EDUCATION),
}


def drafting(request: ModelRequest) -> str:
    word = "crew roster in spring" if "button for cancelling" in request.turns[0].text else "gym membership for winter"
    return (
        f"<example_case>Subject: {word}\nCustomer: How do I stop the {word}?</example_case>"
        f"<why_wrong>It asks how, but about the {word} being paid.</why_wrong>"
    )


@pytest.fixture
def prompts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the test's own with the shipped prompts."""
    shutil.copytree(paths.ROOT / "prompts", tmp_path / "repo" / "prompts")
    monkeypatch.setattr(paths, "ROOT", tmp_path / "repo")
    return tmp_path / "repo" / "prompts"


@pytest.fixture
def mined(stack: Stack, prompts_here: Path) -> Stack:
    data = S3ObjectStore(stack.data_bucket)
    ref = load_prompt(prompts_here, "root_cause", "v2").ref
    summary = summaries.typical().model_copy(update={"run_id": RUN, "prompt": ref, "task": "root_cause"})
    data.write(keys.summary(RUN), summary.model_dump_json().encode())
    lineage = Lineage(prompt=ref, model_id="m", run_id=RUN)
    write_models(
        data, keys.outcomes(RUN),
        (Outcome(case_id=name, outcome="labeled", shard="00000", content_hash=f"h{name}", category=label,
                 gold_category=gold) for name, (_, gold, label) in CASES.items()),
    )  # fmt: skip
    write_models(
        data, keys.anonymized(RUN, "00000"),
        (AnonymizedCase(case_id=name, messages=(Message(role="customer", text=text),), fingerprint="0" * 16)
         for name, (text, _, _) in CASES.items()),
    )  # fmt: skip
    write_models(
        data, keys.labels(RUN, "00000"),
        (Label(case_id=name, category=label, reasoning=f"because {name}", confidence=0.5, lineage=lineage)
         for name, (_, _, label) in CASES.items()),
    )  # fmt: skip
    row = RunRow(run_id=RUN, task="root_cause", status="SUCCEEDED", source="incoming/x", started_at=NOW)
    DynamoLedger(stack.ledger_table).put_run(row)
    return stack


Mined = Callable[..., int]


@pytest.fixture
def run_mine(mined: Stack, console: Console, monkeypatch: pytest.MonkeyPatch) -> Mined:
    def go(answer: Callable[[ModelRequest], str] = drafting, **options: object) -> int:
        with_model(monkeypatch, mine_prompts, mined, answer)
        return mine(MineOptions(run_id="last", **options), console)  # type: ignore[arg-type]  # by name

    return go


def test_confusions_are_listed_with_their_cases_and_reasoning_and_nothing_is_written(
    run_mine: Mined, console: Console, prompts_here: Path
) -> None:
    before = sorted(prompts_here.rglob("*"))
    assert run_mine(list_only=True) == 0
    out = console.export_text()
    assert "3 of 4 labels with gold are wrong (75.0%)" in out
    assert "2 cases: Billing Inquiry taken for Customer Education\n  C1  because C1\n  C2  because C2" in out
    assert "1 case: Software Defect taken for Customer Education" in out
    assert sorted(prompts_here.rglob("*")) == before


def test_gold_that_says_none_of_these_is_a_confusion_where_the_prompt_has_that_answer(
    run_mine: Mined, mined: Stack, prompts_here: Path, console: Console
) -> None:
    data = S3ObjectStore(mined.data_bucket)
    ref = load_prompt(prompts_here, "root_cause", "v4").ref
    summary = RunSummary.model_validate_json(data.read(keys.summary(RUN))).model_copy(update={"prompt": ref})
    data.write(keys.summary(RUN), summary.model_dump_json().encode())
    outcomes = [*read_models(data, keys.outcomes(RUN), Outcome)]
    off_topic = [outcome.model_copy(update={"gold_category": "None of these"}) for outcome in outcomes]
    write_models(data, keys.outcomes(RUN), off_topic)
    assert run_mine(list_only=True) == 0
    assert "None of these taken for" in console.export_text()


def test_the_models_drafts_become_a_new_unpublished_version(
    run_mine: Mined, console: Console, prompts_here: Path
) -> None:
    assert run_mine() == 0
    loaded = load_prompt(prompts_here, "root_cause", "v5")
    base = load_prompt(prompts_here, "root_cause", "v2").prompt
    added = loaded.prompt.bad_examples[len(base.bad_examples) :]
    assert [(e.wrong_category, e.category) for e in added] == [(EDUCATION, BILLING)] * 2
    assert "gym membership" in added[0].case
    assert CASES["C1"][0] not in (prompts_here / "root_cause" / "v5.yaml").read_text(encoding="utf-8")
    assert drafted_from(loaded.ref) == {"C1", "C2"}
    out = console.export_text()
    assert "Why: It asks how, but about the gym membership for winter being paid." in out
    assert "v5.yaml (a draft, not published)" in out.replace("\n", "")
    assert "prompts compare v2 v5 --task root_cause" in out.replace("\n", " ")
    lines = (prompts_here / "prompts.lock").read_text(encoding="ascii")
    assert "v5.yaml" not in lines
    assert prompts.publish(prompts_here, "root_cause", "v5", console) == 0


def test_without_a_model_a_person_has_to_finish_it_before_it_can_be_published(
    run_mine: Mined, console: Console, prompts_here: Path
) -> None:
    assert run_mine(with_llm=False, out="v7") == 0
    text = (prompts_here / "root_cause" / "v7.yaml").read_text(encoding="utf-8")
    assert CASES["C1"][0] in text
    assert text.count("# TODO") == 2
    with pytest.raises(CliError, match="is not finished"):
        prompts.publish(prompts_here, "root_cause", "v7", console)
    assert "v7.yaml" not in (prompts_here / "prompts.lock").read_text(encoding="ascii")


def test_an_answer_that_is_no_draft_falls_back_on_the_case_and_says_so(
    run_mine: Mined, console: Console, prompts_here: Path
) -> None:
    assert run_mine(lambda request: "<category>Billing Inquiry</category>") == 0
    assert "gave no usable draft for 2 cases" in console.export_text()
    assert "# TODO" in (prompts_here / "root_cause" / "v5.yaml").read_text(encoding="utf-8")


def test_drafts_that_are_alike_are_added_once(run_mine: Mined, console: Console, prompts_here: Path) -> None:
    same = "<example_case>Customer: How do I stop paying for it?</example_case><why_wrong>Money.</why_wrong>"
    assert run_mine(lambda request: same) == 0
    base = load_prompt(prompts_here, "root_cause", "v2").prompt
    loaded = load_prompt(prompts_here, "root_cause", "v5").prompt
    assert len(loaded.bad_examples) == len(base.bad_examples) + 1
    assert "1 draft too much like another example" in console.export_text()


def test_reviews_and_a_gold_file_go_before_what_came_along(
    run_mine: Mined, mined: Stack, console: Console, tmp_path: Path
) -> None:
    def review(case_id: str, category: str, content: str) -> GoldLabel:
        return GoldLabel(case_id=case_id, category=category, source="review", labeled_at=NOW, run_id=RUN,
                         content_hash=content)  # fmt: skip

    data = S3ObjectStore(mined.data_bucket)
    write_gold("root_cause", "r", [review("C1", EDUCATION, "hC1"), review("C2", EDUCATION, "of another text")], data)
    run_mine(list_only=True)
    assert "2 of 4 labels" in console.export_text(clear=True)
    gold = gold_file(tmp_path, {"C5": (DEFECT, "x"), "C2": (EDUCATION, "x")})
    run_mine(list_only=True, gold=gold)
    out = console.export_text()
    assert "2 of 5 labels" in out
    assert "C2" not in out
    assert "C5  because C5" in out


def test_json_lists_ids_and_reasoning_without_case_texts(run_mine: Mined, capsys: pytest.CaptureFixture[str]) -> None:
    run_mine(as_json=True, with_llm=True)
    out = capsys.readouterr().out
    found, _ = json.JSONDecoder().raw_decode(out[out.index("{") :])
    assert [c["cases"][0]["case_id"] for c in found["confusions"]] == ["C1", "C3"]
    assert [draft["case_id"] for draft in found["drafts"]] == ["C1", "C2"]
    assert found["written"].endswith("v5.yaml")
    assert all(text not in out for text, _, _ in CASES.values())


def test_what_cannot_be_mined_is_said_and_nothing_is_written(
    run_mine: Mined, console: Console, prompts_here: Path, mined: Stack
) -> None:
    with pytest.raises(UsageProblem, match="has a version v2 already"):
        run_mine(out="v2")
    with pytest.raises(UsageProblem, match="is no version"):
        run_mine(out="better")
    assert run_mine(least=3) == 1
    assert "no confusion has 3 cases. --least 1" in console.export_text()
    lock = prompts_here / "prompts.lock"
    lock.write_text("\n".join(line for line in lock.read_text().splitlines() if "root_cause/v2" not in line) + "\n")
    path = prompts_here / "root_cause" / "v2.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    with pytest.raises(CliError, match="is not the file that labeled run-mined"):
        run_mine()
    S3ObjectStore(mined.data_bucket).write(keys.outcomes(RUN), b"")
    assert not (prompts_here / "root_cause" / "v5.yaml").exists()
