"""`plumbline anonymize`: the pipeline's own masking, shown on this machine."""

import gzip
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from cli import anonymize as command
from cli import main
from cli.anonymize import AnonymizeOptions, show
from cli.anonymize_view import body, colour_of
from plumbline.anonymize import Privacy, anonymize, marked
from plumbline.anonymize.placeholders import Replacement
from plumbline.anonymize.spans import ENTITY_TYPES
from plumbline.contracts.cases import Case, Message

CSV = (
    "Ticket ID,Subject,Description,Category\n"
    '17,Login,"Hi, write to ann@example.org or call.\nDear Ann Lee,\nthanks",Billing Inquiry\n'
    "18,,,\n"
    "19,Bill of bob@example.com,Two times,x\n"
)
STRUCK, ESCAPE = "\x1b[2;9;32m", "\x1b["


class Finder:
    """Knows one person and what an e-mail address looks like."""

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        for text in texts:
            yield [
                (*match.span(), "NAME" if match[0] == "Ann Lee" else "EMAIL")
                for match in re.finditer(r"Ann Lee|\w+@[\w.]+\w", text)
            ]


@pytest.fixture(autouse=True)
def finder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model takes seconds to load, and what it finds is tested elsewhere."""
    monkeypatch.setattr(command, "SpacyDetector", Finder)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(CSV)
    return path


def plumbline(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plumbline", "anonymize", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def terminal(width: int = 60, **more: Any) -> Console:
    """A terminal with colours; what it got is in its file."""
    settings = {"force_terminal": True, "color_system": "standard", "legacy_windows": False, "_environ": {}, **more}
    return Console(file=io.StringIO(), width=width, highlight=False, **settings)


def output(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_piped_it_marks_as_gits_word_diff_does(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plumbline(monkeypatch, str(export), "--diff") == 1  # one row holds no text
    out = capsys.readouterr().out
    assert "  Hi, write to [-ann@example.org-]{+[EMAIL_1]+} or call.\n  Dear [-Ann Lee-]{+[NAME_1]+},\n" in out
    assert "Bill of [-bob@example.com-]{+[EMAIL_1]+}" in out
    assert "18  no case: no text" in out
    assert "2 cases, 3 values masked, 1 row not read" in out
    assert re.search(r"^  EMAIL\s2  NAME\s1$", out, re.MULTILINE)
    assert ESCAPE not in out


def test_on_a_terminal_values_are_struck_in_the_colour_of_their_kind_within_the_width(export: Path) -> None:
    console = terminal()
    assert show(AnonymizeOptions(str(export), diff=True), console) == 1
    out = output(console)
    assert f"{STRUCK}ann@example.org" in out
    assert f"{ESCAPE}1;32m[EMAIL_1]" in out
    assert f"{ESCAPE}1;36m[NAME_1]" in out
    assert "[-" not in out
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", row)) <= 60 for row in out.splitlines())


def test_a_terminal_that_wants_no_colours_gets_the_marks(export: Path) -> None:
    console = terminal(no_color=True)
    show(AnonymizeOptions(str(export), diff=True), console)
    assert "[-ann@example.org-]" in output(console)


def test_without_diff_no_value_is_shown(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plumbline(monkeypatch, str(export))
    out = capsys.readouterr().out
    assert "Hi, write to [EMAIL_1] or call." in out
    assert "example" not in out
    assert "Ann" not in out


def test_json_is_each_case_as_the_pipeline_keeps_it(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plumbline(monkeypatch, str(export), "--json") == 1
    first, fault, second = (json.loads(row) for row in capsys.readouterr().out.splitlines())
    assert first["messages"][0]["text"] == "Hi, write to [EMAIL_1] or call.\nDear [NAME_1],\nthanks"
    assert first["entities"] == {"EMAIL": 1, "NAME": 1}
    assert "masked" not in first
    assert "gold_category" not in first
    assert fault == {"line": 5, "case_id": "18", "error": "no text"}
    assert second["subject"] == "Bill of [EMAIL_1]"


def test_json_with_diff_tells_the_values_and_where_they_stood(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plumbline(monkeypatch, str(export), "--json", "--diff", "--case", "19") == 0
    case = json.loads(capsys.readouterr().out)
    assert case["masked"] == [
        {
            "field": "subject",
            "start": 8,
            "end": 23,
            "type": "EMAIL",
            "placeholder": "[EMAIL_1]",
            "value": "bob@example.com",
        }
    ]


def test_what_is_marked_is_what_the_pipeline_makes_of_the_case() -> None:
    texts = "Dear Ann Lee, ann@example.org and ann@example.org, again Ann", "Regards\nAnn"
    messages = tuple(Message(role="customer", text=text) for text in texts)
    case = Case(case_id="1", subject="From Ann Lee", messages=messages, product="Ann Lee's book")
    privacy = Privacy(Finder())
    found, [kept] = marked(case, privacy), anonymize([case], privacy)
    assert found.case == kept
    shown = [
        body(text, row, diff=False, coloured=False).plain for text, row in zip(found.texts, found.replaced, strict=True)
    ]
    assert shown == [kept.subject, *(message.text for message in kept.messages), kept.product or ""]


def test_a_case_for_a_person_says_why_and_keeps_its_texts_on_the_screen_alone(export: Path) -> None:
    privacy = Privacy(Finder(), policy={"NAME": "review"})
    console = terminal(80)
    show(AnonymizeOptions(str(export), diff=True), console, privacy)
    out = re.sub(r"\x1b\[[0-9;]*m", "", output(console))
    assert "would go to a person first: policy: NAME" in out
    assert "1 case to a person first" in out
    assert "ann@example.org" in out


def test_json_of_a_case_for_a_person_has_no_texts(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    privacy = Privacy(Finder(), policy={"NAME": "review"})
    show(AnonymizeOptions(str(export), as_json=True, case_id="17"), terminal(), privacy)
    case = json.loads(capsys.readouterr().out)
    assert case["review"] == ["policy: NAME"]
    assert [message["text"] for message in case["messages"]] == [""]


LEFT = "boxed 789456123, Ann Lee"


@pytest.fixture
def held(tmp_path: Path) -> Path:
    path = tmp_path / "held.jsonl"
    path.write_text(json.dumps({"case_id": "H1", "text": LEFT}))
    return path


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_sends_a_case_to_a_person_is_marked_on_a_terminal_and_the_mark_explained(held: Path, width: int) -> None:
    console = terminal(width)
    show(AnonymizeOptions(str(held), diff=True), console)
    out = output(console)
    assert f"{ESCAPE}1;30;103m789456123{ESCAPE}0m" in out
    assert f"{ESCAPE}1;30;103mvalue{ESCAPE}0m left over, for a person" in out
    assert "would go to a person first: leftover: NUMBER" in re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", row)) <= width for row in out.splitlines())


@pytest.mark.parametrize("diff", [True, False])
def test_without_colours_it_has_signs(held: Path, diff: bool) -> None:
    console = terminal(no_color=True)
    show(AnonymizeOptions(str(held), diff=diff), console)
    out = re.sub(r"\x1b\[[0-9;]*m", "", output(console))
    assert "boxed {?789456123?}, " in out
    assert "{?value?} left over, for a person" in out
    assert ("[-value-] masked" in out) == diff


def test_json_with_diff_tells_what_was_left_over(held: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(AnonymizeOptions(str(held), as_json=True, diff=True), terminal())
    case = json.loads(capsys.readouterr().out)
    assert case["left"] == [{"field": "messages.0", "start": 6, "end": 15, "type": "NUMBER", "value": "789456123"}]


def test_without_a_stack_the_defaults_count_and_it_says_so(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plumbline(monkeypatch, str(export))
    assert "Settings: the defaults, as no stack runs here" in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("aws")
def test_a_stacks_settings_count_and_it_says_whose(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(PiiPolicy='{"NAME": "keep"}', PiiAllow='["bob@example.com"]', PiiPatterns="{}", PiiDetector="both")
    plumbline(monkeypatch, str(export), "--stack", "demo")
    out = capsys.readouterr().out
    assert "Settings: the stack demo's (PiiPolicy, PiiAllow). Not used here: PiiDetector." in out
    assert "Dear Ann Lee," in out
    assert "Bill of bob@example.com" in out
    assert "write to [EMAIL_1]" in out


@pytest.mark.usefixtures("aws")
def test_settings_that_cannot_be_used_are_told(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed(PiiPolicy='{"NOBODY": "keep"}')
    assert plumbline(monkeypatch, str(export), "--stack", "demo") == 1
    assert "PII_POLICY names NOBODY" in capsys.readouterr().err.replace("\n", " ")


def deployed(**parameters: str) -> None:
    """A stack of that name with these parameters, and the outputs that every command reads."""
    outputs = ("RawBucketName", "DataBucketName", "LedgerTableName", "StateMachineArn", "TaskName")
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": "x"} for name in outputs},
    }
    given: list[Any] = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    boto3.client("cloudformation").create_stack(StackName="demo", TemplateBody=json.dumps(template), Parameters=given)


@pytest.mark.parametrize(("words", "cases"), [((), 20), (("--limit", "3"), 3), (("--limit", "0"), 25)])
def test_a_screen_gets_the_first_cases_and_a_word_on_the_rest(
    words: tuple[str, ...],
    cases: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "many.jsonl.gz"
    rows = [json.dumps({"case_id": f"C{n}", "text": "Write to a@example.org"}) for n in range(25)]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    assert plumbline(monkeypatch, str(path), *words) == 0
    out = capsys.readouterr().out
    assert f"{cases} cases, {cases} values masked" in out
    assert ("(more: --limit 0)" in out) == (cases < 25)


def test_standard_input_and_a_mapping_are_read_as_for_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "columns.yaml"
    mapping.write_text("case_id: Nr\nsubject: Betreff\ntext: Inhalt\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Nr;Betreff;Inhalt\n4;Login;an a@example.org\n")))
    assert plumbline(monkeypatch, "-", "--map", str(mapping), "--diff") == 0
    assert "an [-a@example.org-]{+[EMAIL_1]+}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.csv",), "There is no file absent.csv"),
        (("EXPORT", "--case", "99"), "holds no case '99'"),
        (("EXPORT", "--limit", "-1"), "--limit"),
        (("EXPORT", "--map", "absent.yaml"), "There is no file absent.yaml"),
    ],
)
def test_wrong_usage_is_told_in_words(
    words: tuple[str, ...], said: str, export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plumbline(monkeypatch, *(str(export) if word == "EXPORT" else word for word in words)) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_where_the_model_is_not_installed_it_says_what_installs_it(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Absent:
        def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
            raise ImportError("no module of that name")

    monkeypatch.setattr(command, "SpacyDetector", Absent)
    assert plumbline(monkeypatch, str(export)) == 1
    assert "make setup" in capsys.readouterr().err


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\x9b", "\u202e", "\x7f", "\r"])
def test_a_text_cannot_steer_the_terminal(sign: str) -> None:
    text = f"a{sign}[2Jb{sign}c"
    shown = body(text, (Replacement(6, 7, "NAME", "[NAME_1]"),), diff=True, coloured=True).plain
    assert sign not in shown
    assert shown.startswith("a")


def test_every_type_has_a_colour_and_a_companys_own_another() -> None:
    assert {colour_of("ORDER_NUMBER")} == {"bright_magenta"}
    assert "bright_magenta" not in {colour_of(entity) for entity in ENTITY_TYPES}


def test_a_long_conversation_is_cut_as_for_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"case_id": "1", "text": "word " * 8_000}))
    assert show(AnonymizeOptions(str(path)), Console(width=80, highlight=False)) == 0
    out = capsys.readouterr().out
    assert "cut: its opening and end were kept" in out
    assert "characters left out" in out
