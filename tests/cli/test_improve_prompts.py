"""`plumbline prompts improve`: rounds over a file with gold labels, a draft, and a report of the trail."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli import improve_prompts, paths
from cli.errors import CliError, UsageProblem
from cli.improve_prompts import ImproveOptions, improve
from cli.stack import Stack
from plumbline.contracts.errors import ModelAccessDenied
from plumbline.contracts.improvements import Improvement
from plumbline.contracts.replies import ModelRequest
from plumbline.prompting import load_prompt
from plumbline.report.improvement import doubt, render_improvement
from tests.builders import answer
from tests.cli.trying import gold_file, with_model

BILLING, EDUCATION, DEFECT = "Billing Inquiry", "Customer Education", "Software Defect"
ANIMALS = ("otter", "heron", "badger", "lynx", "stoat", "raven", "viper", "bison", "ibis", "newt", "dingo", "okapi")
PLACES = ("harbour", "orchard", "quarry", "chapel", "meadow")
GYM = (
    "<example_case>Customer: How do I end the gym &lt;b&gt;membership?</example_case>"
    "<why_wrong>It asks how, but it ends what is paid for.</why_wrong>"
)


def learns(request: ModelRequest) -> str | Exception:
    """Takes plans to cancel for questions, until the prompt has the gym in it."""
    text = request.turns[0].text
    if "example_case" in request.system:
        return GYM
    if "crash" in text:
        return answer(DEFECT)
    return answer(BILLING if "cancel" in text and "gym" in request.system else EDUCATION)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    def text(word: str, animal: str, place: str) -> str:
        return f"{word} {animal} {place} {place}{animal} {animal}s near {place}s with {word}{animal} and {place}{word}"

    kinds = {"cancel": BILLING, "crash": DEFECT}
    return gold_file(
        tmp_path,
        {
            f"{word}-{animal}-{place}": (kind, text(word, animal, place))
            for word, kind in kinds.items() for animal in ANIMALS for place in PLACES
        },
    )  # fmt: skip


@pytest.fixture
def prompts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the test's own with the shipped prompts, in which the command runs."""
    shutil.copytree(paths.ROOT / "prompts", tmp_path / "repo" / "prompts")
    monkeypatch.setattr(paths, "ROOT", tmp_path / "repo")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "repo" / "prompts"


Improve = Callable[..., int]


@pytest.fixture
def run_improve(
    stack: Stack, prompts_here: Path, gold: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> Improve:
    def go(answers: Callable[[ModelRequest], str | Exception] = learns, model_id: str = "m", **options: object) -> int:
        with_model(monkeypatch, improve_prompts, stack, answers, model_id)
        settings: dict[str, object] = {"gold": gold, "budget": 5.0, "base": "v2", "sample": 90, **options}
        return improve(ImproveOptions(**settings), console)  # type: ignore[arg-type]  # by name

    return go


HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def test_a_draft_that_helps_is_written_unpublished_with_its_report(
    run_improve: Improve, console: Console, prompts_here: Path, tmp_path: Path
) -> None:
    assert run_improve(model_id=HAIKU) == 0
    loaded = load_prompt(prompts_here, "root_cause", "v5")
    assert loaded.prompt.bad_examples[-1].case == "Customer: How do I end the gym <b>membership?"
    assert "v5.yaml" not in (prompts_here / "prompts.lock").read_text(encoding="ascii")
    out = console.export_text()
    assert "Round 1: 1 draft kept; held-back part" in out
    assert re.search(r"v5: 100\.0% \(.*\) on the final part, v2 \d\d\.\d%", out)
    assert "Written: " in out
    assert "prompts publish root_cause v5" in out
    page = (tmp_path / "improve-root_cause-v5.html").read_text(encoding="utf-8")
    assert "gave v5, a draft" in page
    assert "one-sided" in page
    assert "gym &lt;b&gt;membership" in page
    assert "<b>membership" not in page
    assert "no round looked at these cases" in page


def test_a_draft_that_the_final_part_does_not_bear_out_is_not_called_ready(
    run_improve: Improve, console: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_improve(model_id=HAIKU, as_json=True)
    out = capsys.readouterr().out
    found = Improvement.model_validate(json.JSONDecoder().raw_decode(out[out.index("{\n") :])[0])
    assert doubt(found) == ""
    assert found.final is not None
    turned = found.final.model_copy(update={"fixed": found.final.broke, "broke": found.final.fixed})
    words = doubt(found.model_copy(update={"final": turned}))
    assert words == "The final part does not bear v5 out: it is no better there than v2."
    assert words in render_improvement(found.model_copy(update={"final": turned}))
    assert "was not looked at" in doubt(found.model_copy(update={"final": None}))
    assert doubt(found.model_copy(update={"final": None, "version": None})) == ""
    monkeypatch.setattr(improve_prompts, "doubt", lambda found: words)
    run_improve(model_id=HAIKU, out="v6")
    said = console.export_text().rpartition("Written: ")[2]
    assert "Before you publish it, compare both" in said
    assert "prompts compare v2 v6 --task root_cause --gold FILE" in said
    assert "prompts publish" not in said


def test_json_is_the_whole_trail(run_improve: Improve, capsys: pytest.CaptureFixture[str]) -> None:
    run_improve(model_id=HAIKU, as_json=True, target=0.9)
    out = capsys.readouterr().out
    found, _ = json.JSONDecoder().raw_decode(out[out.index("{\n") :])
    assert found["parts"] == {"development": 30, "held_back": 30, "final": 30}
    assert (found["stopped"], found["version"], found["base"]) == ("target", "v5", "v2")
    assert found["final_best"]["value"] == 1.0
    assert found["final"]["version"] == "v5"
    assert 0 < found["usd"] < 5
    assert [done["kept"] for done in found["rounds"]] == [True]


def test_where_nothing_helps_nothing_is_written_but_the_report(
    run_improve: Improve, console: Console, prompts_here: Path, tmp_path: Path
) -> None:
    assert run_improve(lambda request: answer(EDUCATION), model_id="local.embedding", rounds=2) == 1
    assert not (prompts_here / "root_cause" / "v5.yaml").exists()
    out = console.export_text()
    assert "Round 1: no usable draft in 4 answers" in out
    assert "No draft was better; v2 stays" in out
    assert "local.embedding is a stand-in" in out
    page = (tmp_path / "improve-root_cause-v5.html").read_text(encoding="utf-8")
    assert "gave nothing better" in page
    assert "No usable draft." in page


def test_a_budget_that_allows_no_round_asks_nothing(run_improve: Improve, prompts_here: Path, tmp_path: Path) -> None:
    asked: list[ModelRequest] = []

    def note(request: ModelRequest) -> str:
        asked.append(request)
        return answer(BILLING)

    with pytest.raises(UsageProblem, match="above the budget"):
        run_improve(note, model_id=HAIKU, budget=0.01)
    with pytest.raises(UsageProblem, match="No price is known"):
        run_improve(note, model_id="acme.unknown")
    assert asked == []
    assert not list(tmp_path.glob("improve-*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0.0}, "must be above 0"),
        ({"base": "v77"}, "no version 'v77'"),
        ({"out": "v1"}, "has a version v1 already"),
        ({"report": Path("trail.txt")}, "HTML page"),
        ({"report": Path("absent") / "x.html"}, "there is no folder"),
        ({"sample": 20}, "are the least"),
    ],
)
def test_wrong_usage_is_said(run_improve: Improve, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        run_improve(model_id=HAIKU, **options)


def test_a_model_that_denies_is_said_in_words(run_improve: Improve, prompts_here: Path) -> None:
    with pytest.raises(CliError, match="Not allowed") as caught:
        run_improve(lambda request: ModelAccessDenied("not allowed"), model_id=HAIKU)
    assert "pays for the rest only" in caught.value.hint
    assert not (prompts_here / "root_cause" / "v5.yaml").exists()
