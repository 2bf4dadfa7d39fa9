"""What the template shows, section by section: plain rows of words and numbers made from a RunSummary."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plumbline.contracts.runs import ClassCount
from plumbline.contracts.summary import RunSummary, Sample
from plumbline.report.advice import Advice, headline, next_steps
from plumbline.report.confidence import confidence_facts
from plumbline.report.facts import Fact, Tile, cost_facts, nothing_labeled, run_facts, run_time, tiles, working_days
from plumbline.report.names import OUTCOMES, reason_name, repair_name, training_fault
from plumbline.report.quality import Quality, quality_of
from plumbline.report.rerun import rerun_command
from plumbline.report.selection import GainRow, gain_rows, left_over
from plumbline.report.words import clipped, count, elapsed, hours, percent, plural, share

_EXCERPT = 700  # characters of a case shown
_REASON = 400
_OPEN = 4  # samples of a kind that stand open; the rest fold away


@dataclass(frozen=True)
class Row:
    """One bar of a list: its name, how much, of what whole, and a note."""

    name: str
    amount: float
    whole: float
    text: str
    tone: str = "main"
    note: str = ""
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class ClassRow:
    """One class against its target. `full` is what the plot's width stands for."""

    name: str
    earlier: int
    this_run: int
    accepted: int
    labeled: int
    target: int
    full: int
    missing: int
    needed: str
    duplicates_out: bool


@dataclass(frozen=True)
class SampleGroup:
    """The samples of one kind; `none` is what to say when there are none."""

    title: str
    intro: str
    none: str
    open: tuple[Sample, ...]
    folded: tuple[Sample, ...]


@dataclass(frozen=True)
class View:
    """The whole page."""

    summary: RunSummary
    headline: tuple[str, str, str]
    tiles: list[Tile]
    facts: list[Fact]
    funnel: list[Row]
    outcomes: list[Row]
    rejects: list[Row]
    other_reasons: list[Row]
    accounted: bool
    classes: list[ClassRow]
    class_rows: list[Row]
    any_cut: bool
    one_target: int | None
    costs: list[Fact]
    tokens: list[Row]
    times: list[Row]
    working_days: str
    quality: Quality | None
    no_quality: str
    confidence: list[Fact]
    training: str
    left_over: str
    gains: list[GainRow]
    repairs: list[Row]
    entities: list[Row]
    samples: list[SampleGroup]
    steps: list[Advice]
    command: str


def view_of(summary: RunSummary) -> View:
    """Everything the template needs, in the order it needs it."""
    classes = _classes(summary)
    targets = {row.target for row in classes}
    return View(
        summary=summary,
        headline=headline(summary),
        tiles=tiles(summary),
        facts=run_facts(summary),
        funnel=_funnel(summary),
        outcomes=_outcomes(summary),
        rejects=_counted(summary.ingest.reject_reasons, tone="dropped"),
        other_reasons=_other_reasons(summary),
        accounted=sum(summary.outcomes.values()) == summary.ingest.cases,
        classes=classes,
        class_rows=_counted(summary.classes),
        any_cut=any(row.accepted > row.full for row in classes),
        one_target=targets.pop() if len(targets) == 1 else None,
        costs=cost_facts(summary),
        tokens=_tokens(summary),
        times=_times(summary),
        working_days=working_days(summary),
        quality=quality_of(summary.accuracy),
        no_quality=_no_quality(summary),
        confidence=confidence_facts(summary),
        training=_training(summary),
        left_over=left_over(summary),
        gains=gain_rows(summary),
        repairs=_repairs(summary),
        entities=_counted(summary.entities),
        samples=_samples(summary),
        steps=next_steps(summary),
        command=rerun_command(summary),
    )


def _counted(counts: Mapping[str, int], tone: str = "main") -> list[Row]:
    """The counts as bars, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    whole = max(counts.values(), default=0)
    return [Row(name, number, whole, count(number), tone) for name, number in ordered]


def _repairs(summary: RunSummary) -> list[Row]:
    named = ((row, repair_name(row.name)) for row in _counted(summary.repairs))
    return [replace(row, name=name, note=row.name if name != row.name else "") for row, name in named]


def _funnel(summary: RunSummary) -> list[Row]:
    ingest = summary.ingest
    read = ingest.cases + ingest.rejected + ingest.repeated
    left_out = f"{count(ingest.rejected)} rejected, {count(ingest.repeated)} repeated"
    cut = f"{plural(ingest.cut, 'case')} cut to length" if ingest.cut else "none cut to length"
    return [
        Row("Read from the file", read, read, count(read), "earlier", left_out),
        Row("Cases", ingest.cases, read, count(ingest.cases), "earlier", cut),
        Row("New or changed", ingest.new, read, count(ingest.new), "main", f"{count(ingest.unchanged)} unchanged"),
    ]


def _outcomes(summary: RunSummary) -> list[Row]:
    total = sum(summary.outcomes.values())
    rows = []
    for outcome, name in OUTCOMES.items():
        number = summary.outcomes.get(outcome, 0)
        reasons = _reasons(summary.outcome_reasons, f"{outcome}: ")
        note = percent(share(number, total))
        rows.append(Row(name, number, total, count(number), outcome, note, reasons))
    return rows


def _reasons(counts: Mapping[str, int], prefix: str) -> tuple[tuple[str, int], ...]:
    found = {reason_name(key.removeprefix(prefix)): n for key, n in counts.items() if key.startswith(prefix)}
    return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _other_reasons(summary: RunSummary) -> list[Row]:
    """Reasons that name none of the outcomes: shown apart, so that none is lost."""
    prefixes = tuple(f"{outcome}: " for outcome in OUTCOMES)
    others = {reason_name(key): n for key, n in summary.outcome_reasons.items() if not key.startswith(prefixes)}
    return _counted(others)


def _classes(summary: RunSummary) -> list[ClassRow]:
    balance = summary.balance
    if balance is None:
        return []
    uncounted = balance.missing.keys() - {item.category for item in balance.counts}
    zeros = (ClassCount(category=n, this_run=0, accepted=0, target=balance.missing[n]) for n in sorted(uncounted))
    counts = [*balance.counts, *zeros]
    top_target = max((item.target for item in counts), default=0)
    peak = max((*(item.accepted for item in counts), top_target, 1))
    full = peak * 106 // 100 + 1
    if top_target > 0:
        full = min(full, 2 * top_target)  # beyond twice the target a bar is cut, else a rich class hides the poor ones
    rows = []
    for item in counts:
        shown = min(max(item.this_run, 0), max(item.accepted, 0))
        missing = balance.missing.get(item.category, 0)
        more = balance.more_cases_needed.get(item.category)
        needed = f"about {plural(more, 'more case')} needed" if more is not None else "never seen, so no estimate"
        rows.append(
            ClassRow(
                name=item.category,
                earlier=max(item.accepted, 0) - shown,
                this_run=shown,
                accepted=item.accepted,
                labeled=item.this_run,
                target=item.target,
                full=max(full, 1),
                missing=missing,
                needed=needed if missing > 0 else "",
                duplicates_out=balance.near_duplicates > 0 and item.accepted < item.this_run,
            )
        )
    return rows


def _tokens(summary: RunSummary) -> list[Row]:
    usage = summary.usage
    kinds = (
        ("Input", usage.input_tokens),
        ("Read from the prompt cache", usage.cache_read_tokens),
        ("Written to the prompt cache", usage.cache_write_tokens),
        ("Output", usage.output_tokens),
    )
    total = sum(number for _, number in kinds)
    return [Row(name, n, total, count(n), note=percent(share(n, total))) for name, n in kinds]


def _times(summary: RunSummary) -> list[Row]:
    span, cost = elapsed(summary.started_at, summary.finished_at), summary.cost
    machine, person = span.total_seconds(), cost.human_hours * 3600
    whole = max(machine, person)
    pace = f"{cost.minutes_per_case:g} minutes a case"
    return [
        Row("A person, reading each case", person, whole, hours(cost.human_hours), "unchanged", pace),
        Row("This run, start to end", machine, whole, run_time(summary), "main"),
    ]


def _no_quality(summary: RunSummary) -> str:
    if nothing_labeled(summary):
        return "No new case was labeled in this run, so nothing was measured."
    return "No gold labels came along, so the accuracy of these labels is not known."


def _training(summary: RunSummary) -> str:
    if summary.training_error:
        return training_fault(summary.training_error)
    return "No training job was started."


def _samples(summary: RunSummary) -> list[SampleGroup]:
    no_gold = "No gold labels came along, so nothing can disagree with them."
    if nothing_labeled(summary):
        no_gold = "No new case was labeled in this run, so nothing can disagree with gold."
    agreed = "No sample: no label shown here disagrees with its gold label."
    kinds = (
        ("disagrees_with_gold", "Disagrees with gold", "The label differs from the gold label that came along.",
         agreed if summary.accuracy else no_gold),
        ("needs_review", "For a person to decide", "The label is likely wrong, or no category fits.",
         "No such case to show."),
        ("close_call", "Close calls", "The model weighed two categories.", "No close calls to show."),
        ("repaired", "Repaired", "The reply was damaged and could be mended.", "No repaired case to show."),
        ("dropped", "Dropped", "No reply gave exactly one category.", "No dropped case to show."),
        ("failed", "Failed", "No reply could be had.", "No failed case to show."),
    )  # fmt: skip
    groups = []
    for kind, title, intro, none in kinds:
        found = tuple(_shortened(sample) for sample in summary.samples if sample.kind == kind)
        groups.append(SampleGroup(title, intro, none, found[:_OPEN], found[_OPEN:]))
    return groups


def _shortened(sample: Sample) -> Sample:
    reason = sample.reason
    if sample.kind == "repaired":
        reason = ", ".join(repair_name(code) for code in reason.split(", "))
    reason = reason_name(reason)
    if reason == f"gold says {sample.gold_category}":  # the card names the gold label anyway
        reason = ""
    short = {"excerpt": clipped(sample.excerpt, _EXCERPT), "reason": clipped(reason, _REASON)}
    return sample.model_copy(update=short)
