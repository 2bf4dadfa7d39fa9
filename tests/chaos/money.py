"""What runs cost, told four times: by the stand-in's calls, the summaries, the ledger's cap and the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from plumbline import keys
from plumbline.contracts.batch import BatchSubmission
from tests.chaos.found import Found
from tests.statemachine.pipeline import Run

_MICRO = 1_000_000
_SLACK = 2  # micro-dollars: a batch's amount is rounded by itself where it is set aside and where parts are given back
_EXACT = 0.01  # of a micro-dollar: what adding up floats may be off


@dataclass(frozen=True)
class Account:
    """A run's item in the ledger, in micro-dollars, and what its summary says; None where it has none. `of_batch` is
    what was set aside for its batch and neither settled nor given back."""

    run_id: str
    budget_usd: float
    committed: int = 0
    spent: int = 0
    of_batch: int = 0
    usd: float | None = None
    perhaps_usd: float | None = None

    @property
    def held(self) -> int:
        """What is set aside and not settled."""
        return self.committed - self.spent


@dataclass(frozen=True)
class Asked:
    """What the stand-in's answers cost in USD: all of them, and of each request those that it was asked again."""

    usd: float
    repaid_usd: float = 0.0


def account(run: Run) -> Account:
    """A run's account as it is now."""
    pipeline, run_id = run.pipeline, run.run_id
    items = [item for item in pipeline.table("LedgerTable") if item["pk"]["S"] == f"spend#{run_id}"]
    item = {name: int(value["N"]) for name, value in items[0].items() if "N" in value} if items else {}
    cost = run.summary.cost if pipeline.has(keys.summary(run_id)) else None
    return Account(
        run_id=run_id,
        budget_usd=pipeline.request(run_id)["budget_usd"],
        committed=item.get("committed", 0),
        spent=item.get("spent", 0),
        of_batch=_of_batch(run, item),
        usd=cost.usd if cost else None,
        perhaps_usd=cost.perhaps_spent_usd if cost else None,
    )


def _of_batch(run: Run, item: Mapping[str, int]) -> int:
    if "batch_settled" in item or "batch_reserved" not in item:
        return 0
    key = keys.batch(run.run_id)
    if not run.pipeline.has(key):
        return item["batch_reserved"]
    return ceil(BatchSubmission.model_validate_json(run.pipeline.read(key)).reserved_usd * _MICRO)


def check_money(accounts: Sequence[Account], asked: Asked, *, unsettled: Mapping[str, int], found: Found) -> None:
    """Check that the summaries' spend is what the stand-in's answers cost, that the cap has counted all of it and is
    not above the budget, and that nothing stays set aside but what the summary says and what has a reason to.

    Of answers that were lost and paid for again (`found.repaid`) the summaries do not know, and of no others; the cap
    does. The cap rounds each call up to a micro-dollar. `unsettled`: by run, the most micro-dollars that may stay set
    aside after what happened; none of them for a batch.
    """
    _check_summaries(sum(one.usd or 0.0 for one in accounts), asked, found)
    committed, spent = sum(one.committed for one in accounts), sum(one.spent for one in accounts)
    micro = asked.usd * _MICRO
    found.expect(
        committed >= micro - _SLACK, f"asked for {micro:.0f} micro-dollars, the cap has counted {committed} only"
    )
    most = micro + found.calls + _SLACK
    found.expect(spent <= most, f"asked for {micro:.0f} micro-dollars, the cap has counted {spent} as spent")
    for one in accounts:
        _check_account(one, asked, unsettled.get(one.run_id, 0), found)


def _check_summaries(paid: float, asked: Asked, found: Found) -> None:
    if not found.repaid:
        near = abs(asked.usd - paid) * _MICRO < _EXACT
        found.expect(near, f"the stand-in was asked for ${asked.usd:.6f}, the summaries say ${paid:.6f}")
        return
    found.expect(paid < asked.usd, f"asked for ${asked.usd:.6f}: answers were lost, yet the summaries say ${paid:.6f}")
    least = asked.usd - asked.repaid_usd
    found.expect(
        (least - paid) * _MICRO < _EXACT,
        f"${asked.usd:.6f} were asked for, ${asked.repaid_usd:.6f} of it again; the summaries say ${paid:.6f} only",
    )


def _check_account(one: Account, asked: Asked, unsettled: int, found: Found) -> None:
    name, limit = one.run_id, floor(one.budget_usd * _MICRO)
    found.expect(one.committed <= limit, f"{name}: {one.committed} of a budget of {limit} micro-dollars is committed")
    found.expect(not one.of_batch, f"{name}: its batch was not settled, {one.of_batch} micro-dollars stay set aside")
    found.expect(
        -_SLACK <= one.held <= unsettled + _SLACK,
        f"{name}: {one.held} micro-dollars stay set aside, and there is a reason for {unsettled} of them",
    )
    if one.perhaps_usd is not None:
        said = round(one.perhaps_usd * _MICRO)
        found.expect(said == one.held, f"{name}: {one.held} micro-dollars are set aside, its summary says {said}")
    if one.usd is None:
        return
    usd = one.usd * _MICRO
    found.expect(one.committed >= usd - _SLACK, f"{name}: its cap has {one.committed}, its summary {usd:.0f}")
    most = usd + asked.repaid_usd * _MICRO + found.calls + _SLACK
    found.expect(one.spent <= most, f"{name}: its cap has {one.spent} as spent, its summary {usd:.0f}")
