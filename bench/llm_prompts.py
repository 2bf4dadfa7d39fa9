"""A language model on this machine labels a fixed sample of gold cases, once with each version of the prompt.

Needs `make local-llm`. Some seconds a case and version: with --keep FILE the answers stay, a run that was broken off
goes on, and other benchmarks read them. Replies quote their cases, so keep the file out of the repository.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from bench.kept import Kept, KeptModel
from bench.llm_cases import SEED, SETS, GoldCase, gold_sample
from bench.measuring import ROOT, machine, show
from local.bedrock.answering import StandInError
from local.bedrock.llm import LlmModel, options_from
from local.bedrock.weights import WEIGHTS
from plumbline.accuracy import wilson
from plumbline.anonymize import Privacy
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.errors import PlumblineError
from plumbline.contracts.replies import ModelReply
from plumbline.prompting import LoadedPrompt, load_prompt, versions
from plumbline.significance import macro_f1, mcnemar, right_alone
from plumbline.trials import MAX_REPAIRS, Trial, label_cases

PROMPTS = ROOT / "prompts"
_TOLD_EVERY = 10
_COLUMNS = ("prompt", "right", "95% interval", "macro F1", "label", "at once", "mended", "re-asked", "in", "cached",
            "out", "s", "cpu")  # fmt: skip
_CAPTION = (
    "right: of all cases, one without a label is wrong; label: a label in the end; at once: from the first reply; "
    "mended: the parser had to; in, cached, out: tokens a case; s, cpu: seconds a case, by the clock and computed"
)


class Result(NamedTuple):
    """What one version of a prompt gave, case by case, and the answers that it took."""

    version: str
    trials: list[Trial]
    answers: list[Kept]


def measure(
    cases: Sequence[GoldCase], prompt: LoadedPrompt, model: KeptModel, model_id: str, told: Callable[[str], None]
) -> Result:
    """Label the cases with one version, one at a time. Raises the model's errors."""
    model.used()
    done, began = 0, time.monotonic()

    def on_done(_: ModelReply) -> None:
        nonlocal done
        done += 1
        if done % _TOLD_EVERY == 0:
            told(f"{prompt.ref.version}: {done} answers in {time.monotonic() - began:.0f} s, of {len(cases)} cases")

    masked = [case.case for case in cases]
    trials = label_cases(masked, prompt=prompt, model=model, model_id=model_id, concurrency=1, on_done=on_done)
    return Result(prompt.ref.version, trials, model.used())


def line(cases: Sequence[GoldCase], result: Result) -> tuple[str, ...]:
    """A row of the table."""
    n = len(cases)
    named = [trial.category for trial in result.trials]
    gold = [case.gold for case in cases]
    share = wilson(sum(map(str.__eq__, gold, (name or "" for name in named))), n)
    labels = [trial.label for trial in result.trials if trial.label]
    usage = [answer.reply.usage for answer in result.answers]
    return (
        result.version,
        f"{share.value:.3f}",
        f"{share.low:.3f}-{share.high:.3f}",
        f"{macro_f1(gold, named):.3f}",
        f"{len(labels)}/{n}",
        f"{sum(trial.calls == 1 and trial.label is not None for trial in result.trials)}/{n}",
        str(sum(bool(set(label.repairs) - {"re_asked"}) for label in labels)),
        str(sum(trial.calls > 1 for trial in result.trials)),
        f"{sum(one.input_tokens for one in usage) / n:.0f}",
        f"{sum(one.cache_read_tokens for one in usage) / n:.0f}",
        f"{sum(one.output_tokens for one in usage) / n:.0f}",
        f"{sum(answer.seconds for answer in result.answers) / n:.1f}",
        f"{sum(answer.cpu_seconds for answer in result.answers) / n:.1f}",
    )


def compared(cases: Sequence[GoldCase], results: Sequence[Result]) -> list[str]:
    """A sentence for each two versions: how many cases only one got right, and what chance would do."""
    gold = [case.gold for case in cases]
    lines = []
    for one, other in combinations(results, 2):
        alone = right_alone(gold, *([trial.category for trial in result.trials] for result in (one, other)))
        only_one, only_other = map(len, alone)
        p = mcnemar(only_one, only_other)
        lines.append(
            f"{one.version} alone right {only_one}, {other.version} alone right {only_other}: McNemar p = {p:.2f}"
        )
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.llm_prompts", description=__doc__)
    parser.add_argument("--data", choices=sorted(SETS), default="cases6")
    parser.add_argument("--cases", type=int, default=60, help="how many; a larger sample begins with the smaller one")
    parser.add_argument("--prompts", nargs="+", metavar="VERSION", help="by default all of the task")
    parser.add_argument("--model", choices=sorted(WEIGHTS), default="llm")
    parser.add_argument("--threads", type=int, help="of the model; by default PLUMBLINE_LLM_THREADS")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="read and keep the answers here")
    return parser


def _told(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each version, and how far apart they are; each line also as soon as it is known."""
    options = _parser().parse_args(arguments)
    data = SETS[options.data]
    if not data.file.is_file():
        sys.exit(f"{data.file.name} is not here: there is nothing to measure on")
    given = {"threads": options.threads} if options.threads else {}
    model = KeptModel(options.keep, lambda: LlmModel(options.model, options_from(given)))
    prompts = [load_prompt(PROMPTS, data.task, v) for v in options.prompts or versions(PROMPTS, data.task)]
    cases = gold_sample(options.data, options.cases, Privacy(SpacyDetector()), options.seed)
    _told(f"{len(cases)} cases of {data.file.name}, anonymized")
    results = []
    for prompt in prompts:
        try:
            results.append(measure(cases, prompt, model, f"local.{options.model}", _told))
        except (PlumblineError, StandInError) as error:
            sys.exit(f"{error}. {'What was answered is kept.' if options.keep else ''}")
        _told("  ".join(line(cases, results[-1])))
    title = f"{options.model} on {len(cases)} of {data.file.stem} (seed {options.seed}, at most {MAX_REPAIRS} re-asks)"
    show(title, _COLUMNS, [line(cases, result) for result in results], f"{_CAPTION}. {machine()}")
    print("\n".join(compared(cases, results)))


if __name__ == "__main__":
    main()
