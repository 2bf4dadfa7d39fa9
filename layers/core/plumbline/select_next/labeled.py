"""What is labeled so far, as the classifier learns it: vectors and classes, of earlier runs and of this one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from plumbline import keys
from plumbline.check_balance.pool import Candidate, Pool
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.labels import Label
from plumbline.contracts.runs import RunRequest
from plumbline.contracts.selection import CaseVector, ChosenCase
from plumbline.embed_shard import case_vectors
from plumbline.fingerprint import NearDuplicates
from plumbline.jsonl import read_if_there, write_models
from plumbline.ports import Embedder, ObjectStore

PER_CLASS: Final = 300  # of each class, the newest: more labels than these change little and cost reading
_READERS: Final = 16


@dataclass
class Labeled:
    """Labels with their vectors; `counts` is every accepted label by class, near-duplicates left out."""

    counts: Counter[str] = field(default_factory=Counter)
    near: NearDuplicates = field(default_factory=NearDuplicates)
    vectors: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)

    def add(self, vector: str, category: str) -> None:
        """One more to learn from."""
        self.vectors.append(vector)
        self.categories.append(category)


def read_pool_labels(pool: Pool, task: str, data: ObjectStore, embedder: Embedder) -> Labeled:
    """The labels of the task's earlier runs, and vectors of the newest of each class.

    A vector comes from the cache that the last selection left, from the run that chose the case, or is made anew of the
    case's text. The cache is written again.
    """
    labeled, wanted = Labeled(), list[Candidate]()
    for category, candidates in pool.candidates.items():
        for candidate in candidates:
            labeled.counts[category] += labeled.near.add(candidate.fingerprint)
        wanted += islice(candidates, PER_CLASS)
    known = {(v.case_id, v.content_hash): v for v in read_if_there(data, keys.labeled_vectors(task), CaseVector)}
    missing = [c for c in wanted if (c.case_id, c.content_hash) not in known]
    known |= {(v.case_id, v.content_hash): v for v in _found_or_made(missing, data, embedder)}
    kept: list[CaseVector] = []
    for candidate in wanted:
        if vector := known.get((candidate.case_id, candidate.content_hash)):
            labeled.add(vector.vector, candidate.category)
            kept.append(vector)
    if missing:
        write_models(data, keys.labeled_vectors(task), kept)
    return labeled


def _found_or_made(candidates: Sequence[Candidate], data: ObjectStore, embedder: Embedder) -> Iterator[CaseVector]:
    shards: dict[tuple[str, str], set[str]] = defaultdict(set)
    for candidate in candidates:
        shards[candidate.run_id, candidate.shard].add(candidate.case_id)

    def read(place: tuple[str, str]) -> tuple[list[CaseVector], list[AnonymizedCase]]:
        ids = shards[place]
        found = [v for v in read_if_there(data, keys.vectors(*place), CaseVector) if v.case_id in ids]
        if found:
            return found, []
        return [], [
            case for case in read_if_there(data, keys.anonymized(*place), AnonymizedCase) if case.case_id in ids
        ]

    with ThreadPoolExecutor(_READERS) as pool:
        for found, unmade in pool.map(read, sorted(shards)):
            yield from found
            yield from case_vectors([case for case in unmade if case.content_hash], embedder)


def add_run_labels(
    labeled: Labeled,
    run: RunRequest,
    chosen: Mapping[str, Iterable[ChosenCase]],
    categories: Sequence[str],
    data: ObjectStore,
) -> None:
    """What this run's earlier rounds have labeled. `chosen`: by shard. A label that goes to a person does not count."""

    def read(shard: str) -> tuple[list[Label], dict[str, CaseVector]]:
        ids = {case.case_id for case in chosen[shard]}
        labels = [label for label in read_if_there(data, keys.labels(run.run_id, shard), Label) if label.case_id in ids]
        return labels, {v.case_id: v for v in read_if_there(data, keys.vectors(run.run_id, shard), CaseVector)}

    with ThreadPoolExecutor(_READERS) as pool:
        for labels, vectors in pool.map(read, sorted(chosen)):
            for label in labels:
                vector = vectors.get(label.case_id)
                if vector is not None and label.category in categories:
                    accepted = not label.calibrated or label.confidence >= run.review_below
                    labeled.counts[label.category] += labeled.near.add(vector.fingerprint) and accepted
                    labeled.add(vector.vector, label.category)
