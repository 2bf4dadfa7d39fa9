"""Improve: mine, draft, try, keep or drop, in rounds; each kind of decision on cases of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from plumbline.accuracy import wilson
from plumbline.compare_prompts import answered, expected, step
from plumbline.contracts.accuracy import Interval
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.comparisons import VersionStep
from plumbline.contracts.errors import BudgetExceeded
from plumbline.contracts.improvements import ImproveRound, Stopped
from plumbline.contracts.replies import ModelReply
from plumbline.drafting.mining import Miss, confusions, worth_drafting
from plumbline.drafting.prompt_text import as_version
from plumbline.drafting.writing import Drafted, expected_of_drafts, fresh, from_the_case, write
from plumbline.fingerprint import NearDuplicates
from plumbline.ports import LanguageModel
from plumbline.prices import price_table
from plumbline.prompting import LoadedPrompt
from plumbline.spend_tracker import Estimate, SpendTracker
from plumbline.trials import Trial, label_cases

ALPHA = 0.2
PER_ROUND = 4


@dataclass(frozen=True)
class Part:
    """Cases with their gold categories, place by place."""

    cases: tuple[AnonymizedCase, ...]
    gold: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.cases)

    def at(self, places: Sequence[int]) -> "Part":
        """Those of its cases."""
        return Part(tuple(self.cases[place] for place in places), tuple(self.gold[place] for place in places))


@dataclass(frozen=True)
class Parts:
    """Examples are drafted from `development`, drafts are judged on `held_back`, and `final` is looked at once."""

    development: Part
    held_back: Part
    final: Part


def split(labeled: Sequence[tuple[AnonymizedCase, str]]) -> tuple[Parts, int]:
    """Three parts of about the same size, in turn, and how many near-duplicates of an earlier case were left out: one
    in two parts would let a draft be judged on the case that it was written from."""
    known = NearDuplicates()
    alone = [pair for pair in labeled if known.add(pair[0].fingerprint)]
    thirds = [alone[place::3] for place in range(3)]
    parts = [Part(tuple(case for case, _ in third), tuple(gold for _, gold in third)) for third in thirds]
    return Parts(*parts), len(labeled) - len(alone)


def is_better(found: VersionStep, alpha: float = ALPHA) -> bool:
    """The rule by which a draft is kept: it fixes more of the held-back cases than it breaks, and that many or more
    would come of chance alone with a probability of at most `alpha` (McNemar's exact test, one-sided)."""
    return len(found.fixed) > len(found.broke) and found.p_value / 2 <= alpha


@dataclass
class Improver:
    """Runs the rounds; `text` is the base's file. `spend` stands below `model`: it counts what is paid and keeps the
    budget. While the rounds run, what the last look is estimated to cost is set aside."""

    parts: Parts
    base: LoadedPrompt
    text: str
    version: str
    model: LanguageModel
    model_id: str
    spend: SpendTracker
    target: float | None = None
    per_round: int = PER_ROUND
    with_llm: bool = True  # without, an example is the anonymized case itself, for a person to finish
    concurrency: int = 8
    on_part: Callable[[str, LoadedPrompt, int], None] = lambda _what, _prompt, _cases: None
    on_done: Callable[[ModelReply], None] = lambda _reply: None
    on_round: Callable[[ImproveRound], None] = lambda _round: None
    rounds: list[ImproveRound] = field(default_factory=list)
    kept: list[Drafted] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    calls: int = 0
    reused: int = 0
    stopped: Stopped = "rounds"

    def __post_init__(self) -> None:
        self.best, self.best_text = self.base, self.text
        self._base_trials: tuple[list[Trial], list[Trial]] = ([], [])  # of the development and the held-back part
        self._development: list[Trial] = []  # of the best so far
        self._held_back: list[Trial] = []

    def run(self, most_rounds: int) -> None:
        """At most so many rounds, and no more than the budget allows. Raises the model's errors."""
        with self.spend.setting_aside(self._usd(final_estimate(self.base, self.parts)) or 0.0):
            self._development = self.label("development", self.base, self.parts.development)
            self._held_back = self.label("held back", self.base, self.parts.held_back)
            self._base_trials = (self._development, self._held_back)
            self.stopped = self._rounds(most_rounds)

    def _rounds(self, most_rounds: int) -> Stopped:
        for number in range(1, most_rounds + 1):
            if self._reached_target():
                return "target"
            if self.spend.refusals or self._costs_too_much():
                return "budget"
            picked = list(worth_drafting(confusions(self._misses()), most=self.per_round, least=1, used=self.used))
            if not picked:
                return "nothing_left"
            self._round(number, picked)
        if self.spend.refusals:
            return "budget"
        return "target" if self._reached_target() else "rounds"

    def _reached_target(self) -> bool:
        if self.target is None or self.spend.refusals:
            return False
        return self.best_held_back().value >= self.target

    def finish(self) -> tuple[Interval, Interval, VersionStep | None]:
        """Base and best on the final part, and the step between them; None where no draft was kept, and where the
        budget allowed no look. All three are over the cases that the budget allowed to ask both about."""
        part = self.parts.final
        before = self.label("final", self.base, part)
        after = self.label("final", self.best, part) if self.kept else before
        both = answered((before, after))
        part = part.at(both)
        before, after = [before[place] for place in both], [after[place] for place in both]
        found = step((self.base.ref.version, self.version), part.gold, before, after) if self.kept and both else None
        return accuracy(before, part), accuracy(after, part), found

    def label(self, what: str, prompt: LoadedPrompt, part: Part) -> list[Trial]:
        """The part labeled with the prompt, and counted."""
        self.on_part(what, prompt, len(part))
        trials = label_cases(
            part.cases, prompt=prompt, model=self.model, model_id=self.model_id, concurrency=self.concurrency,
            on_done=self.on_done,
        )  # fmt: skip
        for trial in trials:
            self.calls, self.reused = self.calls + trial.calls, self.reused + trial.reused
        return trials

    def base_accuracy(self) -> tuple[Interval, Interval]:
        """The base's accuracy on the development and on the held-back part."""
        development, held_back = self._base_trials
        return accuracy(development, self.parts.development), accuracy(held_back, self.parts.held_back)

    def best_held_back(self) -> Interval:
        """The best prompt's accuracy on the held-back part: chosen by it, and so flattered."""
        return accuracy(self._held_back, self.parts.held_back)

    def _round(self, number: int, picked: Sequence[Miss]) -> None:
        before, refused = self.spend.spent_usd, self.spend.refusals
        new = fresh(self._drafts(picked), self.best.prompt.bad_examples)
        found, reached, kept = self._tried(number, new) if new else (None, None, False)
        after = self.spend.spent_usd
        done = ImproveRound(
            number=number,
            cases=tuple(draft.case_id for draft in new),
            drafts=tuple(draft.example for draft in new),
            unusable=len(picked) - len(new),
            held_back=reached,
            step=found,
            kept=kept,
            cut_short=self.spend.refusals > refused,
            usd=None if before is None or after is None else after - before,
        )
        self.rounds.append(done)
        self.on_round(done)

    def _tried(self, number: int, new: Sequence[Drafted]) -> tuple[VersionStep | None, Interval | None, bool]:
        """The drafts on the held-back part; they become part of the best where they are better. Where the budget ends
        the trial, its figures are of the cases that were answered, and the drafts are not kept."""
        fresh_text, candidate = self._with(new)
        refused = self.spend.refusals
        trials = self.label("held back", candidate, self.parts.held_back)
        both = answered((self._held_back, trials))
        if not both:
            return None, None, False
        part = self.parts.held_back.at(both)
        before, after = [self._held_back[place] for place in both], [trials[place] for place in both]
        found = step((self._name(), f"round {number}"), part.gold, before, after)
        if kept := self.spend.refusals == refused and is_better(found):
            self.kept += new
            self.best, self.best_text, self._held_back = candidate, fresh_text, trials
            self._development = self.label("development", candidate, self.parts.development)
        return found, accuracy(after, part), kept

    def _name(self) -> str:
        last = next((done.number for done in reversed(self.rounds) if done.kept), None)
        return self.base.ref.version if last is None else f"round {last}"

    def _with(self, new: Sequence[Drafted]) -> tuple[str, LoadedPrompt]:
        drafts = [*self.kept, *new]
        summary = f"{self.base.ref.version} with {len(drafts)} bad examples that improve drafted and kept"
        return as_version(self.text, self.base.prompt, self.version, summary, drafts)

    def _drafts(self, picked: Sequence[Miss]) -> list[Drafted]:
        drafts = []
        for miss in picked:
            self.used.add(miss.case_id)
            if not self.with_llm:
                drafts.append(from_the_case(miss))
                continue
            try:
                written = write(self.best, miss, model=self.model, model_id=self.model_id)
            except BudgetExceeded:
                break
            self.calls, self.reused = self.calls + 1, self.reused + written.reply.from_cache
            if written.drafted:
                drafts.append(written.drafted)
        return drafts

    def _misses(self) -> list[Miss]:
        part = self.parts.development
        return [
            Miss(case_id=case.case_id, gold=gold, label=label.category, reasoning=label.reasoning, case=case)
            for case, gold, trial in zip(part.cases, part.gold, self._development, strict=True)
            if (label := trial.label) is not None and label.category != gold
        ]

    def _costs_too_much(self) -> bool:
        """Whether another round, and the final part after it, may go beyond the budget."""
        if self.spend.budget_usd is None:
            return False
        ahead = self._usd(round_estimate(self.best, self.parts, self.per_round) + final_estimate(self.best, self.parts))
        spent = self.spend.spent_usd
        return spent is None or ahead is None or spent + ahead > self.spend.budget_usd

    def _usd(self, estimate: Estimate) -> float | None:
        return price_table().estimated_usd(self.model_id, estimate.once)


def accuracy(trials: Sequence[Trial], part: Part) -> Interval:
    """The share of the part's cases that got their gold label, of those that were asked about; from 0 to 1 where none
    was."""
    pairs = [(trial.category, gold) for trial, gold in zip(trials, part.gold, strict=True) if trial.asked]
    if not pairs:
        return Interval(value=0.0, low=0.0, high=1.0, n=0)
    return wilson(sum(said == gold for said, gold in pairs), len(pairs))


def start_estimate(prompt: LoadedPrompt, parts: Parts) -> Estimate:
    """What the first look takes."""
    return expected(prompt, (*parts.development.cases, *parts.held_back.cases))


def round_estimate(prompt: LoadedPrompt, parts: Parts, drafts: int) -> Estimate:
    """What one round takes whose draft is kept."""
    return expected_of_drafts(drafts, prompt) + start_estimate(prompt, parts)


def final_estimate(prompt: LoadedPrompt, parts: Parts) -> Estimate:
    """What the last look takes, at the base and the best."""
    once = expected(prompt, parts.final.cases)
    return once + once
