"""The cases of a run that people may label: read from what its stages left in the data bucket."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from plumbline import keys
from plumbline.case_text import case_text
from plumbline.confidence import confidence_of, signals_of_label
from plumbline.confidence.later import later_signals
from plumbline.contracts.cases import UNKNOWN_GOLD, AnonymizedCase
from plumbline.contracts.confidence import Calibration, Signals
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Label, Outcome
from plumbline.contracts.review import AskedCase, Part
from plumbline.jsonl import read_if_there, read_models
from plumbline.ports import ObjectStore
from plumbline.review.queue import Candidate, Chosen

_READERS = 8


@dataclass(frozen=True)
class ReviewCase:
    """One row of a sheet: the anonymized case, what the model said of it, and what a person said of it before."""

    case_id: str
    content_hash: str
    part: Part
    text: str
    model_label: str
    runner_up: str | None
    reasoning: str
    confidence: float
    calibrated: bool
    known: GoldLabel | None = None

    @property
    def key(self) -> str:
        """A row's own name, which no spreadsheet changes: of the case and its content."""
        identity = f"{self.case_id}\x1f{self.content_hash}".encode("utf-8", "surrogatepass")
        return "r" + hashlib.sha256(identity).hexdigest()[:15]


def asked_of(case: ReviewCase) -> AskedCase:
    """The case without its text: what an import needs to know of it."""
    return AskedCase(
        key=case.key,
        case_id=case.case_id,
        content_hash=case.content_hash,
        model_label=case.model_label,
        part=case.part,
    )


def sheet_id_of(run_id: str, cases: Sequence[ReviewCase], seed: int, *, queue: bool) -> str:
    """Twelve hex digits, the same for the same cases of the same run, drawn the same way."""
    parts = [run_id, str(seed), str(queue), *(f"{case.key}{case.part}" for case in cases)]
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:12]


def candidates_of_run(
    run_id: str, data: ObjectStore, *, with_signals: bool, calibration: Calibration | None = None
) -> list[Candidate]:
    """Every case of the run that the model answered about. `with_signals` also reads what speaks against the labels,
    and what was learned of them later: a judge's scores, neighbours. With a calibration, the confidence is what it
    makes of all that; else it is the label's own.

    Cases that were dropped or that anonymization held back have no answer to judge. Raises MissingObject for a run
    without outcomes.
    """
    outcomes = [o for o in read_models(data, keys.outcomes(run_id), Outcome) if o.shard and o.fingerprint]
    signals = _signals(run_id, outcomes, data) if with_signals else {}
    doubted = {case_id for case_id, found in signals.items() if speaks_against(found)}
    rated = {i: confidence_of(found, calibration) for i, found in signals.items()} if calibration else {}
    return [
        Candidate(
            case_id=o.case_id,
            shard=o.shard or "",
            content_hash=o.content_hash,
            fingerprint=o.fingerprint or "",
            category=o.category or "",
            accepted=o.outcome == "labeled",
            confidence=rated.get(o.case_id, o.confidence or 0.0),
            close_call=o.close_call,
            disagreed=o.gold_category not in (None, UNKNOWN_GOLD, o.category) or o.case_id in doubted,
        )
        for o in outcomes
    ]


def _signals(run_id: str, outcomes: Sequence[Outcome], data: ObjectStore) -> dict[str, Signals]:
    """All that is known of the labels by now, by case id."""
    later = later_signals(run_id, outcomes, data)

    def read(shard: str) -> list[tuple[str, Signals]]:
        labels = read_if_there(data, keys.labels(run_id, shard), Label)
        return [(o.case_id, signals_of_label(o).model_copy(update=later.get(o.case_id, {}))) for o in labels]

    with ThreadPoolExecutor(_READERS) as pool:
        return dict(pair for pairs in pool.map(read, sorted({o.shard or "" for o in outcomes})) for pair in pairs)


def speaks_against(signals: Signals) -> bool:
    """Whether the larger part of the votes, of the neighbours, or a judge is against the label."""
    shares = (signals.votes_for, signals.neighbours_for, signals.judged)
    return any(share is not None and share < 1 / 2 for share in shares)


def read_cases(run_id: str, chosen: Chosen, known: dict[str, GoldLabel], data: ObjectStore) -> list[ReviewCase]:
    """The chosen cases with their texts, in the order chosen. A case whose text has expired is left out.

    A label in `known` counts for the very content that it was given for.
    """
    shards: dict[str, set[str]] = defaultdict(set)
    for candidate, _ in chosen.rows:
        shards[candidate.shard].add(candidate.case_id)

    def read(shard: str) -> dict[str, tuple[AnonymizedCase, Label]]:
        wanted = shards[shard]
        cases = {c.case_id: c for c in read_if_there(data, keys.anonymized(run_id, shard), AnonymizedCase)}
        labels = [label for label in read_if_there(data, keys.labels(run_id, shard), Label) if label.case_id in wanted]
        return {label.case_id: (cases[label.case_id], label) for label in labels if label.case_id in cases}

    with ThreadPoolExecutor(_READERS) as pool:
        found = {case_id: pair for pairs in pool.map(read, sorted(shards)) for case_id, pair in pairs.items()}
    return [
        _case(candidate, part, *found[candidate.case_id], known.get(candidate.case_id))
        for candidate, part in chosen.rows
        if candidate.case_id in found
    ]


def _case(candidate: Candidate, part: Part, case: AnonymizedCase, label: Label, known: GoldLabel | None) -> ReviewCase:
    return ReviewCase(
        case_id=candidate.case_id,
        content_hash=candidate.content_hash,
        part=part,
        text=case_text(case),
        model_label=label.category,
        runner_up=label.runner_up,
        reasoning=label.reasoning,
        confidence=label.confidence,
        calibrated=label.calibrated,
        known=known if known and known.content_hash == candidate.content_hash else None,
    )
