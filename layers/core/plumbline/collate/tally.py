"""The run in figures, counted one case at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from plumbline.accuracy import Agreement, wilson
from plumbline.collate.shard import ShardRecords
from plumbline.contracts.cases import UNKNOWN_GOLD, AnonymizedCase
from plumbline.contracts.confidence import Calibration, ConfidenceBlock
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE, Outcome, OutcomeName
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import Usage, summed
from plumbline.contracts.runs import CollateTask
from plumbline.contracts.selection import UNPAID, Selection
from plumbline.contracts.summary import ClassGain, Cost, RunSummary, Sample, SelectionSummary
from plumbline.prices import price_table

_SAMPLES_A_KIND = 4
_EXCERPT_CHARS = 320


class Tally:
    """Counts outcomes, classes, repairs, tokens and agreement with gold. Memory does not grow with the cases."""

    def __init__(
        self, categories: Sequence[str], selection: Selection | None = None, answers: Sequence[str] = ()
    ) -> None:
        """`answers`: what gold may say, none-of-these as well; else the categories alone."""
        self.selection = selection
        self.explored: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.classes: Counter[str] = Counter(dict.fromkeys(categories, 0))
        self.repairs: Counter[str] = Counter()
        self.entities: Counter[str] = Counter()
        self.close_calls = 0
        self.confidences: Counter[bool] = Counter()  # calibrated ones and others
        self.unlikely: Counter[str] = Counter()
        self.voted = 0
        self.vote_calls = 0
        self.paid = {False: Usage(), True: Usage()}  # by whether a batch job answered
        self.reused = {False: Usage(), True: Usage()}
        self.calls = 0
        self.batch_calls = 0
        self.reused_calls = 0
        self.agreement = Agreement(answers or categories)
        self.samples: dict[str, list[Sample]] = {}

    @property
    def cases(self) -> int:
        """How many cases have an outcome."""
        return self.outcomes.total()

    def add(self, outcome: Outcome, records: ShardRecords) -> None:
        """One case's outcome."""
        self.outcomes[outcome.outcome] += 1
        if outcome.reason:
            self.reasons[f"{outcome.outcome}: {outcome.reason}"] += 1
        if outcome.confidence is not None:
            self.confidences[outcome.calibrated] += 1
        if outcome.reason == LOW_CONFIDENCE and outcome.category:
            self.unlikely[outcome.category] += 1
        accepted = outcome.category if outcome.outcome == "labeled" else None
        if accepted is not None:
            self.classes[accepted] += 1
            self.repairs.update(outcome.repairs)
            self.close_calls += outcome.close_call
            if records.chosen and records.chosen[outcome.case_id].explored:
                self.explored[accepted] += 1
        if outcome.outcome != "unchanged" and outcome.reason not in UNPAID:
            self.agreement.add(outcome.gold_category, accepted)
        case = records.cases.get(outcome.case_id)
        if case is not None and outcome.reason not in UNPAID:
            self._sample(outcome, case)

    def add_replies(self, records: ShardRecords) -> None:
        """What a shard's model calls used, and what was masked in it."""
        for case in records.cases.values():
            self.entities.update(case.entities)
        self.voted += len({vote.case_id for vote in records.votes if not vote.error})
        for reply in (*records.replies, *records.votes):
            if reply.error:
                continue
            self.vote_calls += reply.sample > 0
            if reply.from_cache:
                self.reused[reply.batch] += reply.usage
                self.reused_calls += 1
            else:
                self.paid[reply.batch] += reply.usage
                self.calls += 1
                self.batch_calls += reply.batch

    def summary(
        self,
        task: CollateTask,
        prompt: PromptRef,
        minutes_per_case: float,
        now: datetime,
        calibration: Calibration | None = None,
        *,
        perhaps_spent_usd: float = 0.0,
    ) -> RunSummary:
        """Everything counted so far; balance and training are added by Report."""
        run = task.run
        names: tuple[OutcomeName, ...] = get_args(OutcomeName)
        return RunSummary(
            run_id=run.run_id,
            task=run.task,
            status="RUNNING",
            prompt=prompt,
            model_id=run.model_id,
            source=run.key,
            started_at=run.started_at,
            finished_at=now,
            ingest=task.ingest,
            outcomes={name: self.outcomes[name] for name in names},
            outcome_reasons=dict(self.reasons.most_common()),
            repairs=dict(self.repairs.most_common()),
            close_calls=self.close_calls,
            model_calls=self.calls,
            reused_calls=self.reused_calls,
            usage=summed(self.paid.values()),
            batch_calls=self.batch_calls,
            batch_usage=self.paid[True],
            cost=self._cost(task, minutes_per_case, perhaps_spent_usd),
            budget_usd=run.budget_usd,
            classes=dict(self.classes),
            entities=dict(self.entities.most_common()),
            accuracy=self.agreement.block(),
            confidence=self._confidence(run.review_below, calibration),
            vote_calls=self.vote_calls,
            selection=self._selection(),
            samples=tuple(sample for kind in self.samples.values() for sample in kind),
        )

    def _cost(self, task: CollateTask, minutes_per_case: float, perhaps_spent_usd: float) -> Cost:
        """What the calls cost, and how long a person would have taken for the cases that were tried."""
        run, prices = task.run, price_table()
        tried = task.ingest.new - sum(self.reasons[f"dropped: {reason}"] for reason in UNPAID)
        return Cost(
            usd=_usd(run.model_id, self.paid),
            saved_by_reuse_usd=_usd(run.model_id, self.reused),
            prices_as_of=prices.as_of,
            human_hours=tried * minutes_per_case / 60,
            minutes_per_case=minutes_per_case,
            saved_by_cache_usd=prices.saved_by_cache(run.model_id, self.paid[False]),
            saved_by_batch_usd=_saved_by_batch(run.model_id, self.paid[True]),
            perhaps_spent_usd=perhaps_spent_usd,
        )

    def _selection(self) -> SelectionSummary | None:
        """How the budget was spent. The explored cases are a fair sample: they tell what random order would gain."""
        if self.selection is None:
            return None
        explored = self.explored.total()
        gains = tuple(
            ClassGain(
                category=name,
                short_before=short,
                gained=self.classes[name],
                prevalence=wilson(self.explored[name], explored) if explored else None,
            )
            for name, short in self.selection.short_before.items()
        )
        return SelectionSummary(
            rounds=self.selection.rounds,
            backlog=self.selection.backlog,
            affordable=self.selection.affordable,
            chosen=self.selection.chosen,
            explored=self.selection.explored,
            near_duplicates=self.selection.near_duplicates,
            labeled=self.classes.total(),
            gains=gains,
        )

    def _confidence(self, review_below: float, calibration: Calibration | None) -> ConfidenceBlock | None:
        if not self.confidences:
            return None
        of_fit = calibration if self.confidences[True] else None  # one fitted since Parse says nothing of these labels
        return ConfidenceBlock(
            calibrated=self.confidences[True],
            uncalibrated=self.confidences[False],
            voted=self.voted,
            review_below=review_below,
            auroc=of_fit.auroc if of_fit else None,
            calibration_error=of_fit.calibration_error if of_fit else None,
            fitted_on=of_fit.cases if of_fit else None,
            unlikely=dict(self.unlikely),
        )

    def _sample(self, outcome: Outcome, case: AnonymizedCase) -> None:
        kind, reason = _kind_of(outcome)
        if kind is None or len(self.samples.setdefault(kind, [])) >= _SAMPLES_A_KIND:
            return
        text = " — ".join(part for part in (case.subject, *(message.text for message in case.messages)) if part)
        excerpt = text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS].rsplit(" ", 1)[0] + " …"
        self.samples[kind].append(
            Sample.model_validate(
                {
                    "case_id": outcome.case_id,
                    "kind": kind,
                    "category": outcome.category,
                    "gold_category": outcome.gold_category,
                    "reason": reason,
                    "excerpt": excerpt,
                }
            )
        )


def _usd(model_id: str, usage: Mapping[bool, Usage]) -> float | None:
    amounts = [price_table().usd(model_id, tokens, batch=batch) for batch, tokens in usage.items()]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _saved_by_batch(model_id: str, usage: Usage) -> float | None:
    plain = price_table().usd(model_id, usage)
    return None if plain is None else plain - (price_table().usd(model_id, usage, batch=True) or 0.0)


def _kind_of(outcome: Outcome) -> tuple[str | None, str]:
    """The most telling group of samples that a case belongs to, and why."""
    if outcome.outcome in ("dropped", "failed") or outcome.reason in (LOW_CONFIDENCE, FITS_NO_CATEGORY):
        return outcome.outcome, outcome.reason or ""
    if outcome.outcome != "labeled":
        return None, ""
    if outcome.gold_category not in (None, UNKNOWN_GOLD, outcome.category):
        return "disagrees_with_gold", f"gold says {outcome.gold_category}"
    if outcome.repairs:
        return "repaired", ", ".join(outcome.repairs)
    if outcome.close_call:
        return "close_call", f"runner-up {outcome.runner_up}"
    return None, ""
