"""The SelectNext stage: one round of choosing, from what is labeled to which cases go to the model."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.check_balance.pool import read_pool
from plumbline.contracts.errors import BrokenInvariant, MissingObject
from plumbline.contracts.runs import RunRequest, ShardEntry
from plumbline.contracts.selection import CaseVector, ChosenCase, Selection, SelectResult, SelectTask
from plumbline.estimate import EstimateUsd, Load, starts_of
from plumbline.gold import read_gold
from plumbline.jsonl import read_models, write_models
from plumbline.ports import Embedder, Ledger, ListedStore, ObjectStore
from plumbline.prices import ANSWER_TOKENS
from plumbline.prompting import LoadedPrompt, prompt_tokens
from plumbline.select_next.chances import described, fit
from plumbline.select_next.choose import Block, Candidate, Choice, choose
from plumbline.select_next.labeled import Labeled, add_run_labels, read_pool_labels
from plumbline.select_next.vectors import unpack

ROUNDS: Final = 5  # labels of one round teach the next; more rounds cost more reading (docs/selection.md)
LEAST_A_ROUND: Final = 25  # cases; a small budget has fewer rounds
_READERS: Final = 16
_SHARDS: Final = TypeAdapter(list[ShardEntry])
Chosen = Mapping[str, Sequence[ChosenCase]]


def select_next(
    task: SelectTask,
    *,
    data: ListedStore,
    ledger: Ledger,
    prompt: LoadedPrompt,
    embedder: Embedder,
    estimate_usd: EstimateUsd,
) -> SelectResult:
    """Choose this round's cases of the run's backlog and write which they are, by shard.

    Reads every vector of the backlog once, as a stream. The same round of the same run chooses the same cases again.
    All rounds together choose no more than the budget affords, by number and by the estimated cost of their texts.
    """
    run, names = task.run, prompt.prompt.category_names
    if task.ingest.affordable is None:
        raise BrokenInvariant(f"run {run.run_id}: SelectNext was asked, but the budget affords every case")
    before = _before(task, data)
    labeled = read_pool_labels(read_pool(run, names, data, ledger, read_gold(run.task, data)), run.task, data, embedder)
    short_before = {name: missing for name, missing in _short(run, labeled, names) if missing > 0}
    add_run_labels(labeled, run, before.chosen, names, data)
    backlog, choice = _choice(task, before, labeled, prompt, data, embedder)
    chosen = backlog.within_budget(choice, run, prompt, estimate_usd)
    shards = _write_chosen(task, before.chosen, chosen, data)
    passed_over = (*before.passed_over, choice.near_duplicates)
    selection = Selection(
        rounds=task.round,
        backlog=choice.backlog + len(before.cases),
        affordable=task.ingest.affordable,
        chosen=len(before.cases) + len(chosen),
        explored=sum(case.explored for case in before.cases) + sum(explored for _, explored in chosen),
        near_duplicates=sum(passed_over),
        passed_over=passed_over,
        short_before=short_before,
        shards=tuple(sorted({*before.chosen, *shards})),
        unread=tuple(backlog.unread),
    )
    data.write(keys.selection(run.run_id), selection.model_dump_json().encode())
    more = bool(chosen) and task.round < rounds_of(selection.affordable) and selection.chosen < selection.affordable
    return SelectResult(
        round=task.round, chosen=len(chosen), chosen_so_far=selection.chosen, shards=len(shards), more=more
    )


def _short(run: RunRequest, labeled: Labeled, names: Sequence[str]) -> list[tuple[str, int]]:
    """How many labels each class misses; below 0 where it has more than its target."""
    return [(name, run.target_per_class - labeled.counts[name]) for name in names]


def _choice(
    task: SelectTask, before: "_Before", labeled: Labeled, prompt: LoadedPrompt, data: ObjectStore, embedder: Embedder
) -> tuple["_Backlog", Choice]:
    """The backlog without what was taken, read, and what is of most use of it by what the labels teach."""
    run, names = task.run, prompt.prompt.category_names
    told = embedder.embed(described(prompt.prompt))
    classes = [names.index(category) for category in labeled.categories]
    classifier = fit(unpack(labeled.vectors, told.shape[1]), classes, told)
    backlog = _Backlog(run.run_id, data, {case.case_id for case in before.cases}, told.shape[1])
    choice = choose(
        backlog.blocks(),
        classifier,
        short=[missing for _, missing in _short(run, labeled, names)],
        count=allowance(task.ingest.affordable or 0, task.round) - len(before.cases),
        seed=f"{run.run_id}-{task.round}",
        near=labeled.near,
    )
    return backlog, choice


def rounds_of(affordable: int) -> int:
    """In how many rounds a budget for so many cases is spent."""
    return max(1, min(ROUNDS, affordable // LEAST_A_ROUND))


def allowance(affordable: int, number: int) -> int:
    """How many cases the rounds up to this one may choose together."""
    return -(-affordable * min(number, rounds_of(affordable)) // rounds_of(affordable))


class _Backlog:
    """The run's vectors, but for cases that were `taken` before."""

    def __init__(self, run_id: str, data: ObjectStore, taken: Collection[str], dimensions: int) -> None:
        self.taken = taken
        self.unread: list[str] = []
        self._run_id, self._data, self._dimensions = run_id, data, dimensions
        self._cases = self._tokens = 0

    def blocks(self) -> Iterator[Block]:
        """Shard by shard, some being fetched ahead."""
        entries = iter(_SHARDS.validate_json(self._data.read(keys.shards(self._run_id))))
        with ThreadPoolExecutor(_READERS) as pool:
            while ahead := list(islice(entries, 4 * _READERS)):
                for entry, vectors in zip(ahead, pool.map(self._read, ahead), strict=True):
                    if vectors is None:
                        self.unread.append(entry.shard)
                        continue
                    left = [vector for vector in vectors if vector.case_id not in self.taken]
                    self._cases += len(left)
                    self._tokens += sum(vector.tokens for vector in left)
                    yield Block(
                        entry.shard,
                        [vector.case_id for vector in left],
                        [vector.fingerprint for vector in left],
                        unpack([vector.vector for vector in left], self._dimensions),
                        [vector.tokens for vector in left],
                    )

    def _read(self, entry: ShardEntry) -> list[CaseVector] | None:
        try:
            return list(read_models(self._data, keys.vectors(self._run_id, entry.shard), CaseVector))
        except MissingObject:
            return None

    def within_budget(
        self, choice: Choice, run: RunRequest, prompt: LoadedPrompt, estimate_usd: EstimateUsd
    ) -> list[tuple[Candidate, bool]]:
        """What was chosen, and whether it is explored; without the last ones where the texts are longer than usual.

        The budget affords a number of cases of the usual length; longer ones have to be fewer.
        """
        found = [(case, True) for case in choice.explored] + [(case, False) for case in choice.gaining]
        usual = self._tokens / max(self._cases, 1)

        prefix, answer = prompt_tokens(prompt), min(ANSWER_TOKENS, prompt.prompt.model.max_tokens)

        def usd(cases: int, tokens: float) -> float:
            load = Load(
                cases=cases,
                case_tokens=round(tokens),
                prefix_tokens=prefix,
                answer_tokens=answer,
                asks=1 + run.vote_samples,
                starts=starts_of(cases, run.map_concurrency),
            )
            return estimate_usd(load, "on_demand") or 0.0

        limit = usd(len(found), usual * len(found))
        tokens = sum(case.tokens for case, _ in found)
        while len(found) > 1 and usd(len(found), tokens) > limit * 1.000001:
            tokens -= found.pop()[0].tokens
        return found


class _Before(NamedTuple):
    """What earlier rounds chose, by shard, and how often each of them passed over a near-duplicate."""

    chosen: dict[str, list[ChosenCase]]
    passed_over: tuple[int, ...]

    @property
    def cases(self) -> list[ChosenCase]:
        """What they chose."""
        return [case for cases in self.chosen.values() for case in cases]


def _before(task: SelectTask, data: ObjectStore) -> _Before:
    """What was done before this round; a round that is tried again forgets its own."""
    if task.round == 1:
        return _Before({}, ())
    run_id = task.run.run_id
    selection = Selection.model_validate_json(data.read(keys.selection(run_id)))
    chosen = {shard: list(read_models(data, keys.chosen(run_id, shard), ChosenCase)) for shard in selection.shards}
    earlier = {shard: [case for case in cases if case.round < task.round] for shard, cases in chosen.items()}
    return _Before({shard: cases for shard, cases in earlier.items() if cases}, selection.passed_over[: task.round - 1])


def _write_chosen(
    task: SelectTask, before: Chosen, chosen: Sequence[tuple[Candidate, bool]], data: ObjectStore
) -> dict[str, list[ChosenCase]]:
    """Each shard's chosen cases over all rounds, and the list of shards that this round is about."""
    run_id, shards = task.run.run_id, defaultdict[str, list[ChosenCase]](list)
    for case, explored in chosen:
        shards[case.shard].append(ChosenCase(case_id=case.case_id, round=task.round, explored=explored))
    with ThreadPoolExecutor(_READERS) as pool:
        list(
            pool.map(
                lambda shard: write_models(data, keys.chosen(run_id, shard), [*before.get(shard, ()), *shards[shard]]),
                sorted(shards),
            )
        )
    entries = [ShardEntry(shard=shard, cases=len(cases)) for shard, cases in sorted(shards.items())]
    data.write(keys.chosen_shards(run_id), json.dumps([entry.model_dump() for entry in entries]).encode())
    return dict(shards)
