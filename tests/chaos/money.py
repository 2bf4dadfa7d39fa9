"""What runs cost, told four times: by the stand-in's calls, the summaries, the ledger's cap and the budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from plumbline import keys
from tests.chaos.found import Found
from tests.statemachine.pipeline import Run

_MICRO = 1_000_000
_SLACK = 2  # micro-dollars: a batch's amount is rounded by itself where it is set aside and where parts are given back
_EXACT = 0.01  # of a micro-dollar: what adding up floats may be off


@dataclass(frozen=True)
class Account:
    """A run's item in the ledger, in micro-dollars, and what its summary says; None where it has none."""

    run_id: str
    budget_usd: float
    committed: int = 0
    spent: int = 0
    usd: float | None = None
    perhaps_usd: float | None = None

    @property
    def held(self) -> int:
        """What is set aside and not settled."""
        return self.committed - self.spent


def account(run: Run) -> Account:
    """A run's account as it is now."""
    pipeline, run_id = run.pipeline, run.run_id
    items = [item for item in pipeline.table("LedgerTable") if item["pk"]["S"] == f"spend#{run_id}"]
    committed, spent = (int(items[0].get(name, {"N": "0"})["N"]) if items else 0 for name in ("committed", "spent"))
    cost = run.summary.cost if pipeline.has(keys.summary(run_id)) else None
    return Account(
        run_id=run_id,
        budget_usd=pipeline.request(run_id)["budget_usd"],
        committed=committed,
        spent=spent,
        usd=cost.usd if cost else None,
        perhaps_usd=cost.perhaps_spent_usd if cost else None,
    )


def check_money(accounts: Sequence[Account], asked_usd: float, *, unsettled: bool, found: Found) -> None:
    """Check that the summaries' spend is what the stand-in's answers cost (`asked_usd`), that the cap has counted all
    of it and is not above the budget, and that nothing stays set aside but what the summary says.

    Of answers that were lost and paid for again (`found.repaid`) the summaries do not know; the cap does. The cap
    rounds each call up to a micro-dollar. `unsettled`: something happened that leaves money set aside.
    """
    paid = sum(one.usd or 0.0 for one in accounts)
    if found.repaid:
        found.expect(
            paid < asked_usd, f"asked for ${asked_usd:.6f}: answers were lost, yet the summaries say ${paid:.6f}"
        )
    else:
        near = abs(asked_usd - paid) * _MICRO < _EXACT
        found.expect(near, f"the stand-in was asked for ${asked_usd:.6f}, the summaries say ${paid:.6f}")
    committed, spent = sum(one.committed for one in accounts), sum(one.spent for one in accounts)
    asked = asked_usd * _MICRO
    found.expect(
        committed >= asked - _SLACK, f"asked for {asked:.0f} micro-dollars, the cap has counted {committed} only"
    )
    most = asked + found.calls + _SLACK
    found.expect(spent <= most, f"asked for {asked:.0f} micro-dollars, the cap has counted {spent} as spent")
    for one in accounts:
        _check_account(one, unsettled=unsettled, found=found)


def _check_account(one: Account, *, unsettled: bool, found: Found) -> None:
    name, limit = one.run_id, floor(one.budget_usd * _MICRO)
    found.expect(one.committed <= limit, f"{name}: {one.committed} of a budget of {limit} micro-dollars is committed")
    found.expect(unsettled or abs(one.held) <= _SLACK, f"{name}: {one.held} micro-dollars stay set aside for nothing")
    if one.perhaps_usd is not None:
        said = round(one.perhaps_usd * _MICRO)
        found.expect(said == one.held, f"{name}: {one.held} micro-dollars are set aside, its summary says {said}")
    if one.usd is None:
        return
    usd = one.usd * _MICRO
    found.expect(one.committed >= usd - _SLACK, f"{name}: its cap has {one.committed}, its summary {usd:.0f}")
    if not found.repaid:
        most = usd + found.calls + _SLACK
        found.expect(one.spent <= most, f"{name}: its cap has {one.spent} as spent, its summary {usd:.0f}")
