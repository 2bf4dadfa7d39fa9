"""What confidence without log-probabilities is worth: errors told from right labels, signal by signal.

Labels a fixed sample of gold cases as bench.llm_prompts does (the same answers with the same --keep FILE), asks --votes
further times about labels below --vote-below, and fits a calibration for each set of signals. Figures are of cases that
a fit has not seen. `--second v2` takes another version of the prompt as one more vote where FILE holds its answers or
the model may give them. The stand-in `embedding` is no language model; it only shows that the benchmark runs.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from bench.kept import Answering, KeptModel
from bench.llm_cases import SEED, SETS, GoldCase, gold_sample
from bench.llm_prompts import PROMPTS
from bench.measuring import machine, show
from local.bedrock.answering import StandInError
from local.bedrock.embedding import EmbeddingModel
from local.bedrock.llm import LlmModel, options_from
from local.bedrock.weights import WEIGHTS
from plumbline.adapters.minilm import minilm
from plumbline.anonymize import Privacy
from plumbline.anonymize.detector import SpacyDetector
from plumbline.case_text import case_text
from plumbline.confidence import signals_of_label
from plumbline.confidence.fit import Row, fit
from plumbline.confidence.later import neighbour_shares
from plumbline.confidence.rows import grouped
from plumbline.contracts.confidence import Figures, Signals
from plumbline.contracts.errors import PlumblineError, UnparseableReply
from plumbline.contracts.labels import Label
from plumbline.parse.reader import read_answer
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.trials import label_cases
from plumbline.vote import first_confidence, vote_request

MODELS: Final = (*sorted(WEIGHTS), "embedding")
SHARE: Final = 0.11  # of the labels that people look at


class Labeled(NamedTuple):
    """A case with its first label, the categories of its votes (None: unreadable), and more that is known of it."""

    gold: GoldCase
    label: Label
    votes: list[str | None]
    second: str | None
    neighbours_for: float

    @property
    def right(self) -> bool:
        """Whether the first label is the gold one."""
        return self.label.category == self.gold.gold


def stand_in(name: str, threads: int | None = None) -> Answering:
    """The local model of that name. Raises StandInError when it is not there."""
    given = {"threads": threads} if threads else {}
    return EmbeddingModel() if name == "embedding" else LlmModel(name, options_from(given))


def labeled(
    cases: Sequence[GoldCase], prompt: LoadedPrompt, model: KeptModel, options: argparse.Namespace
) -> list[Labeled]:
    """The cases that got a label, with everything asked about them. Raises the model's errors."""
    model_id = f"local.{options.model}"
    masked = [case.case for case in cases]
    first = label_cases(masked, prompt=prompt, model=model, model_id=model_id, concurrency=1)
    seconds: dict[str, str | None] = {}
    if options.second:
        other = load_prompt(PROMPTS, prompt.ref.task, options.second)
        again = label_cases(masked, prompt=other, model=model, model_id=model_id, concurrency=1)
        seconds = {trial.case_id: trial.category for trial in again}
    pairs = [(case, trial.label) for case, trial in zip(cases, first, strict=True) if trial.label]
    shares = neighbours([case for case, _ in pairs], [label.category for _, label in pairs])
    found = []
    for (case, label), share in zip(pairs, shares, strict=True):
        unsure = first_confidence(label, None) < options.vote_below
        votes = _votes(case, prompt, model, model_id, options.votes if unsure else 0)
        found.append(Labeled(case, label, votes, seconds.get(label.case_id), share))
    return found


def _votes(case: GoldCase, prompt: LoadedPrompt, model: KeptModel, model_id: str, samples: int) -> list[str | None]:
    votes: list[str | None] = []
    for sample in range(1, samples + 1):
        reply = model.ask(vote_request(prompt, case.case, model_id, sample))
        try:
            votes.append(read(reply.text, reply.stop_reason, prompt))
        except UnparseableReply:
            votes.append(None)
    return votes


def read(text: str, stop_reason: str, prompt: LoadedPrompt) -> str:
    """The category that an answer names. Raises UnparseableReply."""
    return read_answer(text, prompt.prompt.answers, truncated=stop_reason == "max_tokens").category


def neighbours(cases: Sequence[GoldCase], categories: Sequence[str]) -> list[float]:
    """For each case the share of its nearest others, by MiniLM, whose label is the same. No gold is looked at."""
    vectors = minilm().embed([case_text(case.case) for case in cases])
    labels = [(case.case.case_id, category) for case, category in zip(cases, categories, strict=True)]
    return [share or 0.0 for share in neighbour_shares(vectors, labels, vectors, labels)]


def signals(one: Labeled, *, votes: bool = False, second: bool = False, near: bool = False) -> Signals:
    """The label's signals with those that are asked for."""
    given = [category == one.label.category for category in one.votes] if votes else []
    if second and one.second:
        given.append(one.second == one.label.category)
    share = sum(given) / len(given) if given else None
    changes = {"votes_for": share, "neighbours_for": one.neighbours_for if near else None}
    return signals_of_label(one.label).model_copy(update=changes)


def row(name: str, found: Sequence[Labeled], of: Callable[[Labeled], Signals], prompt: LoadedPrompt) -> list[list[str]]:
    """Lines of the table: the bare rank, and the calibration, of one set of signals."""
    groups = grouped((one.label.case_id, one.gold.case.fingerprint) for one in found)
    rows = [Row(of(one), one.right, groups[one.label.case_id]) for one in found]
    made = fit(rows, prompt=prompt.ref, model_id="bench", now=datetime.now(UTC))
    both = (("rank", made.rank), ("fitted", made.later.figures if made.later else made.figures))
    return [_line(f"{name}, {kind}", figures) for kind, figures in both if figures]


def _line(name: str, figures: Figures) -> list[str]:
    at = next(point for point in figures.review if point.reviewed == SHARE)
    auroc = "-" if figures.auroc is None else f"{figures.auroc:.3f}"
    kept = "-" if at.accuracy is None else f"{at.accuracy:.3f}"
    return [name, auroc, f"{figures.calibration_error:.3f}", f"{at.errors_caught:.2f}", kept]


def majority(found: Sequence[Labeled]) -> str:
    """Whether the first answer or the majority with its votes is right more often, among labels with votes."""
    voted = [one for one in found if one.votes]
    if not voted:
        return "No label had votes."
    right = Counter[str]()
    for one in voted:
        counts = Counter([one.label.category, *(category for category in one.votes if category)])
        most = max(counts.values())
        winner = one.label.category if counts[one.label.category] == most else counts.most_common(1)[0][0]
        right["first"] += one.right
        right["majority"] += winner == one.gold.gold
        right["changed"] += winner != one.label.category
    return (
        f"Of {len(voted)} labels with votes the first answer is right {right['first']} times, the majority "
        f"{right['majority']} times; they differ on {right['changed']}."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = _parser().parse_args(arguments)
    data = SETS[options.data]
    if not data.file.is_file():
        sys.exit(f"{data.file.name} is not here: there is nothing to measure on")
    model = KeptModel(options.keep, lambda: stand_in(options.model, options.threads))
    prompt = load_prompt(PROMPTS, data.task, options.prompt)
    cases = gold_sample(options.data, options.cases, Privacy(SpacyDetector()), options.seed)
    try:
        found = labeled(cases, prompt, model, options)
        lines = [
            *row("reply alone", found, signals, prompt),
            *row("with neighbours", found, lambda one: signals(one, near=True), prompt),
        ]
        if options.votes:
            lines += row("with votes", found, lambda one: signals(one, votes=True), prompt)
            lines += row("votes, neighbours", found, lambda one: signals(one, votes=True, near=True), prompt)
        if options.second:
            lines += row(f"{options.second} as a vote", found, lambda one: signals(one, second=True), prompt)
            lines += row("all of it", found, lambda one: signals(one, votes=True, second=True, near=True), prompt)
    except (PlumblineError, StandInError) as error:
        sys.exit(f"{error}.")
    right = sum(one.right for one in found)
    title = f"{options.model}, {data.task} {options.prompt}: {right} of {len(found)} labels right ({len(cases)} cases)"
    caption = (
        f"caught: share of the errors among the least confident {SHARE:.0%}; rest: accuracy without those. {machine()}"
    )
    show(title, ["signals", "AUROC", "calibration error", "caught", "rest"], lines, caption)
    print(majority(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.confidence", description=__doc__)
    parser.add_argument("--data", choices=sorted(SETS), default="cases6")
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--prompt", default="v3", metavar="VERSION")
    parser.add_argument("--second", metavar="VERSION", help="another version of the prompt, as one more vote")
    parser.add_argument(
        "--votes", type=int, default=3, help="further answers about an uncertain label; 0 asks for none"
    )
    parser.add_argument("--vote-below", type=float, default=1.0, help="by rank; 1 asks about every label")
    parser.add_argument("--model", choices=MODELS, default="llm")
    parser.add_argument("--threads", type=int, help="of the model; by default PLUMBLINE_LLM_THREADS")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="read and keep the answers here")
    return parser


if __name__ == "__main__":
    main()
