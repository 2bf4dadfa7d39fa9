"""`plumbline anonymize`: what the pipeline would mask in an export, shown on this machine. Needs no stack."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console

from cli.anonymize_settings import privacy_of
from cli.anonymize_view import Screen, field_names
from cli.case_files import cases_in
from cli.errors import CliError, UsageProblem
from cli.options import StackName, examples
from cli.paths import plumbline
from cli.precheck import check_export, check_mapping
from cli.run import console_for
from plumbline.anonymize import Marked, Privacy, anonymize, marked
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.cases import Case
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.cases import ReadCase
from plumbline.ingest.cut import cut_case
from plumbline.ingest.mapping import parse_mapping
from plumbline.ingest.options import IngestSettings
from plumbline.ingest.rows import BadRow

_STDIN = "-"
_ON_A_SCREEN = 20
_MAX_TOKENS = IngestSettings().max_case_tokens

ANONYMIZE_EXAMPLES = examples(
    "plumbline anonymize samples/cases.jsonl --diff",
    "plumbline anonymize export.csv --diff --case PL-1036",
    "plumbline anonymize export.csv --json > masked.jsonl",
)


@dataclass(frozen=True)
class AnonymizeOptions:
    """What `plumbline anonymize` was asked for. `limit` 0 is no limit, None what suits the output."""

    file: str
    diff: bool = False
    limit: int | None = None
    case_id: str | None = None
    mapping: Path | None = None
    as_json: bool = False
    stack_name: str | None = None


def anonymize_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Cases in any format that `run` reads; - is standard input.")
    ],
    diff: Annotated[
        bool, typer.Option("--diff", help="Show each masked value, struck, before its placeholder.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=0, help=f"How many cases; 0 is all, which is so with --json. [{_ON_A_SCREEN}]"
        ),
    ] = None,
    case_id: Annotated[str | None, typer.Option("--case", metavar="ID", help="This case alone.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a line for each case, without the values that were masked.")
    ] = False,
    stack_name: StackName = None,
) -> None:
    """Show what is masked in cases before a model reads them.

    The pipeline's own code does it, on this machine: nothing is uploaded, and
    no stack is needed. PiiPolicy, PiiPatterns and PiiAllow are those of the
    stack that runs here, or that --stack names; else the defaults. With --diff
    the values are on your screen, in a colour for each kind; piped, they stand
    as [-value-]{+[NAME_1]+}. What sends a case to a person is marked, too; piped
    as {?value?}. With --json a case is as the pipeline keeps it; --json --diff
    lists the values, too.
    Exit code: 0 every row was read, 1 some could not be, 2 wrong usage.
    """
    options = AnonymizeOptions(file, diff, limit, case_id, mapping, as_json, stack_name)
    raise typer.Exit(show(options, console_for(as_json=as_json)))


def show(options: AnonymizeOptions, console: Console, privacy: Privacy | None = None) -> int:
    """Print the file's cases as anonymized; 0 when every row that was looked at is a case, else 1."""
    if options.file != _STDIN:
        check_export(Path(options.file))
    if options.mapping:
        check_mapping(options.mapping)
    if privacy is None:
        privacy, about = privacy_of(options.stack_name, SpacyDetector())
        console.print(f"[dim]{about}[/]\n")
    screen = Screen(console, diff=options.diff)
    with _read(options) as found:
        wanted = _wanted(found, options)
        for item in islice(wanted, _limit(options)):
            if isinstance(item, BadRow):
                _fault(item, screen, options)
            else:
                _one(cut_case(item.case, _MAX_TOKENS), privacy, screen, options)
        more = next(wanted, None) is not None
    if options.case_id is not None and not screen.cases:
        hint = f"Without --case its cases are shown: {plumbline('anonymize')} {options.file}"
        raise UsageProblem(f"{options.file} holds no case {options.case_id!r}.", hint)
    if not options.as_json:
        screen.finish(more=more)
    return 1 if screen.faults or not screen.cases else 0


def _limit(options: AnonymizeOptions) -> int | None:
    if options.limit is None:
        return None if options.as_json or options.case_id is not None else _ON_A_SCREEN
    return options.limit or None


def _wanted(found: Iterable[ReadCase | BadRow], options: AnonymizeOptions) -> Iterator[ReadCase | BadRow]:
    for item in found:
        name = item.case_id if isinstance(item, BadRow) else item.case.case_id
        if options.case_id is None or name == options.case_id:
            yield item


def _one(case: Case, privacy: Privacy, screen: Screen, options: AnonymizeOptions) -> None:
    try:
        if options.as_json and not options.diff:
            [kept] = anonymize([case], privacy)
            screen.cases += 1
            print(kept.model_dump_json(exclude={"fingerprint", "content_hash"}), flush=True)
            return
        found = marked(case, privacy)
    except ImportError:
        raise CliError("The model that finds names is not installed.", "`make setup` installs it.") from None
    if options.as_json:
        screen.cases += 1
        print(json.dumps(_with_values(found)), flush=True)
    else:
        screen.case(found)


def _with_values(found: Marked) -> dict[str, Any]:
    """The case, in `masked` what each placeholder stands for, and in `left` what sends the case to a person."""
    rows = zip(field_names(found), found.texts, found.replaced, strict=True)
    masked = [
        {"field": name, **one._asdict(), "value": text[one.start : one.end]} for name, text, row in rows for one in row
    ]
    rest = zip(field_names(found), found.texts, found.left, strict=True)
    left = [
        {"field": name, **one._asdict(), "value": text[one.start : one.end]} for name, text, row in rest for one in row
    ]
    return {
        **found.case.model_dump(mode="json", exclude={"fingerprint", "content_hash"}),
        "masked": masked,
        "left": left,
    }


def _fault(row: BadRow, screen: Screen, options: AnonymizeOptions) -> None:
    detail = f" ({row.detail})" if row.detail else ""
    if options.as_json:
        screen.faults += 1
        print(
            json.dumps({"line": row.line, "case_id": row.case_id, "error": f"{row.reason.value}{detail}"}), flush=True
        )
    else:
        screen.fault(row.case_id or f"line {row.line}", f"{row.reason.value}{detail}")


@contextmanager
def _read(options: AnonymizeOptions) -> Iterator[Iterator[ReadCase | BadRow]]:
    if options.file == _STDIN:
        yield _cases(sys.stdin.buffer, "standard input", options)
        return
    path = Path(options.file)
    with path.open("rb") as stream:
        yield _cases(stream, path.name, options)


def _cases(stream: IO[bytes], name: str, options: AnonymizeOptions) -> Iterator[ReadCase | BadRow]:
    mapped = parse_mapping(options.mapping.read_bytes(), str(options.mapping)).profile() if options.mapping else None
    try:
        yield from cases_in(stream, name, mapped)
    except InvalidCaseFile as error:
        raise CliError(f"{name}: {error}.", "docs/case-files.md says what can be read.") from None
