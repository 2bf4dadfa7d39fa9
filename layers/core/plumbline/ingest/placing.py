"""Where a case goes: the new ones into shards, all of them into the index; and the count of everything."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO

from plumbline import keys
from plumbline.contracts.cases import UNKNOWN_GOLD, Case, IngestedCase
from plumbline.contracts.runs import RunBase
from plumbline.estimate import CaseTokens
from plumbline.ingest.options import IngestSettings
from plumbline.ingest.rows import Reason
from plumbline.jsonl import write_line, write_models
from plumbline.ports import KnownCases, ObjectStore

_LOOKUP = 100  # cases per question to the ledger


@dataclass(slots=True)
class Tally:
    """What became of the file's records."""

    records: int = 0
    new: int = 0
    unchanged: int = 0
    repeated: int = 0
    cut: int = 0
    tokens: CaseTokens = field(default_factory=CaseTokens)
    reasons: Counter[Reason] = field(default_factory=Counter)
    shards: list[tuple[str, int]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """What became cases."""
        return self.new + self.unchanged

    @property
    def rejected(self) -> int:
        """What became rejects."""
        return self.reasons.total()


class Placing:
    """Asks the ledger about cases in batches, and writes the new ones out as shards and all of them to the index."""

    def __init__(
        self,
        run: RunBase,
        raw: ObjectStore,
        ledger: KnownCases,
        index: IO[bytes],
        settings: IngestSettings,
        tally: Tally,
    ) -> None:
        self._run = run
        self._raw = raw
        self._ledger = ledger
        self._index = index
        self._per_shard = settings.cases_per_shard
        self._categories = settings.categories
        self._tally = tally
        self._waiting: list[tuple[Case, str]] = []
        self._shard: list[Case] = []

    def add(self, case: Case, content_hash: str) -> None:
        """Place a case, now or with the next ones."""
        self._waiting.append((case, content_hash))
        if len(self._waiting) == _LOOKUP:
            self._place()

    def finish(self) -> None:
        """Place what still waits."""
        self._place()
        self._write_shard()

    def _place(self) -> None:
        ids = [case.case_id for case, _ in self._waiting]
        known: Mapping[str, str] = {}
        if ids and not self._run.force:
            # A run that is taken up again finds the same cases new as at first, and so writes the same shards again.
            known = self._ledger.known_hashes(self._run.ledger_task, ids, but_by=self._run.run_id)
        for case, content_hash in self._waiting:
            if known.get(case.case_id) == content_hash:
                self._tally.unchanged += 1
                self._note(case, content_hash, None)
                continue
            self._tally.new += 1
            self._tally.cut += case.cut is not None
            self._tally.tokens.add(case)
            self._note(case, content_hash, self._shard_id)
            self._shard.append(case)
            if len(self._shard) == self._per_shard:
                self._write_shard()
        self._waiting.clear()

    @property
    def _shard_id(self) -> str:
        return f"{len(self._tally.shards):05d}"

    def _note(self, case: Case, content_hash: str, shard: str | None) -> None:
        line = IngestedCase(
            case_id=case.case_id,
            content_hash=content_hash,
            status="new" if shard is not None else "unchanged",
            shard=shard,
            gold_category=self._gold(case),
            cut=case.cut is not None,
        )
        write_line(self._index, line)

    def _gold(self, case: Case) -> str | None:
        """The gold label as it may leave the raw bucket: a name of the task's, never other text of the export."""
        gold, categories = case.gold_category, self._categories
        return gold if gold is None or categories is None or gold in categories else UNKNOWN_GOLD

    def _write_shard(self) -> None:
        if self._shard:
            shard = self._shard_id
            write_models(self._raw, keys.raw_cases(self._run.run_id, shard), self._shard)
            self._tally.shards.append((shard, len(self._shard)))
            self._shard.clear()
