"""A run that is gone over again: what changed of its labels, and what the ledger has to know of it."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Literal

from plumbline import keys
from plumbline.contracts.errors import BrokenInvariant, MissingObject
from plumbline.contracts.labels import Outcome
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replay import Replay, ReplaySummary
from plumbline.contracts.runs import RunRequest
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import is_there, read_models
from plumbline.ports import Ledger, ObjectStore

Change = Literal["changed", "gained", "lost"]
_LEDGER_BATCH = 1000


def keep_before(run: RunRequest, replay: Replay, data: ObjectStore) -> None:
    """Keep the outcomes as they are before Collate writes new ones; once, so that a retry compares with the same.

    A run that broke off before its first Collate has none: it is compared with nothing.
    """
    kept = keys.outcomes_before(run.run_id, replay.number)
    if is_there(data, kept):
        return
    with data.writer(kept) as stream:
        try:
            with closing(data.open(keys.outcomes(run.run_id))) as before:
                shutil.copyfileobj(before, stream)
        except MissingObject:
            return


def replay_summary(run: RunRequest, replay: Replay, before: RunSummary | None, data: ObjectStore) -> ReplaySummary:
    """What changed of the run's labels. `before` is the summary that stood before this execution's Collate."""
    found = Counter(change for _, _, change in changes(run.run_id, replay.number, data))
    return ReplaySummary(
        number=replay.number,
        replayed_from=replay.stage,
        at=replay.at,
        prompt_before=_prompt_before(replay, before),
        compared=data.size(keys.outcomes_before(run.run_id, replay.number)) > 0,
        changed=found["changed"],
        gained=found["gained"],
        lost=found["lost"],
    )


def changes(run_id: str, replay: int, data: ObjectStore) -> Iterator[tuple[Outcome, Outcome, Change]]:
    """The outcome before and after of each case whose label that replay changed, gave or took. As streams.

    Raises BrokenInvariant where the two are not about the same cases: Ingest ran anew in between.
    """
    befores = read_models(data, keys.outcomes_before(run_id, replay), Outcome)
    for before, after in zip(befores, read_models(data, keys.outcomes(run_id), Outcome), strict=False):
        if before.case_id != after.case_id:
            raise BrokenInvariant(f"run {run_id}: its outcomes before and after replay {replay} are of other cases")
        was, now = _label(before), _label(after)
        if was != now:
            yield before, after, "gained" if was is None else "lost" if now is None else "changed"


def remember_again(run: RunRequest, replay: Replay, data: ObjectStore, ledger: Ledger) -> None:
    """Tell the ledger what is labeled now: a case that lost its label is new again.

    What a later run has labeled stays as that run left it: its text may be a newer one.
    """
    lost = (before.case_id for before, _, change in changes(run.run_id, replay.number, data) if change == "lost")
    while some := list(islice(lost, _LEDGER_BATCH)):
        mine = [case_id for case_id, by in ledger.recorded_by(run.task, some).items() if by == run.run_id]
        ledger.forget(run.task, run.run_id, mine)
    later: dict[str, bool] = {run.run_id: False}
    outcomes = read_models(data, keys.outcomes(run.run_id), Outcome)
    labeled = ((outcome.case_id, outcome.content_hash) for outcome in outcomes if outcome.outcome == "labeled")
    while batch := dict(islice(labeled, _LEDGER_BATCH)):
        for case_id, by in ledger.recorded_by(run.task, batch).items():
            if by not in later:
                row = ledger.get_run(run.task, by)
                later[by] = row is not None and row.started_at > run.started_at
            if later[by]:
                del batch[case_id]
        ledger.record_labeled(run.task, run.run_id, batch)


def _label(outcome: Outcome) -> str | None:
    return outcome.category if outcome.outcome == "labeled" else None


def _prompt_before(replay: Replay, before: RunSummary | None) -> PromptRef | None:
    if before is None:
        return None
    if before.replay is not None and before.replay.number == replay.number:  # a retry: this very replay wrote it
        return before.replay.prompt_before
    return before.prompt
