"""The run's key figures, its settings and its cost, each as a name and a value."""

from math import isfinite
from typing import Literal, NamedTuple

from plumbline.contracts.summary import RunSummary
from plumbline.report.costs import batch_note, cache_note, estimate_note, road_name
from plumbline.report.words import (
    compact,
    count,
    duration,
    elapsed,
    interval_span,
    model_note,
    moment,
    money,
    percent,
    plural,
    share,
)

_N = "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
_SHORT_SHA = 12
_WORKING_DAY = 8  # hours


class Fact(NamedTuple):
    """A term and its value; `code` sets the value in a fixed-width face, `note` stands small beside it."""

    term: str
    value: str
    note: str = ""
    code: bool = False


class Tile(NamedTuple):
    """One key figure. `mood` picks its accent."""

    term: str
    value: str
    note: str
    mood: Literal["good", "attention", "plain"] = "plain"


def tiles(summary: RunSummary) -> list[Tile]:
    """The four figures to see first: labeled, dataset, accuracy, cost."""
    return [_labeled_tile(summary), _dataset_tile(summary), _accuracy_tile(summary), _cost_tile(summary)]


def _labeled_tile(summary: RunSummary) -> Tile:
    new, labeled = summary.ingest.new, summary.outcomes.get("labeled", 0)
    if not new:
        return Tile("Labeled", count(labeled), "no new case came in")
    return Tile("Labeled", percent(share(labeled, new)), f"{count(labeled)} of {plural(new, 'new case')}")


def _dataset_tile(summary: RunSummary) -> Tile:
    balance = summary.balance
    if balance is None:
        return Tile("Dataset", "Not checked", "the run ended before the balance check")
    if balance.verdict == "balanced":
        return Tile("Dataset", "Balanced", f"{plural(balance.selected, 'case')} selected", "good")
    if balance.verdict == "empty":
        return Tile("Dataset", "Empty", "no accepted label so far", "attention")
    missing = sum(number for number in balance.missing.values() if number > 0)
    return Tile("Dataset", "Short", f"{plural(missing, 'case')} missing", "attention")


def _accuracy_tile(summary: RunSummary) -> Tile:
    if summary.accuracy is None:
        none = "no new case was labeled in this run" if nothing_labeled(summary) else "no gold labels came along"
        return Tile("Accuracy", "Unknown", none)
    figure = summary.accuracy.accuracy
    return Tile("Accuracy", percent(figure.value), f"95% interval {interval_span(figure)}, {_N}{count(figure.n)}")


def nothing_labeled(summary: RunSummary) -> bool:
    """Whether the run gave no case a label, so that gold labels had nothing to be compared with."""
    return not summary.outcomes.get("labeled", 0)


def _cost_tile(summary: RunSummary) -> Tile:
    usd = summary.cost.usd
    if usd is None:
        return Tile("Model cost", "Unknown", "no price known for this model")
    over = usd > summary.budget_usd
    return Tile("Model cost", money(usd), f"of {money(summary.budget_usd)} budget", "attention" if over else "plain")


def run_facts(summary: RunSummary) -> list[Fact]:
    """What was run, with what, when."""
    ingest = summary.ingest
    return [
        Fact("Task", summary.task),
        Fact("Prompt", summary.prompt.version, f"sha256 {summary.prompt.sha256[:_SHORT_SHA]}"),
        Fact("Model", summary.model_id, model_note(summary.model_id), code=True),
        Fact("Source", summary.source, f"{ingest.file_format}, {_size(ingest.file_bytes)}", code=True),
        Fact("Started", moment(summary.started_at)),
        Fact("Duration", run_time(summary), plural(ingest.shards, "shard")),
        Fact("Budget", money(summary.budget_usd)),
        Fact("Model asked", road_name(summary), batch_note(summary) or ingest.road_reason),
        Fact("Status", summary.status.capitalize()),
        *_replayed(summary),
        Fact("Run", summary.run_id, code=True),
    ]


def run_time(summary: RunSummary) -> str:
    """From the run's first start to its last end; in between it may have stood still."""
    span = duration(elapsed(summary.started_at, summary.finished_at))
    return f"{span} with the pauses" if summary.replay else span


def _replayed(summary: RunSummary) -> list[Fact]:
    """The last time that the run was gone over again, and what that changed of its labels."""
    found = summary.replay
    if found is None:
        return []
    changed = f"labels: {count(found.changed)} changed, {count(found.gained)} gained, {count(found.lost)} lost"
    if not found.compared:
        changed = "it had broken off before it had labels"
    before = found.prompt_before
    if before is not None and before != summary.prompt:
        changed += f"; asked with prompt {before.version}"
    return [Fact("Gone over again", f"from {found.replayed_from}, {moment(found.at)}", changed)]


def cost_facts(summary: RunSummary) -> list[Fact]:
    """What the model calls cost, what reuse saved, and how many calls and tokens it took."""
    cost, ingest = summary.cost, summary.ingest
    tokens = summary.usage
    total = sum((tokens.input_tokens, tokens.output_tokens, tokens.cache_read_tokens, tokens.cache_write_tokens))
    facts = [Fact("Cost of the model calls", *_price(summary))]
    if cost.usd is not None and ingest.new:
        facts.append(Fact("Cost per 1,000 new cases", money(cost.usd / ingest.new * 1000)))
    if ingest.estimated_usd is not None:
        facts.append(Fact("Estimate before the run", money(ingest.estimated_usd), estimate_note(summary)))
    cached, note = cache_note(summary)
    if cached:
        facts.append(Fact("Saved by the prompt cache", cached, note))
    if summary.cost.saved_by_batch_usd:
        facts.append(Fact("Saved by the batch", money(summary.cost.saved_by_batch_usd), "against calls on demand"))
    reused = f"{plural(summary.reused_calls, 'reply')} reused"
    saved = money(cost.saved_by_reuse_usd) if cost.saved_by_reuse_usd is not None else reused
    if cost.perhaps_spent_usd:
        note = "calls whose answer never came back, at their most; the budget counts them"
        facts.append(Fact("Perhaps spent besides", money(cost.perhaps_spent_usd), note))
    return [
        *facts,
        Fact("Saved by reuse", saved, reused if cost.saved_by_reuse_usd is not None else "no price known"),
        Fact("Model calls paid for", count(summary.model_calls)),
        Fact("Tokens", compact(total)),
    ]


def working_days(summary: RunSummary) -> str:
    """The working days that the cases would take a person; empty for less than one."""
    days = summary.cost.human_hours / _WORKING_DAY
    if not isfinite(days) or days < 1:
        return ""
    return f"{days:,.0f} working {'day' if round(days) == 1 else 'days'}"


def _price(summary: RunSummary) -> tuple[str, str]:
    if summary.cost.usd is None:
        return "Unknown", "no price known for this model, so no budget caps it"
    as_of = f"prices as of {summary.cost.prices_as_of}" if summary.cost.prices_as_of else ""
    return money(summary.cost.usd), as_of


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{count(size)} bytes"
