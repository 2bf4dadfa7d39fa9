"""Gold labels over several imports: whose word counts, and how a row was drawn."""

from datetime import timedelta

from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Outcome
from plumbline.contracts.review import Part
from plumbline.gold import gold_of, read_gold, write_gold
from tests import builders as b
from tests.fakes import MemoryStore

BILLING, DEFECT, _ = b.CATEGORIES


def label(category: str, part: Part | None, day: int, content: str = "h") -> GoldLabel:
    return GoldLabel(
        case_id="1", category=category, source="review", labeled_at=b.NOW + timedelta(days=day), run_id="run-1",
        content_hash=content, part=part,
    )  # fmt: skip


def test_drawn_at_random_once_a_row_stays_a_random_one() -> None:
    """The same case may stand on a random sheet and, picked as doubtful, on a queue's."""
    data = MemoryStore()
    write_gold("t", "sample", [label(BILLING, "random", 1)], data)
    write_gold("t", "queue", [label(DEFECT, "useful", 2)], data)
    found = read_gold("t", data)["1"]
    assert (found.category, found.part) == (DEFECT, "random")
    write_gold("t", "queue", [label(DEFECT, "useful", 2, content="another")], data)
    assert read_gold("t", data)["1"].part == "useful"


def test_a_label_kept_before_its_part_was_is_read_and_is_of_unknown_draw() -> None:
    data = MemoryStore()
    old = label(BILLING, None, 1).model_dump_json(exclude={"part"})
    data.write("gold/t/old.jsonl", old.encode())
    outcome = Outcome(case_id="1", outcome="labeled", shard="0", content_hash="h", category=BILLING)
    told = gold_of(outcome, {}, read_gold("t", data))
    assert told is not None
    assert (told.category, told.fair) == (BILLING, None)
