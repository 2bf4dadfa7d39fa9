"""A round of SelectNext on a stored backlog: what it reads, what it writes, and what the next round makes of it."""

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase, Message
from plumbline.contracts.labels import Label, Lineage
from plumbline.contracts.prompts import Category, ModelDefaults, Prompt, PromptRef
from plumbline.contracts.runs import IngestResult, RunRequest, ShardEntry, ShardTask
from plumbline.contracts.selection import CaseVector, ChosenCase, Selection, SelectResult, SelectTask
from plumbline.embed_shard import embed_shard
from plumbline.fingerprint import simhash64
from plumbline.jsonl import read_models, write_models
from plumbline.prompting import LoadedPrompt
from plumbline.select_next import select_next
from plumbline.select_next.stage import allowance, rounds_of
from plumbline.select_next.vectors import pack, unpack
from tests.fakes import MemoryLedger, MemoryStore

NAMES = ("Apple", "Pear", "Plum")
SHARES = (0.85, 0.1, 0.05)
REF = PromptRef(task="fruit", version="v1", sha256="0" * 64)
PROMPT = LoadedPrompt(
    prompt=Prompt(
        task="fruit",
        version="v1",
        summary="s",
        categories=tuple(Category(name=name, description=f"about {name.lower()}s") for name in NAMES),
        instructions="i",
        output_format="o",
        model=ModelDefaults(max_tokens=50),
    ),
    ref=REF,
)


class WordEmbedder:
    """Texts that name the same fruit are close; no two texts are the same."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        self.texts += texts
        rows = np.zeros((len(texts), 16), dtype=np.float32)
        for row, text in enumerate(texts):
            rows[row] = np.random.default_rng(zlib.crc32(text.encode())).normal(0, 0.05, 16)
            for index, name in enumerate(NAMES):
                rows[row, index] += name.lower() in text.lower()
        unit: np.ndarray[tuple[int, int], np.dtype[np.float32]] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


class World:
    """A run whose budget affords a part of its backlog."""

    def __init__(self, cases: int = 600, target: int = 20, affordable: int = 100, chars: int = 100) -> None:
        self.data, self.ledger, self.embedder = MemoryStore(), MemoryLedger(), WordEmbedder()
        self.run = RunRequest(
            run_id="run-1",
            task="fruit",
            key="incoming/f",
            prompt_version="v1",
            model_id="m",
            target_per_class=target,
            budget_usd=1.0,
            started_at=datetime(2026, 3, 4, tzinfo=UTC),
        )
        self.affordable = affordable
        of = np.random.default_rng(2).choice(len(NAMES), cases, p=SHARES)
        self.of = {f"c-{n}": NAMES[of[n]] for n in range(cases)}
        self.entries = []
        for start in range(0, cases, 50):
            shard = f"{start // 50:05d}"
            ids = [f"c-{n}" for n in range(start, min(start + 50, cases))]
            write_models(self.data, keys.anonymized("run-1", shard), [self._case(i, chars) for i in ids])
            self.entries.append(ShardEntry(shard=shard, cases=len(ids)))
        self.data.write(keys.shards("run-1"), json.dumps([e.model_dump() for e in self.entries]).encode())
        for entry in self.entries:
            embed_shard(ShardTask(run=self.run, shard=entry.shard), data=self.data, embedder=self.embedder)

    def _case(self, case_id: str, chars: int) -> AnonymizedCase:
        words = np.random.default_rng(int(case_id[2:])).integers(0, 26, (8, 6))
        text = f"{self.of[case_id]} " + " ".join("".join(chr(97 + letter) for letter in word) for word in words)
        return AnonymizedCase(
            case_id=case_id,
            messages=(Message(role="customer", text=text.ljust(chars, ".")),),
            fingerprint=simhash64(text),
            content_hash=f"hash-{case_id}",
        )

    def select(self, number: int) -> SelectResult:
        ingest = IngestResult(
            cases=len(self.of), new=len(self.of), unchanged=0, rejected=0, cut=0, shards=len(self.entries),
            file_format="csv", file_bytes=1, estimated_usd=9.0, affordable=self.affordable,
        )  # fmt: skip
        return select_next(
            SelectTask(run=self.run, ingest=ingest, round=number),
            data=self.data,
            ledger=self.ledger,
            prompt=PROMPT,
            embedder=self.embedder,
            estimate_usd=lambda load, _: (load.input_tokens + load.output_tokens) / 1e6,
        )

    def chosen(self) -> list[ChosenCase]:
        shards = [entry.shard for entry in self.entries if self.data.exists(keys.chosen("run-1", entry.shard))]
        return [case for shard in shards for case in read_models(self.data, keys.chosen("run-1", shard), ChosenCase)]

    def label(self) -> None:
        """The model names the right fruit of every chosen case."""
        for entry in self.entries:
            key = keys.chosen("run-1", entry.shard)
            if self.data.exists(key):
                lineage = Lineage(prompt=REF, model_id="m", run_id="run-1")
                labels = [
                    Label(case_id=c.case_id, category=self.of[c.case_id], confidence=0.9, lineage=lineage)
                    for c in read_models(self.data, key, ChosenCase)
                ]
                write_models(self.data, keys.labels("run-1", entry.shard), labels)

    def have(self) -> dict[str, int]:
        return {name: sum(self.of[case.case_id] == name for case in self.chosen()) for name in NAMES}


def test_vectors_keep_their_direction() -> None:
    rows = np.random.default_rng(1).normal(0, 1, (5, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    again = unpack(pack(rows), 384)
    assert (rows * again).sum(axis=1).min() > 0.999
    assert unpack([], 384).shape == (0, 384)


def test_a_case_that_a_person_has_to_see_is_not_embedded() -> None:
    world = World(cases=50)
    key = keys.anonymized("run-1", "00000")
    cases = list(read_models(world.data, key, AnonymizedCase))
    write_models(world.data, key, [cases[0].model_copy(update={"review": ("policy: PASSPORT",)}), *cases[1:]])
    result = embed_shard(ShardTask(run=world.run, shard="00000"), data=world.data, embedder=world.embedder)
    assert result.done == 49
    vectors = list(read_models(world.data, keys.vectors("run-1", "00000"), CaseVector))
    assert cases[0].case_id not in {vector.case_id for vector in vectors}


def test_the_budget_goes_where_labels_are_missing_round_by_round() -> None:
    world = World()
    assert rounds_of(100) == 4
    for number in range(1, 5):
        result = world.select(number)
        world.label()
        assert result.chosen_so_far == len(world.chosen()) <= allowance(100, number)
        if not result.more:
            break
    have = world.have()
    # In random order a hundred labels would have about 5 plums.
    assert min(have.values()) >= 18
    selection = Selection.model_validate_json(world.data.read(keys.selection("run-1")))
    assert selection.short_before == dict.fromkeys(NAMES, 20)
    assert (selection.backlog, selection.chosen) == (600, len(world.chosen()))
    assert selection.explored == sum(case.explored for case in world.chosen()) > 0


def test_near_duplicates_are_counted_over_all_rounds_and_a_round_tried_again_counts_once() -> None:
    world = World(affordable=100)
    for entry in world.entries:  # each text twice over
        key = keys.vectors("run-1", entry.shard)
        vectors = list(read_models(world.data, key, CaseVector))
        twins = [one.model_copy(update={"case_id": f"{one.case_id}-twin"}) for one in vectors]
        write_models(world.data, key, [*vectors, *twins])
    world.of |= {f"{case_id}-twin": fruit for case_id, fruit in world.of.items()}
    counts = []
    for number in (1, 2, 2):
        world.select(number)
        world.label()
        counts.append(Selection.model_validate_json(world.data.read(keys.selection("run-1"))))
    first, second, again = counts
    assert second.near_duplicates > first.near_duplicates > 0
    assert second.near_duplicates == sum(second.passed_over)
    assert second.passed_over[:1] == first.passed_over
    assert again == second


def test_a_round_that_is_tried_again_chooses_the_same_and_forgets_its_first_try() -> None:
    world = World()
    world.select(1)
    world.label()
    first = world.select(2)
    chosen = world.chosen()
    assert world.select(2) == first
    assert world.chosen() == chosen
    assert len({case.case_id for case in chosen}) == len(chosen)


def test_the_map_gets_only_the_shards_of_this_round_and_their_cases_are_those_of_all_rounds() -> None:
    world = World(affordable=50)
    world.select(1)
    world.label()
    result = world.select(2)
    listed = json.loads(world.data.read(keys.chosen_shards("run-1")))
    assert len(listed) == result.shards
    for entry in listed:
        cases = list(read_models(world.data, keys.chosen("run-1", entry["shard"]), ChosenCase))
        assert 2 in {case.round for case in cases}
    assert {case.round for case in world.chosen()} == {1, 2}


def test_a_shard_that_failed_before_has_no_vectors_and_is_named() -> None:
    world = World()
    del world.data.objects[keys.vectors("run-1", "00003")]
    world.select(1)
    selection = Selection.model_validate_json(world.data.read(keys.selection("run-1")))
    assert (selection.unread, selection.backlog) == (("00003",), 550)


def test_where_the_target_is_met_nothing_more_is_chosen() -> None:
    world = World(target=1)
    for number in range(1, 5):
        result = world.select(number)
        world.label()
        if not result.more:
            break
    assert result.chosen_so_far < 30
    assert world.select(number + 1).chosen == 0


@pytest.mark.parametrize(("affordable", "rounds"), [(1, 1), (49, 1), (50, 2), (125, 5), (100_000, 5)])
def test_all_rounds_together_spend_what_is_affordable(affordable: int, rounds: int) -> None:
    assert rounds_of(affordable) == rounds
    assert allowance(affordable, rounds) == affordable
