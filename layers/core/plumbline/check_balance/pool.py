"""Every accepted label of a task, over all of its runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline import keys
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Outcome
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.runs import RunRequest
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_models
from plumbline.ports import Ledger, ObjectStore


@dataclass(frozen=True, slots=True)
class Candidate:
    """A labeled case that may go into the dataset. Small, because a task can have a million of them.

    `by_person`: the category is a person's, who is sure, and not the model's.
    """

    case_id: str
    category: str
    confidence: float
    fingerprint: str
    content_hash: str
    run_id: str
    shard: str
    by_person: bool = False


@dataclass
class Pool:
    """The candidates of each class, and where they come from."""

    candidates: dict[str, list[Candidate]]
    this_run: Counter[str] = field(default_factory=Counter)
    lineage: dict[str, tuple[PromptRef, str]] = field(default_factory=dict)

    def accepted(self, category: str) -> int:
        """How many accepted labels the class has."""
        return len(self.candidates[category])

    def lineage_of(self, candidates: Iterable[Candidate]) -> tuple[tuple[PromptRef, ...], tuple[str, ...]]:
        """Prompts and models behind the candidates, each once, in a fixed order."""
        used = {self.lineage[candidate.run_id] for candidate in candidates}
        prompts = {(ref.task, ref.version, ref.sha256): ref for ref, _ in used}
        return tuple(prompts[key] for key in sorted(prompts)), tuple(sorted({model for _, model in used}))


def read_pool(
    run: RunRequest,
    categories: Sequence[str],
    data: ObjectStore,
    ledger: Ledger,
    gold: Mapping[str, GoldLabel] | None = None,
) -> Pool:
    """The task's labels; of a case labeled in several runs, the newest. Labels of categories that the prompt no longer
    has are left out.

    A person's label in `gold` stands above the model's for the very content that it was given for, also where nobody
    had accepted the model's. A case that people say fits no category of the prompt is left out.
    """
    gold = gold or {}
    pool = Pool(candidates={name: [] for name in categories})
    seen: set[bytes] = set()
    for row in ledger.runs(run.task):
        try:
            summary = RunSummary.model_validate_json(data.read(keys.summary(row.run_id)))
        except MissingObject:
            continue  # a run that failed before Collate has accepted nothing
        pool.lineage[row.run_id] = (summary.prompt, summary.model_id)
        for outcome in read_models(data, keys.outcomes(row.run_id), Outcome):
            candidate = _candidate(outcome, row.run_id, gold.get(outcome.case_id))
            if candidate is None:
                continue
            if candidate.category not in pool.candidates:
                if candidate.by_person:
                    seen.add(candidate.case_id.encode())  # nor does a label of an older run count
                continue
            if row.run_id == run.run_id:
                pool.this_run[candidate.category] += 1
            key = candidate.case_id.encode()
            if key not in seen:
                seen.add(key)
                pool.candidates[candidate.category].append(candidate)
    return pool


def _candidate(outcome: Outcome, run_id: str, gold: GoldLabel | None) -> Candidate | None:
    if outcome.shard is None or outcome.fingerprint is None:
        return None
    category, confidence = outcome.category, outcome.confidence or 0.0
    by_person = gold is not None and gold.content_hash == outcome.content_hash
    if gold is not None and by_person:
        category, confidence = gold.category, 1.0
    elif outcome.outcome != "labeled":
        return None
    if category is None:
        return None
    return Candidate(
        case_id=outcome.case_id,
        category=category,
        confidence=confidence,
        fingerprint=outcome.fingerprint,
        content_hash=outcome.content_hash,
        run_id=run_id,
        shard=outcome.shard,
        by_person=by_person,
    )
