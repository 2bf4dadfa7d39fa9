"""The dataset's files: one JSON-lines file a split, each class in the same proportion in each."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, get_args

from plumbline import keys
from plumbline.case_text import case_text
from plumbline.check_balance.pick import Picked, stable_hash
from plumbline.check_balance.pool import Candidate
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.datasets import DatasetRow, Split, SplitFile
from plumbline.contracts.errors import BrokenInvariant
from plumbline.jsonl import read_models
from plumbline.ports import ObjectStore

_HELD_OUT_SHARE = 0.1  # for each of test and validation
_SPLITS: tuple[Split, ...] = get_args(Split)


def write_dataset(task: str, version: str, picked: Picked, data: ObjectStore) -> tuple[SplitFile, ...]:
    """Write train, validation and test; returns their checksums and counts. Reads one shard of texts at a time."""
    split_of = assign_splits(picked)
    files = {split: _SplitWriter() for split in _SPLITS}
    with ExitStack() as stack:
        streams = {
            split: stack.enter_context(data.writer(keys.dataset_split(task, version, split))) for split in _SPLITS
        }
        for candidate, case in _with_text(picked, data):
            split = split_of[candidate.case_id]
            row = DatasetRow(case_id=candidate.case_id, text=case_text(case), category=candidate.category)
            files[split].write(row, streams[split])
    return tuple(files[split].file(split, keys.dataset_split(task, version, split)) for split in _SPLITS)


def assign_splits(picked: Picked) -> dict[str, Split]:
    """A tenth of each class (at least one case, while at least one remains for training) to test and to validation.

    Cases go by a hash of their id, so that a case in the test set mostly stays there when the dataset grows.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for candidate in picked.candidates:
        by_class[candidate.category].append(candidate.case_id)
    splits: dict[str, Split] = {}
    for ids in by_class.values():
        ids.sort(key=stable_hash)
        held_out = min(max(1, round(len(ids) * _HELD_OUT_SHARE)), max(0, (len(ids) - 1) // 2))
        for position, case_id in enumerate(ids):
            splits[case_id] = "test" if position < held_out else "validation" if position < 2 * held_out else "train"
    return splits


def _with_text(picked: Picked, data: ObjectStore) -> Iterator[tuple[Candidate, AnonymizedCase]]:
    shards: dict[tuple[str, str], dict[str, Candidate]] = defaultdict(dict)
    for candidate in picked.candidates:
        shards[candidate.run_id, candidate.shard][candidate.case_id] = candidate
    for (run_id, shard), wanted in sorted(shards.items()):
        found = 0
        for case in read_models(data, keys.anonymized(run_id, shard), AnonymizedCase):
            if case.case_id in wanted:
                found += 1
                yield wanted[case.case_id], case
        if found != len(wanted):
            raise BrokenInvariant(f"run {run_id}, shard {shard}: {len(wanted) - found} labeled cases have no text")


class _SplitWriter:
    """Counts and checksums one split's lines as they are written."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._per_class: Counter[str] = Counter()

    def write(self, row: DatasetRow, stream: IO[bytes]) -> None:
        line = row.model_dump_json().encode() + b"\n"
        stream.write(line)
        self._digest.update(line)
        self._bytes += len(line)
        self._per_class[row.category] += 1

    def file(self, split: Split, key: str) -> SplitFile:
        return SplitFile(
            split=split,
            key=key,
            sha256=self._digest.hexdigest(),
            bytes=self._bytes,
            rows=self._per_class.total(),
            per_class=dict(sorted(self._per_class.items())),
        )
