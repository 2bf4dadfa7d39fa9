"""A plan on the screen: what is in the file, what it costs on each road, and which one a run takes."""

from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.hint import Hint
from cli.paths import plumbline, shown
from plumbline.contracts.plan import Plan
from plumbline.report.words import compact, count, each, hours, money, percent, plural

_ROADS = {"on_demand": "on demand", "batch": "in a batch"}


def rendered(plan: Plan, file: Path, given: str = "") -> RenderableType:
    """The whole plan, for 60 columns and up. `given`: the options that a run of it takes as well."""
    parts: list[RenderableType] = [Text(), _cases(plan, file), *_beside(plan), Text(), _work(plan)]
    if plan.ingest.new:
        parts += [Text(), _roads(plan)]
    parts += [Text(), _road(plan), *(_line(words, style) for words, style in _notes(plan))]
    return Group(*parts, Text(), Hint("Start it:", f"{plumbline('run')} {shown(file.absolute())}{given}"))


def _cases(plan: Plan, file: Path) -> Text:
    ingest = plan.ingest
    text = Text.assemble((plural(ingest.new, "new case"), "bold"), (f" in {file.name}", "bold"))
    if ingest.unchanged:
        text.append(f"; {plural(ingest.unchanged, 'case')} labeled before")
    if ingest.repeated:
        text.append(f"; {plural(ingest.repeated, 'row')} said again")
    if not plan.known_cases:
        why = "--force" if plan.stack else "no stack is in reach"
        text.append(f" ({why}, so every case counts as new)", style="dim")
    return text


def _beside(plan: Plan) -> Iterator[Text]:
    ingest = plan.ingest
    if ingest.rejected:
        reasons = each(ingest.reject_reasons)
        yield Text(f"  {plural(ingest.rejected, 'row')} rejected: {reasons}", style="yellow")
    if ingest.cut:
        yield Text(f"  {plural(ingest.cut, 'overlong case')} cut: the opening and the end are kept", style="dim")


def _work(plan: Plan) -> RenderableType:
    grid = _grid()
    grid.add_row("Model", Text(plan.model_id))
    grid.add_row("Prompt", Text(f"{plan.task} {plan.prompt_version}, {plural(plan.costs.prefix_tokens, 'token')}"))
    if plan.ingest.new:
        tokens, new = plan.costs.tokens, plan.ingest.new
        case = round(tokens.input_tokens / new) - plan.costs.prefix_tokens
        answer = round(tokens.output_tokens / new)
        each = f"{count(case)} tokens of a case and {count(answer)} of an answer on average"
        grid.add_row("A call", Text(f"the prompt, {each}"))
        total = f"{compact(tokens.input_tokens)} in, {compact(tokens.output_tokens)} out"
        grid.add_row("Tokens", Text(f"{total}, by estimate"))
    return grid


def _roads(plan: Plan) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    for head, justify in (("Labeling them", "left"), ("USD", "right"), ("per 1,000", "right"), ("of budget", "right")):
        table.add_column(head, justify=justify, overflow="fold")  # type: ignore[arg-type]  # left and right are both words that rich knows
    table.add_column("", overflow="fold", style="dim")
    costs = plan.costs
    chosen = costs.cached_usd if plan.road == "on_demand" and costs.cached_usd is not None else None
    rows = (
        ("on demand", costs.on_demand_usd, "no price is known", plan.road == "on_demand" and chosen is None),
        ("with prompt cache", costs.cached_usd, _no_cache(plan), chosen is not None),
        ("in a batch", costs.batch_usd, "the model has none", plan.road == "batch"),
    )
    for name, usd, why_not, taken in rows:
        table.add_row(*_priced(plan, name, usd, why_not), style="bold" if taken else "")
    pace = f"{plan.minutes_per_case:g} min a case"
    table.add_row("a person", hours(plan.human_hours), "", "", pace)
    return table


def _priced(plan: Plan, name: str, usd: float | None, why_not: str) -> list[str]:
    if usd is None:
        return [name, "-", "-", "-", why_not]
    saved = ""
    plain = plan.costs.on_demand_usd
    if plain and usd < plain:
        saved = f"saves {percent(1 - usd / plain, 0)}"
    return [name, money(usd), money(usd / plan.ingest.new * 1000), percent(usd / plan.budget_usd, 0), saved]


def _no_cache(plan: Plan) -> str:
    costs = plan.costs
    if costs.cache_from is None:
        return "the model has none"
    if costs.prefix_tokens < costs.cache_from:
        return f"prompt below {count(costs.cache_from)} tokens"
    return "PromptCache is false"


def _road(plan: Plan) -> Text:
    if not plan.ingest.new:
        return Text("A run would ask no model: no case is new.", style="bold")
    cost = f" for about {money(plan.costs.expected_usd)}" if plan.affordable is None and plan.costs.expected_usd else ""
    return Text.assemble((f"A run asks {_ROADS[plan.road]}{cost}", "bold"), f": {plan.road_reason}.")


def _notes(plan: Plan) -> Iterator[tuple[str, str]]:
    costs, budget = plan.costs, money(plan.budget_usd)
    if not plan.ingest.new:
        return
    if plan.affordable == 0:
        yield f"The budget of {budget} does not afford a single case: the run would end before it spends.", "red"
    elif plan.affordable is not None:
        cases = f"{count(plan.affordable)} of {plural(plan.ingest.new, 'new case')}"
        yield f"The budget of {budget} affords about {cases}: those of most use are labeled, the rest later.", "yellow"
    elif costs.expected_usd:
        again = "where one reply in ten is asked again"
        votes = f" and every label gets {plural(plan.vote_samples, 'vote')}" if plan.vote_samples else ""
        yield f"Up to {money(costs.most_usd)} {again}{votes}. The budget of {budget} caps it.", ""
    if costs.on_demand_usd is None:
        yield f"prices.json has no price for {plan.model_id}: no budget caps such a run.", "yellow"
    yield f"Prices of {plan.prices_as_of} (prices.json). Nothing was uploaded, and no model was asked.", "dim"


def _line(words: str, style: str) -> Text:
    return Text(words, style=style)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
