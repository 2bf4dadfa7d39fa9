"""CheckBalance: what people say stands above what the model said, and needs nobody's acceptance."""

from datetime import timedelta

import pytest

from plumbline import keys
from plumbline.check_balance import check_balance
from plumbline.contracts.datasets import DatasetManifest, DatasetRow
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import LOW_CONFIDENCE, Outcome
from plumbline.contracts.runs import BalanceResult, BalanceTask
from plumbline.gold import write_gold
from plumbline.jsonl import read_models, write_models
from tests import builders as b
from tests.fakes import MemoryLedger, MemoryStore
from tests.unit.test_check_balance import labeled_run

BILLING, DEFECT, EDUCATION = b.CATEGORIES


def review(data: MemoryStore, said: dict[str, str], content: str = "hash", name: str = "review-1") -> None:
    labels = [
        GoldLabel(
            case_id=case_id,
            category=category,
            source="review",
            labeled_at=b.NOW + timedelta(hours=1),
            run_id="run-1",
            content_hash=f"{content}-{case_id}",
        )
        for case_id, category in said.items()
    ]
    write_gold("root_cause", name, labels, data)


def balanced(data: MemoryStore, ledger: MemoryLedger, target: int = 3) -> tuple[BalanceResult, dict[str, str], int]:
    """The result, the dataset's categories by case, and how many of them people gave."""
    task = BalanceTask(run=b.run(target_per_class=target))
    result = check_balance(task, data=data, ledger=ledger, prompt=b.prompt())
    if result.manifest_key is None:
        return result, {}, 0
    manifest = DatasetManifest.model_validate_json(data.read(result.manifest_key))
    rows = (row for file in manifest.files for row in read_models(data, file.key, DatasetRow))
    return result, {row.case_id: row.category for row in rows}, manifest.human_labels


@pytest.fixture
def world() -> tuple[MemoryStore, MemoryLedger]:
    data, ledger = MemoryStore(), MemoryLedger()
    labeled_run(data, ledger, {f"B{n}": (BILLING, "none") for n in range(4)} | {"D0": (DEFECT, "none")})
    return data, ledger


def test_a_persons_category_takes_the_place_of_the_models_and_is_picked_first(
    world: tuple[MemoryStore, MemoryLedger],
) -> None:
    data, ledger = world
    review(data, {"B0": EDUCATION, "B3": BILLING})
    result, rows, human = balanced(data, ledger, target=1)
    assert rows == {"B0": EDUCATION, "B3": BILLING, "D0": DEFECT}
    assert (human, result.verdict) == (2, "balanced")
    assert {c.category: c.accepted for c in result.counts} == {BILLING: 3, DEFECT: 1, EDUCATION: 1}


def test_without_gold_the_manifest_counts_no_person(world: tuple[MemoryStore, MemoryLedger]) -> None:
    data, ledger = world
    _, rows, human = balanced(data, ledger)
    assert human == 0
    assert rows["B0"] == BILLING


def test_gold_for_another_content_of_the_case_says_nothing(world: tuple[MemoryStore, MemoryLedger]) -> None:
    data, ledger = world
    review(data, {"B0": EDUCATION}, content="before")
    _, rows, human = balanced(data, ledger)
    assert human == 0
    assert EDUCATION not in rows.values()


def test_a_case_that_nobody_accepted_is_a_candidate_once_a_person_labeled_it(
    world: tuple[MemoryStore, MemoryLedger],
) -> None:
    data, ledger = world
    held = {"outcome": "needs_review", "reason": LOW_CONFIDENCE}
    outcomes = list(read_models(data, keys.outcomes("run-1"), Outcome))
    write_models(
        data, keys.outcomes("run-1"), [o.model_copy(update=held if o.case_id == "D0" else {}) for o in outcomes]
    )
    assert DEFECT not in balanced(data, ledger)[1].values()
    review(data, {"D0": DEFECT})
    _, rows, human = balanced(data, ledger)
    assert (rows["D0"], human) == (DEFECT, 1)


def test_a_case_that_fits_no_category_leaves_the_dataset_and_no_older_label_comes_back(
    world: tuple[MemoryStore, MemoryLedger],
) -> None:
    data, ledger = world
    labeled_run(data, ledger, {"B0": (BILLING, "none")}, run_id="run-0", minutes=-5)
    review(data, {"B0": "None of these"})
    outcomes = list(read_models(data, keys.outcomes("run-0"), Outcome))
    write_models(data, keys.outcomes("run-0"), [o.model_copy(update={"content_hash": "older"}) for o in outcomes])
    result, rows, human = balanced(data, ledger, target=4)
    assert "B0" not in rows
    assert human == 0
    assert {c.category: c.accepted for c in result.counts}[BILLING] == 3
