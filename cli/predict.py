"""`plumbline predict`: ask the stack's API about the cases of a file, or about a text."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli.api import PredictionApi, Refused
from cli.case_files import cases_in
from cli.doubts import SURE, doubt
from cli.errors import CliError, UsageProblem
from cli.options import StackName, examples
from cli.paths import plumbline
from cli.precheck import check_export, check_mapping
from cli.run import asked_stack, console_for
from cli.wrapping import say
from plumbline.contracts.api import Prediction
from plumbline.contracts.cases import Case
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.mapping import parse_mapping
from plumbline.ingest.rows import BadRow
from plumbline.report.words import clipped, percent, plural

_STDIN = "-"
_MANY = 50
_WORTH_SAYING = 0.005
_CASE_WIDTH, _CATEGORY_WIDTH = 14, 26

PREDICT_EXAMPLES = examples(
    "plumbline predict case.json",
    'plumbline predict --subject "Charged twice" --text "Our card was charged twice for March."',
    "head -n 5 samples/cases.jsonl | plumbline predict - --json",
)


@dataclass(frozen=True)
class PredictOptions:
    """What `plumbline predict` was asked for: a file, or a text."""

    file: str | None = None
    text: str | None = None
    subject: str | None = None
    mapping: Path | None = None
    stack_name: str | None = None
    as_json: bool = False


@dataclass(frozen=True)
class Question:
    """One case as the API takes it, or why a row is none. `name` is what to call it on the screen."""

    name: str
    body: dict[str, Any] | None
    fault: str = ""


def predict_command(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Cases in any format that `run` reads; - is standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="A case's text instead of a file.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The subject that goes with --text.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    stack: StackName = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line for each case.")] = False,
) -> None:
    """Ask the API which category cases belong to, a line for each as it comes.

    Names and other personal data are masked before the model reads a case.
    Where the model is not sure it abstains and says what the case may be.
    Exit code: 0 every case got an answer, 1 some did not, 2 wrong usage.
    """
    options = PredictOptions(file=file, text=text, subject=subject, mapping=mapping, stack_name=stack, as_json=as_json)
    raise typer.Exit(predict(options, console_for(as_json=as_json)))


def predict(options: PredictOptions, console: Console) -> int:
    """Ask about every case and print each answer as it comes; 0 when every case got one, else 1."""
    _check(options)
    where = asked_stack(options.stack_name, console)
    api = PredictionApi(where)
    screen = Screen(console, lambda version: doubt(where, version), as_json=options.as_json)
    with _questions(options) as questions:
        for number, question in enumerate(questions, start=1):
            if number == _MANY + 1 and options.file not in (None, _STDIN):
                faster = plumbline(f"predict-batch {options.file}{where.option}")
                console.print(f"More than {_MANY} cases: {faster} asks about many at once.", style="yellow")
            _ask(api, question, screen)
    screen.finish()
    return 1 if screen.failed or not screen.asked else 0


def _ask(api: PredictionApi, question: Question, screen: "Screen") -> None:
    if question.body is None:
        screen.fault(question.name, "unreadable_row", question.fault)
        return
    try:
        screen.answer(question.name, api.predict(question.body))
    except Refused as refused:
        screen.fault(question.name, refused.code, refused.message)


def _check(options: PredictOptions) -> None:
    example = f'For example: {plumbline("predict")} --subject "Login" --text "It says expired."'
    if options.file is not None and options.text is not None:
        hint = f"Ask twice: {plumbline('predict')} {options.file}, then the text by itself."
        raise UsageProblem("FILE and --text were both given, and one call asks about one of them.", hint)
    if options.subject is not None and options.text is None:
        alone = options.file is None
        hint = example if alone else "Cases of a file have subjects of their own."
        raise UsageProblem(f"--subject goes with --text{', which is missing' if alone else ', not with a FILE'}.", hint)
    if options.file is None and options.text is None:
        raise UsageProblem("Name a FILE, or give --text.", example)
    if options.text is not None and not (options.text.strip() or (options.subject or "").strip()):
        raise UsageProblem("The text is empty.")
    if options.file is not None and options.file != _STDIN:
        check_export(Path(options.file))
    if options.mapping:
        check_mapping(options.mapping)


@contextmanager
def _questions(options: PredictOptions) -> Iterator[Iterator[Question]]:
    if options.text is not None:
        message = {"role": "customer", "text": options.text}
        body = {"subject": options.subject or "", "messages": [message] if options.text.strip() else []}
        yield iter([Question("text", body)])
    elif options.file == _STDIN:
        yield _of_stream(sys.stdin.buffer, "standard input", options)
    else:
        path = Path(options.file or "")
        with path.open("rb") as stream:
            yield _of_stream(stream, path.name, options)


def _of_stream(stream: IO[bytes], name: str, options: PredictOptions) -> Iterator[Question]:
    mapped = parse_mapping(options.mapping.read_bytes(), str(options.mapping)).profile() if options.mapping else None
    try:
        for found in cases_in(stream, name, mapped):
            if isinstance(found, BadRow):
                detail = f" ({found.detail})" if found.detail else ""
                yield Question(found.case_id or f"line {found.line}", None, f"{found.reason.value}{detail}")
            else:
                yield Question(found.case.case_id, body_of(found.case))
    except InvalidCaseFile as error:
        raise CliError(f"{name}: {error}.", "docs/case-files.md says what can be read.") from None


def body_of(case: Case) -> dict[str, Any]:
    """The case as the API takes it. A gold label stays here: nobody may say that the model saw it."""
    return case.model_dump(mode="json", exclude={"gold_category", "cut"}, exclude_none=True)


class Screen:
    """A line a case: category, confidence, what else it may be, what was masked. With `as_json`, a JSON line each.

    `doubt` says why a confidence above 99% of a model is not to be believed; it is asked and said once a model.
    """

    def __init__(self, console: Console, doubt: Callable[[str], str], *, as_json: bool) -> None:
        self._console = console
        self._doubt = doubt
        self._doubted: set[str] = set()
        self._as_json = as_json
        self._model = ""
        self.asked = self.failed = self.abstained = 0

    def answer(self, name: str, prediction: Prediction) -> None:
        """Show an answer."""
        self.asked += 1
        self.abstained += prediction.abstained
        if self._as_json:
            print(json.dumps({"case_id": name, **prediction.model_dump(mode="json")}), flush=True)
            self._warn(prediction)  # on standard error
            return
        if prediction.model_version != self._model:  # a promotion may come in between
            self._model = prediction.model_version
            self._console.print(Text.assemble(("Model ", "dim"), (self._model, "bold")), soft_wrap=True)
        self._console.print(line(name, prediction), soft_wrap=not self._console.is_terminal)
        self._warn(prediction)

    def _warn(self, prediction: Prediction) -> None:
        version = prediction.model_version
        if prediction.confidence <= SURE or version in self._doubted:
            return
        self._doubted.add(version)
        if words := self._doubt(version):
            say(self._console, f"Above 99%: {words}", style="yellow", mark="! ", hang=2)

    def fault(self, name: str, code: str, message: str) -> None:
        """Show that a case got no answer."""
        self.asked += 1
        self.failed += 1
        if self._as_json:
            print(json.dumps({"case_id": name, "error": {"code": code, "message": message}}), flush=True)
            return
        words = Text.assemble(
            (f"{clipped(name, _CASE_WIDTH):<{_CASE_WIDTH}}  ", ""), ("no answer", "red"), f"  {message}"
        )
        self._console.print(words, soft_wrap=not self._console.is_terminal)

    def finish(self) -> None:
        """Say the sum where there is more than one case."""
        if self._as_json:
            return
        if not self.asked:
            self._console.print("The file holds no cases.", style="yellow")
        if self.asked > 1:
            parts = [plural(self.asked, "case"), f"{self.abstained} abstained", f"{self.failed} without an answer"]
            self._console.print(", ".join(parts), style="dim")


def line(name: str, prediction: Prediction) -> Text:
    """One answer in a line. Where the model abstained its best guess is the first of what else it may be."""
    category = prediction.category or "abstained"
    text = Text(f"{clipped(name, _CASE_WIDTH):<{_CASE_WIDTH}}  ")
    style = "yellow" if prediction.abstained else "bold green"
    text.append(f"{clipped(category, _CATEGORY_WIDTH):<{_CATEGORY_WIDTH}}", style=style)
    text.append(f"  {percent(prediction.confidence, 0):>5}")
    # An abstention's alternatives all matter; beside a clear answer those that round to nothing do not.
    least = 0.0 if prediction.abstained else _WORTH_SAYING
    if worth := [other for other in prediction.alternatives if other.confidence >= least]:
        others = ", ".join(f"{other.category} {percent(other.confidence, 0)}" for other in worth)
        text.append(f"  {'perhaps' if prediction.abstained else 'or'} {others}", style="dim")
    masked = ", ".join(f"{number} {kind}" for kind, number in prediction.anonymized_entities.items())
    if masked:
        text.append(f"  masked: {masked}", style="dim")
    return text
