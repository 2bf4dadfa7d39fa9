"""Whether a scenario's faults came about, and its runs ended as it says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from local.disturbing import CallFault, InvocationFault
from plumbline import keys
from tests.chaos.found import Found
from tests.chaos.scenario import Scenario
from tests.statemachine.pipeline import Run

_OF_JOBS = (
    "refuse",
    "answer_lost",
    "throttled_polls",
    "ends",
    "missing",
    "errors",
    "repeated",
    "strangers",
    "reordered",
)


@dataclass(frozen=True)
class Acted:
    """How often each fault did something: the model's by their places (`rules.0`, `jobs.1.missing`), the others by
    their place in the scenario; and how many replies the store forgot."""

    model: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[int, int] = field(default_factory=dict)
    invocations: Mapping[int, int] = field(default_factory=dict)
    forgotten: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum((*self.model.values(), *self.calls.values(), *self.invocations.values(), self.forgotten))


@dataclass(frozen=True)
class Ended:
    """How a run ended; without outcomes where it has no summary. `error` is empty where it succeeded."""

    error: str = ""
    cause: str | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    budget_reached: int = 0

    @property
    def why(self) -> str:
        """The reasons, in words."""
        return ", ".join(f"{reason} ({count})" for reason, count in self.reasons.items())

    def count(self, *names: str) -> int:
        """How many cases have one of these outcomes."""
        return sum(self.outcomes.get(name, 0) for name in names)


def ended(run: Run) -> Ended:
    """How a run ended."""
    error = "" if run.execution["status"] == "SUCCEEDED" else run.execution.get("error") or run.execution["status"]
    if not run.pipeline.has(keys.summary(run.run_id)):
        return Ended(error, run.row.cause)
    summary = run.summary
    outcomes = {str(name): count for name, count in summary.outcomes.items()}
    return Ended(error, run.row.cause, outcomes, summary.outcome_reasons, summary.budget_reached)


def check_acted(scenario: Scenario, acted: Acted, found: Found) -> None:
    """Check that every fault of the scenario did something, at each of the calls that it names. Of those that are
    drawn, for calls and invocations one has to; the model's are drawn by what it is asked, so each of them has to. A
    budget is `check_ending`'s."""
    for idle in _idle(scenario, acted):
        found.expect(False, f"{idle} never came about: the scenario proves nothing of it")
    found.expect(bool(acted.total or scenario.budget), "nothing went wrong: the scenario proves nothing")


def _idle(scenario: Scenario, acted: Acted) -> Iterator[str]:
    for number, rule in enumerate(scenario.rules):
        if not acted.model.get(f"rules.{number}"):
            yield f"rule {number} ({rule['do']})"
    for number, job in enumerate(scenario.jobs):
        asked = [what for what in _OF_JOBS if job.get(what) and job[what] != "Completed"]
        yield from (f"{what} of job entry {number}" for what in asked if not acted.model.get(f"jobs.{number}.{what}"))
    yield from _idle_of("call", scenario.calls, acted.calls)
    yield from _idle_of("invocation", scenario.invocations, acted.invocations)
    if scenario.evict and not acted.forgotten:
        yield "that the store forgets"


def _idle_of(kind: str, faults: Sequence[CallFault | InvocationFault], acted: Mapping[int, int]) -> Iterator[str]:
    drawn = [number for number, fault in enumerate(faults) if fault.share < 1]
    if drawn and not any(acted.get(number) for number in drawn):
        yield f"any of the {kind} faults that are drawn"
    for number, fault in enumerate(faults):
        if number in drawn:
            continue
        times, wanted = acted.get(number, 0), len(fault.calls) or 1
        if times < wanted:
            of_them = f" at {wanted - times} of the {wanted} {kind}s that it names" if wanted > 1 else ""
            yield f"{kind} fault {number} ({fault.do} {fault.function}){of_them}"


def check_ending(scenario: Scenario, driven: Sequence[Ended], again: Ended | None, found: Found) -> None:
    """Check how the runs with faults ended, and the one after them (`again`). Of several at once the last labels the
    cases; the others may find them labeled."""
    for run in driven:
        found.expect(run.error == scenario.fails_with, f"it ended with {run.error or 'no error'}: {run.cause}")
        _check_outcomes(scenario, run, found, anew=run is driven[-1])
    if scenario.budget is not None:
        found.expect(driven[-1].budget_reached > 0, "the budget did not end")
        found.expect(driven[-1].count("labeled") > 0, "nothing was labeled before the budget ended")
    if again is None:
        return
    found.expect(not again.error, f"the second run ended with {again.error}: {again.cause}")
    done, left = again.count("labeled", "unchanged"), again.count("dropped", "failed", "needs_review")
    found.expect(
        (done, left) == (scenario.cases - scenario.stays, scenario.stays),
        f"{done} cases are labeled after the second run and {left} are not; {scenario.stays} should not: {again.why}",
    )
    found.lost += max(0, scenario.cases - scenario.stays - done)


def _check_outcomes(scenario: Scenario, run: Ended, found: Found, *, anew: bool) -> None:
    if run.outcomes or not scenario.fails_with:
        told = sum(run.outcomes.values())
        found.expect(told == scenario.cases, f"{scenario.cases} cases came, {told} have an outcome: {run.why}")
    if scenario.fails_with or scenario.some_left:
        return
    wanted = (scenario.cases - scenario.failed - scenario.dropped, scenario.failed, scenario.dropped)
    labeled = run.count("labeled") if anew else run.count("labeled", "unchanged")
    given = (labeled, run.count("failed"), run.count("dropped"))
    found.expect(given == wanted, f"labeled, failed, dropped are {given} and not {wanted}: {run.why}")
