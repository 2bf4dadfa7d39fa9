"""How well "none of these" is told from real cases: on cases with gold and forty off-topic texts mixed in.

The answer is added to the prompt in memory: none-of-these at the end of the list, and the instruction to choose a
category for every case replaced. Beside it the prompt as it is, which has to call each off-topic text something. The
stand-in `embedding` is no language model; it only shows that the benchmark runs.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

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
from plumbline.contracts.prompts import NoneOfThese
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.report.words import interval_span
from plumbline.trials import Trial, label_cases

NONE: Final = NoneOfThese(
    name="None of these",
    description=(
        "The text is no case of a customer who asks a company for help: advertising, an automatic answer, private "
        "mail, a test, a text that makes no sense, or help with something that no company sold. A short, unclear or "
        "rude case of a customer is not meant: it has a root cause and belongs above."
    ),
)
_EVERY: Final = "Choose a category for every case, also for a short, unclear or unfriendly one."
_NOT_EVERY: Final = (
    "Choose a category for every case of a customer, also for a short, unclear or unfriendly one. A text that is no "
    f"case of a customer at all is {NONE.name}."
)


def with_none(loaded: LoadedPrompt) -> LoadedPrompt:
    """The prompt with the answer none-of-these. Raises ValueError where there is nothing to replace."""
    prompt = loaded.prompt
    if _EVERY not in prompt.instructions:
        raise ValueError(f"{prompt.task}/{prompt.version} does not say {_EVERY!r}")
    changed = {"none_of_these": NONE, "instructions": prompt.instructions.replace(_EVERY, _NOT_EVERY)}
    return LoadedPrompt(prompt=prompt.model_copy(update=changed), ref=loaded.ref)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask about both kinds of text with both prompts, and print what was taken for what."""
    options = _parser().parse_args(arguments)
    data = SETS[options.data]
    if not data.file.is_file():
        sys.exit(f"{data.file.name} is not here: there is nothing to measure on")
    model = KeptModel(options.keep, lambda: stand_in(options.model, options.threads))
    loaded = load_prompt(PROMPTS, data.task, options.prompt)
    gold = gold_sample(options.data, options.cases, Privacy(SpacyDetector()), options.seed)
    rows = []
    try:
        for name, prompt in ((options.prompt, loaded), (f"{options.prompt} with {NONE.name}", with_none(loaded))):
            said = _labels([case.case for case in gold], prompt, model, options.model)
            strange = _labels(off_topic_cases(), prompt, model, options.model)
            rows.append([name, *_figures(gold, said, strange)])
            called = Counter(trial.category or "no label" for trial in strange)
            print(f"{name} calls the off-topic texts: {', '.join(f'{word} {n}' for word, n in called.most_common())}")
    except (PlumblineError, StandInError) as error:
        sys.exit(f"{error}.")
    title = f"{options.model}, {data.task}: {len(gold)} cases and {len(OFF_TOPIC)} off-topic texts"
    show(title, ["prompt", "off-topic found", "real cases sent away", "accuracy", "no label"], rows, machine())


def _labels(cases: Sequence[AnonymizedCase], prompt: LoadedPrompt, model: KeptModel, name: str) -> list[Trial]:
    return label_cases(cases, prompt=prompt, model=model, model_id=f"local.{name}", concurrency=1)


def _figures(gold: Sequence[GoldCase], said: Sequence[Trial], strange: Sequence[Trial]) -> list[str]:
    right = sum(trial.category == case.gold for trial, case in zip(said, gold, strict=True))
    found, sent_away = (sum(trial.category == NONE.name for trial in trials) for trials in (strange, said))
    unread = sum(trial.category is None for trial in (*said, *strange))
    return [_share(found, len(strange)), _share(sent_away, len(said)), _share(right, len(said)), str(unread)]


def _share(part: int, whole: int) -> str:
    interval = wilson(part, whole)
    return f"{part}/{whole} ({interval_span(interval)})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.none_of_these", description=__doc__)
    parser.add_argument("--data", choices=("cases6",), default="cases6")
    parser.add_argument("--prompt", default="v3", metavar="VERSION")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--model", choices=MODELS, default="llm")
    parser.add_argument("--threads", type=int, help="of the model; by default PLUMBLINE_LLM_THREADS")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="read and keep the answers here")
    return parser


if __name__ == "__main__":
    main()
