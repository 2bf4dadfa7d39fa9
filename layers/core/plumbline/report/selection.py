"""What labeling the right cases gained: beside it, what as many cases in random order would have."""

from typing import NamedTuple

from plumbline.contracts.summary import ClassGain, RunSummary, SelectionSummary
from plumbline.report.words import count, percent, plural


class GainRow(NamedTuple):
    """One class that was short: how short, what it gained, what chance would have given, and labels spent for each."""

    name: str
    short_before: str
    gained: str
    at_random: str
    spent: str


def left_over(summary: RunSummary) -> str:
    """The backlog in a sentence; empty where the budget afforded every case."""
    selection = summary.selection
    if selection is None:
        return ""
    return (
        f"The budget afforded {count(selection.affordable)} of {plural(selection.backlog, 'case')}. "
        f"{count(selection.chosen)} were chosen in {plural(selection.rounds, 'round')}: {count(selection.explored)} "
        f"at random, the others for the classes that were short. {count(summary.left_for_later)} are left for later."
    )


def gain_rows(summary: RunSummary) -> list[GainRow]:
    """A row for each class that was short before the run."""
    selection = summary.selection
    return [_row(gain, selection) for gain in selection.gains] if selection else []


def _row(gain: ClassGain, selection: SelectionSummary) -> GainRow:
    share, labeled = gain.prevalence, selection.labeled
    if share is None:
        at_random = "unknown"
    else:
        low, high = share.low * labeled, share.high * labeled
        at_random = f"{share.value * labeled:,.0f} ({low:,.0f}\N{EN DASH}{high:,.0f})"
    each = f"{labeled / gain.gained:,.1f}" if gain.gained else "none gained"
    if share is not None and share.value:
        each += f"; at random {1 / share.value:,.1f}"
    return GainRow(gain.category, count(gain.short_before), count(gain.gained), at_random, each)


def backlog_step(summary: RunSummary) -> str:
    """What to do about cases left for later; empty where there are none."""
    left, selection = summary.left_for_later, summary.selection
    if not left or selection is None:
        return ""
    if summary.balance is not None and summary.balance.verdict == "balanced":
        return f"{plural(left, 'case')} of the backlog were not needed: every class has its target."
    if selection.chosen < selection.affordable:
        used = percent(selection.chosen / selection.affordable, 0)
        return (
            f"{used} of the affordable cases were of use to the short classes; {plural(left, 'case')} are left. Bring "
            "cases of the classes that are still short."
        )
    return f"Upload the file again to label the next best of {plural(left, 'case')} left for later, within its budget."
