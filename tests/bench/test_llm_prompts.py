"""bench.llm_prompts: the sample, the kept answers and the figures. The model is a fake."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import llm_cases, llm_prompts
from bench.kept import KeptModel
from bench.llm_cases import DataSet, GoldCase, gold_sample
from local.bedrock.answering import ServiceError
from local.bedrock.prompt_reader import answer_text
from plumbline.anonymize import Privacy
from plumbline.contracts.cases import AnonymizedCase, Message
from plumbline.contracts.errors import ModelRequestRejected, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage
from plumbline.prompting import load_prompt


class Finder:
    """Finds every `Anna`."""

    def find(self, texts: list[str]) -> Any:
        for text in texts:
            start = text.find("Anna")
            yield [(start, start + 4, "NAME")] if start >= 0 else []


class Model:
    """Answers by the text of the case; what it was asked is counted."""

    def __init__(self, error: str = "") -> None:
        self.asked = 0
        self.error = error

    def answer(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        if self.error:
            raise ServiceError(self.error, "no")
        text = request.turns[0].text
        named = "Billing Inquiry" if "invoice" in text else "Software Defect"
        reply = "sorry" if "junk" in text and len(request.turns) == 1 else answer_text("r", named)
        return ModelReply(
            text=reply, stop_reason="end_turn", usage=Usage(input_tokens=10, output_tokens=4, cache_read_tokens=90)
        )


def ask(text: str = "hello", sample: int = 0) -> ModelRequest:
    return ModelRequest(
        model_id="local.llm", system="s", turns=(Turn(role="user", text=text),), max_tokens=9, sample=sample
    )


def gold(text: str, category: str) -> GoldCase:
    case = AnonymizedCase(case_id=text, messages=(Message(role="customer", text=text),), fingerprint="0" * 16)
    return GoldCase(case, category)


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    file, first, second = tmp_path / "kept.jsonl", Model(), Model()
    before = KeptModel(file, lambda: first)
    replies = [before.ask(ask()), before.ask(ask()), before.ask(ask(sample=1))]
    assert first.asked == 2
    after = KeptModel(file, lambda: second)
    assert after.has(ask())
    assert not after.has(ask("other"))
    assert [after.ask(ask()), after.ask(ask()), after.ask(ask(sample=1))] == replies
    assert second.asked == 0
    assert len(after.used()) == 3
    assert after.used() == []


def test_a_run_that_was_killed_while_it_wrote_goes_on(tmp_path: Path) -> None:
    file, model = tmp_path / "kept.jsonl", Model()
    for text in ("a", "b"):
        KeptModel(file, lambda: model).ask(ask(text))
    file.write_bytes(file.read_bytes()[:-5])
    again = KeptModel(file, lambda: model)
    assert again.has(ask("a"))
    assert not again.has(ask("b"))
    again.ask(ask("b"))
    assert model.asked == 3
    assert KeptModel(file, lambda: model).has(ask("b"))


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes\nmore", encoding="utf-8")
    with pytest.raises(ValueError, match="something else"):
        KeptModel(file, Model)
    assert file.read_text(encoding="utf-8") == "my notes\nmore"


@pytest.mark.parametrize(
    ("code", "kind"), [("ValidationException", ModelRequestRejected), ("ModelErrorException", ModelUnavailable)]
)
def test_the_stand_ins_errors_are_the_ports(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        KeptModel(None, lambda: Model(code)).ask(ask())


def write(monkeypatch: pytest.MonkeyPatch, name: str, path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setitem(llm_cases.SETS, name, DataSet(path, llm_cases.SETS[name].task))


def test_a_sample_is_fixed_masked_and_begins_with_the_smaller_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {
            "case_id": f"c{number}",
            "title": None,
            "category": "Software Defect",
            "turns": [{"role": "customer", "text": f"Anna {number}"}, {"role": "bot", "text": " "}],
        }
        for number in range(20)
    ]
    privacy = Privacy(Finder())
    write(monkeypatch, "cases6", tmp_path / "a", rows)
    large = gold_sample("cases6", 10, privacy)
    assert len(large) == 10
    assert [case.case.case_id for case in large] != [f"c{number}" for number in range(10)]
    write(monkeypatch, "cases6", tmp_path / "b", rows[::-1])
    assert gold_sample("cases6", 4, privacy) == large[:4]
    assert gold_sample("cases6", 4, privacy, seed=7) != large[:4]
    assert "Anna" not in str([case.case.messages for case in large])
    assert [message.role for message in large[0].case.messages] == ["customer"]


def test_an_issue_is_told_as_the_prompt_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def author(name: str, association: str) -> dict[str, str]:
        return {"username": name, "author_association": association}

    comments = [
        {"author": author("m", "MEMBER"), "body": "two"},
        {"author": author("o", "NONE"), "body": "three"},
        {"author": author("a", "OWNER"), "body": "four"},
    ]
    row = {
        "html_url": "u",
        "title": " T ",
        "body": "one",
        "author": author("a", "OWNER"),
        "comments": comments,
        "final_classification": "Not  a Bug",
    }
    write(monkeypatch, "inexbug", tmp_path / "a", [row])
    [case] = gold_sample("inexbug", 5, Privacy(Finder()))
    assert [(message.role, message.text) for message in case.case.messages] == [
        ("customer", "one"),
        ("agent", "two"),
        ("other", "three"),
        ("customer", "four"),
    ]
    assert case.gold in load_prompt(llm_prompts.PROMPTS, "npm_issue", "v1").prompt.category_names


def test_the_figures_count_a_case_without_a_label_as_wrong() -> None:
    cases = [
        gold("the invoice", "Billing Inquiry"),
        gold("it crashed", "Software Defect"),
        gold("junk, it crashed", "Software Defect"),
        gold("how do I", "Customer Education"),
    ]
    prompt = load_prompt(llm_prompts.PROMPTS, "root_cause", "v1")
    result = llm_prompts.measure(cases, prompt, KeptModel(None, Model), "local.llm", lambda _: None)
    row = dict(zip(llm_prompts._COLUMNS, llm_prompts.line(cases, result), strict=True))
    assert row["prompt"] == "v1"
    assert row["right"] == "0.750"
    assert row["label"] == "4/4"
    assert row["at once"] == "3/4"
    assert row["re-asked"] == "1"
    assert (row["in"], row["cached"], row["out"]) == ("12", "112", "5")
    unread = result._replace(trials=[trial.model_copy(update={"label": None}) for trial in result.trials])
    assert llm_prompts.line(cases, unread)[1] == "0.000"
    [sentence] = llm_prompts.compared(cases, [result, unread._replace(version="v2")])
    assert sentence == "v1 alone right 3, v2 alone right 0: McNemar p = 0.25"


def test_without_the_data_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(llm_cases.SETS, "cases6", DataSet(tmp_path / "none.jsonl", "root_cause"))
    with pytest.raises(SystemExit, match=r"none\.jsonl is not here"):
        llm_prompts.main([])
