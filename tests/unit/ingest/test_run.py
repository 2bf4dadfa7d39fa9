"""What ingest writes, what it asks the ledger, and what it refuses to spend."""

import json
from collections.abc import Iterable, Mapping
from typing import IO

import pytest

from plumbline.contracts.cases import UNKNOWN_GOLD
from plumbline.contracts.errors import BudgetExceeded, InvalidCaseFile
from plumbline.contracts.runs import Road, RunMode
from plumbline.estimate import Load
from plumbline.ingest import IngestSettings, ingest
from tests.fakes import MemoryLedger, MemoryStore
from tests.unit.ingest.helpers import RUN, request, run_ingest

TASK = "root_cause"


def _file(count: int, text: str = "some words") -> str:
    return "\n".join(json.dumps({"id": f"c{n}", "text": f"{text} {n}"}) for n in range(count))


class _AskedLedger(MemoryLedger):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        ids = list(case_ids)
        self.asked.append(len(ids))
        return super().known_hashes(task, ids, but_by=but_by)


def test_shards_of_at_most_fifty_in_file_order() -> None:
    done = run_ingest(_file(120))
    assert done.shards == [
        {"shard": "00000", "cases": 50},
        {"shard": "00001", "cases": 50},
        {"shard": "00002", "cases": 20},
    ]
    assert [line.case_id for line in done.index] == [f"c{n}" for n in range(120)]
    assert [done.index[n].shard for n in (0, 49, 50, 119)] == ["00000", "00000", "00001", "00002"]
    assert set(done.raw.objects) == {
        "incoming/export",
        f"runs/{RUN}/rejects.jsonl",
        *(f"runs/{RUN}/cases/0000{n}.jsonl" for n in range(3)),
    }
    assert set(done.data.objects) == {f"runs/{RUN}/{name}" for name in ("cases.jsonl", "shards.json", "ingest.json")}


def test_no_case_text_reaches_the_data_bucket() -> None:
    done = run_ingest('{"id": "1", "subject": "topsecret", "text": "topsecret"}\n{"id": "1", "text": "topsecret two"}')
    assert all(b"topsecret" not in content for content in done.data.objects.values())
    assert b"topsecret" not in done.raw.objects[f"runs/{RUN}/rejects.jsonl"]


def test_a_gold_label_that_the_task_does_not_know_stays_in_the_raw_bucket() -> None:
    content = "id,text,gold\n1,one,Billing\n2,two,Ann said it is billing\n3,three,\n"
    done = run_ingest(content, settings=IngestSettings(categories=("Billing", "Defect")))
    assert [case.gold_category for case in done.index] == ["Billing", UNKNOWN_GOLD, None]
    assert [case.gold_category for case in done.cases.values()] == ["Billing", "Ann said it is billing", None]


def test_only_new_and_changed_cases_get_a_shard() -> None:
    ledger = _AskedLedger()
    first = run_ingest(_file(130), ledger=ledger)
    ledger.record_labeled(TASK, "run-earlier", {line.case_id: line.content_hash for line in first.index})
    changed = _file(130).replace('some words 7"', 'other words 7"')
    second = run_ingest(changed, ledger=ledger)
    assert (second.result.new, second.result.unchanged) == (1, 129)
    assert list(second.cases) == ["c7"]
    assert [line.case_id for line in second.index if line.status == "new"] == ["c7"]
    assert all(line.shard is None for line in second.index if line.status == "unchanged")
    third = run_ingest(changed, ledger=ledger, force=True)
    assert (third.result.new, third.result.unchanged) == (130, 0)
    assert ledger.asked == [100, 30, 100, 30]  # in batches; not at all when forced


def test_an_unchanged_file_has_an_empty_list_of_shards() -> None:
    ledger = MemoryLedger()
    first = run_ingest(_file(3), ledger=ledger)
    ledger.record_labeled(TASK, "run-earlier", {line.case_id: line.content_hash for line in first.index})
    second = run_ingest(_file(3), ledger=ledger)
    assert (second.result.unchanged, second.result.shards, second.shards) == (3, 0, [])
    assert second.result.estimated_usd == 0.0


def test_the_hash_is_of_the_case_before_the_cut() -> None:
    small, large = IngestSettings(max_case_tokens=200), IngestSettings(max_case_tokens=6000)
    text = json.dumps({"id": "1", "text": "word " * 1000})
    cut, whole = run_ingest(text, settings=small), run_ingest(text, settings=large)
    assert cut.index[0].content_hash == whole.index[0].content_hash == whole.only.content_hash()
    assert (cut.result.cut, cut.index[0].cut, whole.result.cut) == (1, True, 0)


def test_the_estimate_counts_prompt_text_and_answer_of_new_cases() -> None:
    asked: list[Load] = []

    def price(load: Load, _road: Road) -> float:
        asked.append(load)
        return 1.5

    result = ingest(
        request("incoming/f"),
        raw=MemoryStore({"incoming/f": _file(2).encode()}),
        data=MemoryStore(),
        ledger=MemoryLedger(),
        settings=IngestSettings(prompt_tokens=1000, answer_tokens=50),
        estimate_usd=price,
    )
    load = asked[0]
    assert load.output_tokens == 100
    assert load.input_tokens == 2000 + load.case_tokens
    assert 2 * 40 < load.case_tokens < 2 * 120  # the case's tags and what it is asked, beside the few words of it
    assert result.estimated_usd == 1.5


def test_above_the_budget_it_says_how_many_cases_the_budget_affords() -> None:
    data = MemoryStore()
    result = ingest(
        request("incoming/f", budget_usd=2.0),
        raw=MemoryStore({"incoming/f": _file(10).encode()}),
        data=data,
        ledger=MemoryLedger(),
        settings=IngestSettings(),
        estimate_usd=lambda _load, _road: 5.5,
    )
    assert (result.new, result.estimated_usd, result.affordable) == (10, 5.5, 3)
    assert f"runs/{RUN}/shards.json" in data.objects


def test_within_the_budget_every_case_is_affordable_and_nothing_is_said() -> None:
    assert run_ingest(_file(3)).result.affordable is None


def test_where_not_one_case_is_affordable_nothing_is_listed_for_labeling() -> None:
    raw, data = MemoryStore({"incoming/f": _file(10).encode()}), MemoryStore()
    with pytest.raises(BudgetExceeded) as caught:
        ingest(
            request("incoming/f", budget_usd=2.0),
            raw=raw,
            data=data,
            ledger=MemoryLedger(),
            settings=IngestSettings(),
            estimate_usd=lambda _load, _road: 20.01,
        )
    message = str(caught.value)
    assert "10 new cases" in message
    assert "$20.01" in message
    assert "$2.00" in message
    assert f"runs/{RUN}/shards.json" not in data.objects


def test_the_estimate_takes_every_label_for_one_that_gets_votes() -> None:
    asked: list[Load] = []

    def estimate(load: Load, road: Road) -> float:
        if road == "on_demand":
            asked.append(load)
        return 1.0

    for samples in (0, 3):
        ingest(
            request("incoming/f", vote_samples=samples),
            raw=MemoryStore({"incoming/f": _file(10).encode()}),
            data=MemoryStore(),
            ledger=MemoryLedger(),
            settings=IngestSettings(),
            estimate_usd=estimate,
        )
    # The votes alone are priced as well: after a batch they are asked on demand.
    once, votes, voted = asked
    assert (votes.input_tokens, votes.output_tokens) == (3 * once.input_tokens, 3 * once.output_tokens)
    assert (voted.input_tokens, voted.output_tokens) == (4 * once.input_tokens, 4 * once.output_tokens)


@pytest.mark.parametrize(
    ("mode", "new", "has_batch", "usd", "road", "affordable"),
    [
        ("auto", 10, True, 1.0, "batch", None),
        ("auto", 9, True, 1.0, "on_demand", None),
        ("auto", 10, False, 1.0, "on_demand", None),
        ("auto", 10, True, 3.9, "batch", None),  # a batch affords at half the price what on demand would not
        ("auto", 10, True, 4.1, "on_demand", 4),
        ("batch", 1, True, 1.0, "batch", None),
        ("on_demand", 10, True, 1.0, "on_demand", None),
    ],
)
def test_the_road_goes_by_size_mode_model_and_budget(
    mode: RunMode, new: int, has_batch: bool, usd: float, road: Road, affordable: int | None
) -> None:
    result = ingest(
        request("incoming/f", budget_usd=2.0, mode=mode),
        raw=MemoryStore({"incoming/f": _file(new).encode()}),
        data=MemoryStore(),
        ledger=MemoryLedger(),
        settings=IngestSettings(batch_from=10, model_has_batch=has_batch),
        estimate_usd=lambda _load, asked: usd / 2 if asked == "batch" else usd,
    )
    assert (result.road, result.affordable) == (road, affordable)
    assert result.estimated_usd == (usd / 2 if road == "batch" else usd)
    assert result.road_reason


def test_a_model_without_a_price_is_not_refused() -> None:
    assert run_ingest(_file(1), usd_per_token=None).result.estimated_usd is None


def test_a_failed_ingest_says_which_file() -> None:
    with pytest.raises(InvalidCaseFile, match=r"^incoming/a\.csv: "):
        run_ingest(b"", name="incoming/a.csv")


def test_the_version_that_the_run_names_is_read() -> None:
    class Versions(MemoryStore):
        def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
            assert version_id == "v7"
            return super().open(key)

    result = ingest(
        request("incoming/f", version_id="v7"),
        raw=Versions({"incoming/f": _file(1).encode()}),
        data=MemoryStore(),
        ledger=MemoryLedger(),
        settings=IngestSettings(),
        estimate_usd=lambda _load, _road: 0.0,
    )
    assert result.cases == 1
