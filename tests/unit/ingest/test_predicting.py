"""Ingest for a run that predicts: no prompt, no budget, and cases that labeling knows are new to it."""

from datetime import date
from pathlib import Path

from plumbline import keys
from plumbline.contracts.cases import UNKNOWN_GOLD, Case, IngestedCase
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.predictions import PredictionRun
from plumbline.contracts.runs import IngestResult
from plumbline.ingest import ingest, settings_for, with_mapping
from plumbline.ingest.cut import cut_case
from plumbline.jsonl import read_models
from plumbline.settings import IngestFunctionSettings
from tests import builders as b
from tests import predicting as p
from tests.fakes import MemoryLedger, MemoryStore

SETTINGS = IngestFunctionSettings(
    raw_bucket="raw", data_bucket="data", ledger_table="t", prompts_dir=Path("there-are-none"), cases_per_shard=2
)


class Ingesting:
    def __init__(self, content: str) -> None:
        self.raw = MemoryStore({"daily/a.csv": content.encode()})
        self.data, self.ledger = MemoryStore(), MemoryLedger()

    def ingest(self, run: PredictionRun) -> IngestResult:
        return ingest(
            run,
            raw=self.raw,
            data=self.data,
            ledger=self.ledger,
            settings=settings_for(run, SETTINGS),
            estimate_usd=None,
        )

    def index(self, run: PredictionRun) -> dict[str, str]:
        return {c.case_id: c.content_hash for c in read_models(self.data, keys.case_index(run.run_id), IngestedCase)}


def _csv(*rows: str) -> str:
    return "id,text,gold\n" + "".join(f"{row}\n" for row in rows)


ROWS = ("1,the first text,Whatever", "2,the second text,", "3,the third text,")


def test_it_needs_no_prompt_and_no_budget_and_shows_no_gold_label() -> None:
    world = Ingesting(_csv(*ROWS))
    result = world.ingest(p.run())
    assert (result.new, result.shards, result.estimated_usd) == (3, 2, None)
    [first, *_] = read_models(world.data, keys.case_index("predict-a"), IngestedCase)
    assert first.gold_category == UNKNOWN_GOLD


def test_cases_that_were_labeled_are_new_and_predicted_ones_are_not() -> None:
    world = Ingesting(_csv(*ROWS))
    world.ingest(p.run())
    hashes = world.index(p.run())
    world.ledger.record_labeled(p.TASK, "run-1", hashes)
    assert world.ingest(p.run("other", key="daily/a.csv")).new == 3
    world.ledger.record_labeled(p.run().ledger_task, "predict-a", hashes)
    assert world.ingest(p.run("other", key="daily/a.csv")).new == 0
    assert b.run().ledger_task == p.TASK


def test_a_run_that_is_taken_up_again_writes_the_same_shards() -> None:
    world = Ingesting(_csv(*ROWS))
    world.ingest(p.run())
    before = {key: data for key, data in world.raw.objects.items() if key.startswith("runs/")}
    world.ledger.record_labeled(p.run().ledger_task, "predict-a", world.index(p.run()))  # before it broke off
    assert world.ingest(p.run()).new == 3
    assert {key: data for key, data in world.raw.objects.items() if key.startswith("runs/")} == before


def test_a_case_that_was_cut_keeps_the_hash_of_the_whole() -> None:
    case = Case.model_validate({"case_id": "1", "messages": [{"role": "customer", "text": "long " * 1000}]})
    cut = cut_case(case, 200)
    assert cut.cut is not None
    assert cut.chars < case.chars
    assert cut.content_hash() == case.content_hash()


def test_an_uploads_own_metadata_name_its_mapping() -> None:
    run = p.run()
    asked: list[tuple[str, str | None]] = []

    def metadata(key: str, version: str | None) -> dict[str, str]:
        asked.append((key, version))
        return {"mapping_key": "mappings/m.yaml"}

    assert with_mapping(run, metadata).mapping_key == "mappings/m.yaml"
    assert asked == [("daily/a.csv", None)]
    assert with_mapping(run, lambda _key, _version: {}).mapping_key is None

    def gone(_key: str, _version: str | None) -> dict[str, str]:
        raise MissingObject("gone")

    assert with_mapping(run, gone) == run
    assert run.day == date(2026, 5, 2)
