"""`plumbline plan`: what a run of a file would cost on each road, before anything is uploaded or spent."""

import io
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from cli import local_stack, stack
from cli.case_files import refuse_one_case
from cli.errors import CliError, UsageProblem
from cli.options import AsJson, StackName, examples
from cli.parameters import default
from cli.paths import prompts_dir
from cli.plan_view import rendered
from cli.precheck import check_export, check_mapping, check_prompt
from cli.run import console_for
from cli.stack import Stack
from cli.stack_model import stack_parameters
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.contracts.errors import InvalidCaseFile, InvalidMapping, MissingObject
from plumbline.contracts.plan import Plan, PlannedCosts
from plumbline.contracts.runs import IngestResult, RunMode, RunRequest
from plumbline.estimate import Decision, Load, ModelCosts, decide, starts_of
from plumbline.ingest import ingest
from plumbline.ingest.options import IngestSettings
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.prompting import LoadedPrompt, load_prompt, prompt_tokens
from plumbline.start_run import newest_version

PLAN_EXAMPLES: Final = examples(
    "plumbline plan export.csv",
    "plumbline plan cases.jsonl --prompt v2 --budget 5",
    "plumbline plan tickets.csv --map columns.yaml --model-id us.amazon.nova-lite-v1:0",
    "plumbline plan export.csv --mode batch --stack plumbline",
)
RE_ASKED: Final = 0.1  # the share of replies that a range takes to be asked again
_NO_LIMIT: Final = 1e12  # USD; the plan holds the true budget against the estimate itself
_MAPPING: Final = "mapping"


@dataclass(frozen=True)
class PlanOptions:
    """What `plumbline plan` was asked for; None is the stack's own value, or the template's."""

    file: Path
    task: str | None = None
    prompt: str | None = None
    mapping: Path | None = None
    budget: float | None = None
    model_id: str | None = None
    mode: RunMode | None = None
    force: bool = False
    stack_name: str | None = None


class Settings:
    """The parameters of the stack in reach, or the template's defaults where there is none."""

    def __init__(self, where: Stack | None) -> None:
        self._values = stack_parameters(where) if where else {}

    def __getitem__(self, name: str) -> str:
        return self._values.get(name) or default(name)


def plan_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines (also .gz), JSON or a Ground Truth manifest.")
    ],
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="A folder under prompts/.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", metavar="VERSION", help="For example v3.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    budget: Annotated[float | None, typer.Option("--budget", metavar="USD", help="What a run may spend.")] = None,
    model_id: Annotated[
        str | None, typer.Option("--model-id", metavar="ID", help="A Bedrock model or profile.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", metavar="MODE", help="auto, batch or on-demand.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Count unchanged cases as new.")] = False,
    stack_name: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run of the file would cost, on demand, with the prompt cache and in a batch, and which way it takes.

    Nothing is uploaded and no model is asked. Where a stack runs, the cases it
    has labeled do not count. A stack on this machine costs nothing, so its
    plan is for the template's own model; --model-id names another.
    """
    if budget is not None and not budget > 0:
        raise UsageProblem("--budget must be above 0.")
    options = PlanOptions(
        file, task, prompt, mapping, budget, model_id, mode_of(mode), force=force, stack_name=stack_name
    )
    console = console_for(as_json=as_json)
    found = plan(options)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        console.print(rendered(found, options.file, _given(options)), crop=False)


def _given(options: PlanOptions) -> str:
    """The options as `plumbline run` takes them."""
    mode = options.mode.replace("_", "-") if options.mode else None
    values = {
        "task": options.task,
        "prompt": options.prompt,
        "map": options.mapping,
        "budget": options.budget,
        "model-id": options.model_id,
        "mode": mode,
        "stack": options.stack_name,
    }
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in values.items() if value is not None]
    return "".join(f" {word}" for word in (*words, *(["--force"] if options.force else [])))


def mode_of(said: str | None) -> RunMode | None:
    """The mode as a run has it. Raises UsageProblem for one that there is not."""
    known: dict[str, RunMode] = {"auto": "auto", "batch": "batch", "on-demand": "on_demand", "on_demand": "on_demand"}
    if said is None:
        return None
    if said not in known:
        raise UsageProblem(f"There is no mode {said!r}.", "Modes: auto, batch, on-demand.")
    return known[said]


def plan(options: PlanOptions) -> Plan:
    """The plan. Raises UsageProblem and CliError for a file, mapping or prompt that no run could use."""
    check_export(options.file)
    refuse_one_case(options.file)
    if options.mapping:
        check_mapping(options.mapping)
    where = _reachable(options.stack_name)
    settings = Settings(where)
    run, prompt = _run(options, where, settings)
    found = _ingested(options, run, where)
    costs = ModelCosts(run.model_id, settings["PromptCache"] == "true")
    load = Load(
        cases=found.new,
        case_tokens=found.case_tokens,
        prefix_tokens=prompt_tokens(prompt),
        answer_tokens=min(ANSWER_TOKENS, prompt.prompt.model.max_tokens),
        starts=starts_of(found.new, run.map_concurrency),
    )
    voted = load.model_copy(update={"asks": 1 + run.vote_samples})
    decision = decide(
        voted,
        costs,
        mode=run.mode,
        budget_usd=run.budget_usd,
        batch_from=int(settings["BatchFrom"]),
        model_has_batch=price_table().has_batch(run.model_id),
        batch_min=int(settings["BatchMinRecords"]),
    )
    minutes = float(settings["MinutesPerCase"])
    return Plan(
        ingest=found,
        task=run.task,
        prompt_version=run.prompt_version,
        model_id=run.model_id,
        mode=run.mode,
        stack=where.name if where else None,
        known_cases=where is not None and not options.force,
        budget_usd=run.budget_usd,
        vote_samples=run.vote_samples,
        costs=_costs(load, voted, costs, decision),
        road=decision.road,
        road_reason=decision.reason,
        affordable=decision.affordable,
        human_hours=found.new * minutes / 60,
        minutes_per_case=minutes,
        prices_as_of=price_table().as_of,
    )


def _reachable(name: str | None) -> Stack | None:
    return None if name is None and local_stack.running() is None else stack.find(name)


def _run(options: PlanOptions, where: Stack | None, settings: Settings) -> tuple[RunRequest, LoadedPrompt]:
    own_task = where.task if where else settings["Task"]
    task = options.task or own_task
    version = options.prompt or (settings["PromptVersion"] if task == own_task else newest_version(prompts_dir(), task))
    check_prompt(task, version)
    # A stand-in on this machine costs nothing: the plan is for what the template would deploy.
    own_model = where.model_id if where and not where.local else default("ModelId")
    run = RunRequest(
        run_id="plan",
        task=task,
        key=options.file.name,
        mapping_key=_MAPPING if options.mapping else None,
        force=options.force,
        map_concurrency=int(settings["MapConcurrency"]),
        started_at=datetime.now(UTC),
        prompt_version=version,
        model_id=options.model_id or own_model,
        target_per_class=int(settings["TargetPerClass"]),
        budget_usd=options.budget or float(settings["BudgetUsd"]),
        mode=options.mode or mode_of(settings["Mode"]) or "auto",
        vote_samples=int(settings["VoteSamples"]),
    )
    return run, load_prompt(prompts_dir(), task, version)


def _costs(load: Load, voted: Load, costs: ModelCosts, decision: Decision) -> PlannedCosts:
    cached = costs.caches(load.prefix_tokens)
    price = price_table().price(costs.model_id)
    usd = costs(load, decision.road)
    # Re-asks and votes come on demand, also after a batch. A re-ask sends the case and the bad reply again.
    more = voted.model_copy(update={"asks": 1 + RE_ASKED})
    asked_again = _difference(costs(more, "on_demand"), costs(load, "on_demand"))
    votes = _difference(decision.usd, usd)
    return PlannedCosts(
        tokens=costs.usage(load),
        prefix_tokens=round(load.prefix_tokens * (price.token_factor if price else 1)),
        cache_from=price.cache_from if price else None,
        on_demand_usd=costs.usd(load),
        cached_usd=costs.usd(load, cached=True) if cached else None,
        batch_usd=costs.usd(load, batch=True) if price and price.batch else None,
        expected_usd=usd,
        most_usd=None if usd is None else usd + asked_again + votes,
    )


def _difference(more: float | None, less: float | None) -> float:
    return (more or 0.0) - (less or 0.0)


def _ingested(options: PlanOptions, run: RunRequest, where: Stack | None) -> IngestResult:
    """What ingest itself finds in the file; what it would write is thrown away."""
    store = _Dry(options.file, options.mapping)
    ledger = DynamoLedger(where.ledger_table) if where else _NoLedger()
    try:
        return ingest(
            run.model_copy(update={"budget_usd": _NO_LIMIT}),
            raw=store,
            data=store,
            ledger=ledger,
            settings=IngestSettings(),
            estimate_usd=None,
        )
    except InvalidCaseFile as error:
        raise CliError(f"{error}.", "docs/case-files.md says what can be read.") from None
    except InvalidMapping as error:
        raise UsageProblem(f"{error}.") from None


class _Dry:
    """A bucket that holds the file and the mapping, and forgets what is written."""

    def __init__(self, file: Path, mapping: Path | None) -> None:
        self._held = {file.name: file} | ({_MAPPING: mapping} if mapping else {})

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """The file itself."""
        del version_id
        return self._path(key).open("rb")

    def size(self, key: str, version_id: str | None = None) -> int:
        """The file's size in bytes."""
        del version_id
        return self._path(key).stat().st_size

    def read(self, key: str) -> bytes:
        """The whole file."""
        return self._path(key).read_bytes()

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Nothing is written."""

    @contextmanager
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> Iterator[IO[bytes]]:
        """A stream that goes nowhere."""
        del key, content_type
        yield _Nowhere()

    def _path(self, key: str) -> Path:
        try:
            return self._held[key]
        except KeyError:
            raise MissingObject(f"{key} is no file of this plan") from None


class _Nowhere(io.BytesIO):
    def write(self, data: object, /) -> int:
        return len(data) if isinstance(data, bytes) else 0


class _NoLedger:
    """No stack is in reach: every case is new."""

    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        """Nothing is known."""
        del task, case_ids, but_by
        return {}
