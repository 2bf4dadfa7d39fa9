"""How well "none of these" is told from real cases: on cases with gold and forty off-topic texts mixed in.

A version of the prompt that has the answer (root_cause v4), beside one that has not (v3) and so has to call each
off-topic text something. The stand-in `embedding` is no language model; it only shows that the benchmark runs.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.confidence import MODELS, stand_in
from bench.kept import KeptModel
from bench.llm_cases import SEED, SETS, GoldCase, gold_sample
from bench.llm_prompts import PROMPTS
from bench.measuring import machine, show
from bench.off_topic import OFF_TOPIC, off_topic_cases
from local.bedrock.answering import StandInError
from plumbline.accuracy import wilson
from plumbline.anonymize import Privacy
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import PlumblineError
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.report.words import interval_span
from plumbline.trials import Trial, label_cases


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask about both kinds of text with both prompts, and print what was taken for what."""
    options = _parser().parse_args(arguments)
    data = SETS[options.data]
    if not data.file.is_file():
        sys.exit(f"{data.file.name} is not here: there is nothing to measure on")
    model = KeptModel(options.keep, lambda: stand_in(options.model, options.threads))
    prompts = [load_prompt(PROMPTS, data.task, version) for version in (options.without, options.prompt)]
    none = prompts[1].prompt.none_of_these
    if none is None:
        sys.exit(f"{data.task}/{options.prompt} has no answer none_of_these")
    gold = gold_sample(options.data, options.cases, Privacy(SpacyDetector()), options.seed)
    off_topic = off_topic_cases()[: options.off_topic]
    rows = []
    try:
        for prompt in prompts:
            said = _labels([case.case for case in gold], prompt, model, options.model)
            strange = _labels(off_topic, prompt, model, options.model)
            rows.append([prompt.ref.version, *_figures(gold, said, strange, none.name)])
            called = Counter(trial.category or "no label" for trial in strange)
            named = ", ".join(f"{word} {n}" for word, n in called.most_common())
            print(f"{prompt.ref.version} calls the off-topic texts: {named}")
    except (PlumblineError, StandInError) as error:
        sys.exit(f"{error}.")
    title = f"{options.model}, {data.task}: {len(gold)} cases and {len(off_topic)} off-topic texts"
    show(title, ["prompt", "off-topic found", "real cases sent away", "accuracy", "no label"], rows, machine())


def _labels(cases: Sequence[AnonymizedCase], prompt: LoadedPrompt, model: KeptModel, name: str) -> list[Trial]:
    return label_cases(cases, prompt=prompt, model=model, model_id=f"local.{name}", concurrency=1)


def _figures(gold: Sequence[GoldCase], said: Sequence[Trial], strange: Sequence[Trial], none: str) -> list[str]:
    right = sum(trial.category == case.gold for trial, case in zip(said, gold, strict=True))
    found, sent_away = (sum(trial.category == none for trial in trials) for trials in (strange, said))
    unread = sum(trial.category is None for trial in (*said, *strange))
    return [_share(found, len(strange)), _share(sent_away, len(said)), _share(right, len(said)), str(unread)]


def _share(part: int, whole: int) -> str:
    interval = wilson(part, whole)
    return f"{part}/{whole} ({interval_span(interval)})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.none_of_these", description=__doc__)
    parser.add_argument("--data", choices=("cases6",), default="cases6")
    parser.add_argument("--prompt", default="v4", metavar="VERSION", help="has the answer none-of-these")
    parser.add_argument("--without", default="v3", metavar="VERSION", help="to compare it with")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--off-topic", type=int, default=len(OFF_TOPIC), help="how many of the off-topic texts")
    parser.add_argument("--model", choices=MODELS, default="llm")
    parser.add_argument("--threads", type=int, help="of the model; by default PLUMBLINE_LLM_THREADS")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="read and keep the answers here")
    return parser


if __name__ == "__main__":
    main()
