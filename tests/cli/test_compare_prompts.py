"""`plumbline prompts compare`: the same cases for each version, figures with intervals, and what each one changed."""

import json
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from cli import compare_prompts, main
from cli.compare_prompts import CompareOptions, compare
from cli.errors import CliError, UsageProblem
from cli.stack import Stack
from plumbline.contracts.errors import ModelAccessDenied
from plumbline.contracts.replies import ModelRequest, Usage
from plumbline.prompting import load_prompt
from tests.builders import answer
from tests.cli.trying import gold_file, with_model
from tests.prompt_files import SHIPPED

BILLING, DEFECT, FEATURE = "Billing Inquiry", "Software Defect", "Feature Request"
V1 = load_prompt(SHIPPED, "root_cause", "v1").system
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def judged(request: ModelRequest) -> str:
    """v1 takes everything for a bill; v2 knows a crash, and takes refunds for wishes."""
    text = request.turns[0].text
    if request.system == V1:
        return answer(BILLING)
    return answer(DEFECT if "crash" in text else FEATURE if "refund" in text else BILLING)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    bills = {f"B{number}": (BILLING, f"bill {number}") for number in range(6)}
    crashes = {f"D{number}": (DEFECT, f"a crash {number}") for number in range(3)}
    return gold_file(tmp_path, {**bills, **crashes, "R1": (BILLING, "my refund")})


def test_the_versions_are_told_apart_on_the_same_cases(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged)
    assert compare(CompareOptions(("v1", "v2"), gold), console) == 0
    out = console.export_text()
    assert [line.split()[:2] for line in out.splitlines() if line.startswith(("v1 ", "v2 ")) and "%" in line] == [
        ["v1", "70.0%"],
        ["v2", "90.0%"],
    ]
    assert "v2 against v1: 3 fixed, 1 broke" in out
    assert "fixed D0 Billing Inquiry → Software Defect ✓" in out
    assert "broke R1 Billing Inquiry ✓ → Feature Request" in out
    assert "may be chance" in out
    asked = [(request.system == V1, request.turns[0].text) for request in model.requests]
    assert {text for first, text in asked if first} == {text for first, text in asked if not first}


def test_json_has_every_figure_and_the_changed_cases(
    gold: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_model(monkeypatch, compare_prompts, stack, judged, HAIKU)
    monkeypatch.setattr(
        sys, "argv", ["plumbline", "prompts", "compare", "v1", "v2", "--gold", str(gold), "--json", "--seed", "5"]
    )
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert (found["cases"], found["seed"], found["model_id"]) == (10, 5, HAIKU)
    v1, v2 = found["versions"]
    assert (v1["accuracy"]["value"], v2["accuracy"]["value"]) == (0.7, 0.9)
    assert v1["accuracy"]["low"] < 0.7 < v1["accuracy"]["high"]
    assert (v1["calls"], v1["labeled"]["value"]) == (10, 1.0)
    assert v1["usd"] == pytest.approx(10 * (100 * 1.0 + 20 * 5.0) / 1e6)  # the price table's 1 and 5 USD a million
    [step] = found["steps"]
    assert [case["case_id"] for case in step["broke"]] == ["R1"]
    assert step["p_value"] == pytest.approx(0.625)


def test_three_versions_are_compared_with_the_first_and_with_their_neighbour(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(monkeypatch, compare_prompts, stack, judged)
    compare(CompareOptions(("v1", "v2", "v3"), gold), console)
    heads = [line for line in console.export_text().splitlines() if " against " in line]
    assert [head.split(":")[0] for head in heads] == ["v2 against v1", "v3 against v1", "v3 against v2"]
    assert heads[2] == "v3 against v2: 0 fixed, 0 broke"


def test_a_case_without_a_label_counts_as_wrong_and_in_the_parse_rate(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(
        monkeypatch, compare_prompts, stack,
        lambda request: "no idea" if "crash" in request.turns[0].text else judged(request),
    )  # fmt: skip
    compare(CompareOptions(("v1", "v2"), gold), console)
    [_, v2] = [line.split() for line in console.export_text().splitlines() if line.startswith(("v1 ", "v2 "))][:2]
    assert v2[1] == "60.0%"
    assert v2[4] == "70%"


def test_an_estimate_above_the_budget_asks_nothing(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged, HAIKU)
    with pytest.raises(UsageProblem, match="is above the budget of") as caught:
        compare(CompareOptions(("v1", "v2"), gold, budget=0.001), console)
    assert "Nothing was asked" in caught.value.hint
    assert model.requests == []
    said = " ".join(console.export_text().split())
    assert re.search(
        r"Estimate for 10 cases with 2 prompt versions: \$0\.[01]\d \(.*\); up to \$0\.[23]\d if every answer", said
    )
    assert compare(CompareOptions(("v1", "v2"), gold, budget=1.0), console) == 0


def test_the_budget_is_a_hard_limit_and_what_was_answered_is_compared(
    gold: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged, HAIKU)
    model.usage = Usage(input_tokens=9000)  # far more than is estimated
    console = Console(width=200)
    assert compare(CompareOptions(("v1", "v2"), gold, budget=0.16, as_json=True), console) == 0
    out = capsys.readouterr().out
    found = json.loads(out[out.index("{\n") :])
    assert 0.10 < found["paid_usd"] <= 0.16
    assert found["paid_usd"] == pytest.approx(len(model.requests) * 0.009)
    assert 0 < found["cases"] < 10
    assert [row["calls"] for row in found["versions"]] == [found["cases"]] * 2
    assert found["cut_short"].startswith(f"The budget of $0.16 ended it. Cases answered: v1 10, v2 {found['cases']}.")


def test_a_version_that_the_budget_left_unasked_is_named_and_not_compared(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged, HAIKU)
    model.usage = Usage(input_tokens=9000)
    compare(CompareOptions(("v1", "v2"), gold, budget=0.085), console)
    out = " ".join(console.export_text().split())
    assert "v2 0. The figures are of the" in out
    assert "v2 against v1" not in out
    model.requests.clear()
    model.usage = Usage(input_tokens=100)
    with pytest.raises(UsageProblem):
        compare(CompareOptions(("v1", "v2"), gold, budget=0.00001), console)
    assert model.requests == []


def test_a_budget_for_a_model_without_a_price_is_refused(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged, "acme.new-model")
    with pytest.raises(UsageProblem, match="No price is known"):
        compare(CompareOptions(("v1", "v2"), gold, budget=1.0), console)
    assert model.requests == []
    assert compare(CompareOptions(("v1", "v2"), gold), console) == 0


def test_the_plot_shows_each_version_with_its_interval(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_model(monkeypatch, compare_prompts, stack, judged)
    compare(CompareOptions(("v1", "v2"), gold, plot=tmp_path / "plot.svg"), console)
    drawn = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert drawn.count("<circle") == 2
    assert ">v1<" in drawn
    assert "10 cases of gold.jsonl, seed 0" in drawn


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"versions": ("v1",)}, "needs two versions"),
        ({"versions": ("v1", "v1")}, "named twice"),
        ({"versions": ("v1", "v99")}, "no version 'v99'"),
        ({"budget": 0.0}, "must be above 0"),
        ({"plot": Path("plot.png")}, "SVG file"),
        ({"plot": Path("absent") / "plot.svg"}, "there is no folder"),
        ({"task": "fruit"}, "no task 'fruit'"),
    ],
)
def test_wrong_usage_asks_nothing(
    changes: dict[str, object],
    message: str,
    gold: Path,
    stack: Stack,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = with_model(monkeypatch, compare_prompts, stack, judged)
    options = CompareOptions(**{"versions": ("v1", "v2"), "gold": gold, **changes})  # type: ignore[arg-type]  # by name
    with pytest.raises(UsageProblem, match=message):
        compare(options, console)
    assert model.requests == []


def test_a_model_that_denies_is_said_in_words(
    gold: Path, stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(monkeypatch, compare_prompts, stack, lambda request: ModelAccessDenied("model x may not be called"))
    with pytest.raises(CliError, match="Model x may not be called") as caught:
        compare(CompareOptions(("v1", "v2"), gold), console)
    assert "What was answered is kept" in caught.value.hint
