"""`plumbline evaluate`: the check that fits, what it shows, and what it refuses."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook
from rich.console import Console

from cli import evaluate as command
from cli import main
from cli.errors import CliError, UsageProblem
from cli.evaluate import EvaluateOptions, evaluate
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.evaluation import Judged
from plumbline.contracts.replies import ModelRequest, Usage
from plumbline.jsonl import read_models
from tests import builders as b
from tests.cli.reviewed import RUN, store_run
from tests.cli.trying import with_model
from tests.fakes import FakeModel

BILLING, DEFECT, EDUCATION = b.CATEGORIES
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
JUDGE = "acme.judge"


def score_of(request: ModelRequest) -> str:
    score = 2 if "odd" in request.turns[0].text else 5
    return f"<explanation>It reads so.</explanation><score>{score}</score>"


@pytest.fixture
def model(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    """The stack's model is a judge; the run's prompt is in the repository."""
    prompt = b.prompt()
    monkeypatch.setattr(command, "load_prompt", lambda folder, task, version: prompt)
    return with_model(monkeypatch, command, stack, score_of)


def run_with(stack: Stack, *, gold: bool) -> None:
    """Eight labels, two of them wrong; the judge doubts one of those and one right one. One case waits."""
    given = {BILLING: BILLING} if gold else {}
    cases: dict[str, dict[str, Any]] = {f"B{n}": {"gold": given.get(BILLING)} for n in range(5)}
    cases["B5"] = {"gold": BILLING if gold else None, "text": "odd but right"}
    cases["W1"] = {"gold": DEFECT if gold else None, "text": "odd and wrong"}
    cases["W2"] = {"gold": DEFECT if gold else None}
    cases["H1"] = {"gold": DEFECT if gold else None, "category": DEFECT, "reason": "low_confidence"}
    store_run(stack, cases)


def test_gold_gives_accuracy_with_coverage_kappa_and_the_matrix(
    model: FakeModel, stack: Stack, console: Console
) -> None:
    run_with(stack, gold=True)
    assert evaluate(EvaluateOptions(), console) == 0
    out = console.export_text()
    assert "✓ Gold labels: 8 labels of the run can be compared with gold." in out
    assert "- LLM as judge: people's labels say more" in out
    assert "Accuracy" in out
    assert "75.0%" in out
    assert "8 labels with gold" in out
    assert "88.9%" in out
    assert "of 9 gold cases have a label, 1 wait for a person" in " ".join(out.split())
    assert "Cohen's kappa" in out
    assert "Judge score" not in out
    assert model.requests == []


def test_a_gold_file_stands_above_what_came_along(
    model: FakeModel, stack: Stack, console: Console, tmp_path: Path
) -> None:
    run_with(stack, gold=True)
    file = tmp_path / "gold.csv"
    file.write_text(f"case_id,text,gold_category\nB0,x,{DEFECT}\n", encoding="utf-8")
    evaluate(EvaluateOptions(gold=file), console)
    out = console.export_text()
    assert "62.5%" in out
    assert "1 from the file" in out


def test_the_judges_score_is_no_accuracy_and_is_kept_beside_the_run(
    model: FakeModel, stack: Stack, console: Console
) -> None:
    run_with(stack, gold=False)
    evaluate(EvaluateOptions(judge=JUDGE), console)
    out = console.export_text()
    assert "Judge score by acme.judge: an opinion, not accuracy" in out
    assert "Accuracy" not in out
    assert "4.25" in out  # six fives and two twos
    assert "How far this judge agrees with people is not known" in out
    assert "W1" in out
    kept = {one.case_id: one.score for one in read_models(S3ObjectStore("data"), keys.judged(RUN), Judged)}
    assert kept == {"B0": 5, "B1": 5, "B2": 5, "B3": 5, "B4": 5, "B5": 2, "W1": 2, "W2": 5}


def test_scores_of_one_judge_add_up_and_those_of_two_do_not_mix(
    model: FakeModel, stack: Stack, console: Console
) -> None:
    def kept() -> list[Judged]:
        return list(read_models(S3ObjectStore("data"), keys.judged(RUN), Judged))

    run_with(stack, gold=False)
    evaluate(EvaluateOptions(judge=JUDGE, sample=3), console)
    evaluate(EvaluateOptions(judge=JUDGE, sample=3, seed=7), console)
    assert len(kept()) > 3
    evaluate(EvaluateOptions(judge="acme.other", sample=2), console)
    assert [one.judge_model_id for one in kept()] == ["acme.other"] * 2


def test_with_gold_the_judges_agreement_with_people_is_measured(
    model: FakeModel, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(stack, gold=True)
    monkeypatch.setattr(sys, "argv", ["plumbline", "evaluate", "last", "--judge", JUDGE, "--json"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["gold"]["figures"]["accuracy"]["value"] == 0.75
    met = found["judge"]["agreement"]
    assert met["cases"] == 8
    assert met["agreed"]["value"] == 0.75  # B5 doubted, W2 believed
    # Right ones have 5, 5, 5, 5, 5, 2; wrong ones 2, 5: of twelve pairs five are won and six are ties.
    assert met["auroc"] == pytest.approx((5 + 6 / 2) / 12)
    assert met["kappa"] == pytest.approx((0.75 - (36 + 4) / 64) / (1 - (36 + 4) / 64))
    assert [choice["check"] for choice in found["choices"] if choice["made"]] == ["gold", "judge"]


@pytest.mark.parametrize("judge", ["local.test", "arn:aws:bedrock:eu-west-1:1:inference-profile/local.test"])
def test_a_model_does_not_judge_its_own_labels(judge: str, model: FakeModel, stack: Stack, console: Console) -> None:
    run_with(stack, gold=False)
    with pytest.raises(UsageProblem, match="does not judge its own labels"):
        evaluate(EvaluateOptions(judge=judge), console)
    assert model.requests == []


def test_a_judge_above_the_budget_is_not_asked(model: FakeModel, stack: Stack, console: Console) -> None:
    run_with(stack, gold=False)
    with pytest.raises(UsageProblem, match="above the budget"):
        evaluate(EvaluateOptions(judge=HAIKU, budget=0.0001), console)
    assert model.requests == []
    assert "8 labels judged by" in " ".join(console.export_text().split())


def test_the_budget_of_a_judge_is_a_hard_limit_and_its_scores_so_far_are_kept(
    model: FakeModel, stack: Stack, console: Console
) -> None:
    run_with(stack, gold=False)
    model.usage = Usage(input_tokens=4000)  # far more than is estimated
    evaluate(EvaluateOptions(judge=HAIKU, budget=0.02), console)
    out = " ".join(console.export_text().split())
    assert 0 < len(model.requests) * 0.004 <= 0.02
    assert f"{8 - len(model.requests)} labels of the sample not judged" in out
    assert len(list(read_models(S3ObjectStore("data"), keys.judged(RUN), Judged))) == len(model.requests)


def test_a_judge_whose_replies_cannot_be_read_gives_no_score(stack: Stack, model: FakeModel, console: Console) -> None:
    run_with(stack, gold=False)
    model.answer = lambda request: "I would say four."
    evaluate(EvaluateOptions(judge=JUDGE), console)
    out = console.export_text()
    assert "No reply of acme.judge could be read as a score" in out
    assert "8 labels without a score" in out
    assert not list(S3ObjectStore("data").objects_under(keys.judged(RUN)))


def test_a_judge_needs_the_prompt_that_labeled(
    model: FakeModel, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = b.prompt().model_copy(update={"ref": b.REF.model_copy(update={"sha256": "1" * 64})})
    monkeypatch.setattr(command, "load_prompt", lambda folder, task, version: other)
    run_with(stack, gold=True)
    with pytest.raises(CliError, match="has not the file that labeled the run"):
        evaluate(EvaluateOptions(judge=JUDGE), console)
    assert evaluate(EvaluateOptions(), console) == 0  # gold needs no prompt


class Ones:
    """An Embedder to which all texts are alike."""

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.ones((len(texts), 1), dtype=np.float32)


def test_references_give_rouge_and_cosine(
    model: FakeModel, stack: Stack, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(stack, gold=False)
    monkeypatch.setattr(command, "embedder", Ones)
    file = tmp_path / "reasonings.csv"
    file.write_text("case_id,reasoning,who\nB0,Because,ann\nB1,quite otherwise,ann\nZ9,absent,bob\n", encoding="utf-8")
    evaluate(EvaluateOptions(references=file), console)
    out = " ".join(console.export_text().split())
    assert "✓ Reference reasonings: 3 reference reasonings were given" in out
    assert "ROUGE-L 0.50 (0.00–1.00)" in out  # noqa: RUF001
    assert "Embedding cosine 1.00" in out
    assert "1 reference of cases without a label in this run" in out
    assert "Review by people: another check could be made" in out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,reasoning\n1,x\n", "no column case_id"),
        ("a.csv", "case_id,reasoning\n1,x\n1,y\n", "line 3: the case '1' has a reference already"),
        ("a.jsonl", '{"case_id": "1", "reasoning": "x"}\nnonsense\n', "line 2: not JSON"),
        ("a.jsonl", '{"reasoning": "x"}\n', "line 1: there is no case_id"),
        ("a.jsonl", '{"case_id": "1"}\n', "no row has a reasoning"),
        ("a.jsonl", "[1]\n", "not an object"),
    ],
)
def test_a_file_of_references_that_cannot_be_read_is_named_with_its_line(
    name: str, text: str, message: str, model: FakeModel, console: Console, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblem, match=message):
        evaluate(EvaluateOptions(references=tmp_path / name), console)


def test_with_nothing_to_go_by_people_get_a_sheet(
    model: FakeModel, stack: Stack, console: Console, tmp_path: Path
) -> None:
    run_with(stack, gold=False)
    sheet = tmp_path / "sheet.xlsx"
    evaluate(EvaluateOptions(out=sheet, sample=4), console)
    out = " ".join(console.export_text().split())
    assert "✓ Review by people: nothing says how good the labels are" in out
    assert "review import" in out
    assert "Review" in load_workbook(sheet).sheetnames
    assert model.requests == []


def test_the_plot_and_the_file_have_the_figures(
    model: FakeModel, stack: Stack, console: Console, tmp_path: Path
) -> None:
    run_with(stack, gold=True)
    evaluate(EvaluateOptions(plot=tmp_path / "a.svg", out=tmp_path / "a.json"), console)
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ">Accuracy<" in drawn
    assert f">{DEFECT}: recall<" in drawn
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["gold"]["figures"]["accuracy"]["n"] == 8


@pytest.mark.parametrize("width", [60, 100])
def test_nothing_is_wider_than_the_terminal(width: int, model: FakeModel, stack: Stack) -> None:
    run_with(stack, gold=True)
    console = Console(width=width, record=True, force_terminal=True, highlight=False)
    evaluate(EvaluateOptions(judge=JUDGE), console)
    lines = [line for line in console.export_text().splitlines() if "judging" not in line]  # the bar redraws itself
    assert "Judge score" in "".join(lines)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 0.0}, "must be above 0"),
        ({"mapping": Path("m.yaml")}, "there is no --gold"),
        ({"plot": Path("a.png")}, "ends in none of .svg"),
        ({"out": Path("a.csv")}, "ends in none of .json, .xlsx"),
        ({"out": Path("absent") / "a.json"}, "there is no folder"),
        ({"references": Path("absent.csv")}, "There is no file"),
        ({"run": "run-none"}, "There is no run"),
    ],
)
def test_wrong_usage(changes: dict[str, Any], message: str, model: FakeModel, stack: Stack, console: Console) -> None:
    run_with(stack, gold=True)
    with pytest.raises(UsageProblem, match=message):
        evaluate(EvaluateOptions(**changes), console)
