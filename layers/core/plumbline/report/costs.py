"""The estimate against what the run cost, what cache and batch saved, and which road it took, in words."""

from plumbline.contracts.summary import RunSummary
from plumbline.report.words import count, money, percent, plural, share

_EXACT = 0.0005  # a difference below this share is none
_ROADS = {"on_demand": "On demand", "batch": "Batch"}


def estimate_note(summary: RunSummary) -> str:
    """How far the estimate was from the cost; empty where the two are not about the same calls.

    Replies that were reused count at what they once cost: the estimate takes every call for a new one.
    """
    estimate, paid = summary.ingest.estimated_usd, summary.cost.usd
    if not estimate or paid is None or summary.left_for_later or summary.budget_reached:
        return ""
    actual = paid + (summary.cost.saved_by_reuse_usd or 0.0)
    if not actual:
        return ""
    reused = ", reused replies at what they cost" if summary.reused_calls else ""
    error = estimate / actual - 1
    if abs(error) < _EXACT:
        return f"as much as the calls cost{reused}"
    return f"{percent(abs(error))} {'above' if error > 0 else 'below'} what the calls cost{reused}"


def cache_note(summary: RunSummary) -> tuple[str, str]:
    """What the prompt cache read and saved; two empty texts where it held nothing."""
    usage, saved = summary.usage, summary.cost.saved_by_cache_usd
    held = usage.cache_read_tokens + usage.cache_write_tokens
    if not held:
        return "", ""
    part = share(usage.cache_read_tokens, held + usage.input_tokens)
    note = f"{percent(part)} of the input tokens were read from it, {count(usage.cache_write_tokens)} written to it"
    return (money(saved) if saved is not None else "no price known"), note


def road_name(summary: RunSummary) -> str:
    """On demand, or in a batch. A batch that was meant and never submitted was asked on demand."""
    return _ROADS["on_demand" if summary.batch_reason and summary.batch is None else summary.ingest.road]


def batch_note(summary: RunSummary) -> str:
    """What became of the batch's records, and why not every case went into one; empty for a run without a batch."""
    found, why = summary.batch, summary.batch_reason
    parts = []
    if found:
        jobs = ", ".join(f"{count(number)} {_spaced(status)}" for status, number in found.jobs.items())
        parts.append(f"{plural(sum(found.jobs.values()), 'job')} ({jobs})")
        parts.append(f"{count(found.answered)} of {plural(found.records, 'record')} answered")
        again = found.records - found.answered
        if again:
            parts.append(f"{count(again)} asked again on demand{_errors(found.errors, found.missing)}")
    if why:
        parts.append(why)
    return "; ".join(parts)


def _errors(errors: dict[str, int], missing: int) -> str:
    named = [f"{count(number)} with error {code}" for code, number in errors.items()]
    named += [f"{count(missing)} without an answer"] if missing else []
    return f" ({', '.join(named)})" if named else ""


def _spaced(status: str) -> str:
    """`PartiallyCompleted` as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in status).strip()
