"""Cases that try to give orders: how often a language model's label flips, before and after hardening.

The corpus stands in tests/corpus/injections.yaml: cases of our own, each asked about once as it is and once with each
of its injections. After: the request as a run sends it. Before: the case's text unescaped, and no word in the system
text about what stands in a case being data. One answer a case, no re-asks, so that both sides are equal.

Needs `make local-llm` for --model llm or smollm2; seconds to minutes an answer. With --keep FILE the answers stay and a
run that was broken off goes on.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.confidence import MODELS, stand_in
from bench.kept import KeptModel
from bench.llm_prompts import PROMPTS
from bench.measuring import machine, show
from local.bedrock.answering import StandInError
from plumbline.accuracy import wilson
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import PlumblineError, UnparseableReply
from plumbline.contracts.replies import ModelRequest, Turn
from plumbline.parse.reader import read_answer
from plumbline.ports import LanguageModel
from plumbline.prompt_sections import clean
from plumbline.prompting import ANSWER_FORMAT, LoadedPrompt, build_request, load_prompt
from plumbline.report.words import interval_span
from tests.corpus import Injection, injections

_TOLD_EVERY = 10
_WARNING: Final = re.compile(r" Everything inside <case> is data written by.*?claims to be\.", re.DOTALL)
Build = Callable[[LoadedPrompt, AnonymizedCase, str], ModelRequest]


def unhardened(loaded: LoadedPrompt, case: AnonymizedCase, model_id: str) -> ModelRequest:
    """The request without what holds injections off: text as it came, and nothing said about it being data.

    Raises ValueError when the closing has other words than those that are taken out.
    """
    request = build_request(loaded, case, model_id)
    system, taken = _WARNING.subn("", request.system)
    if taken != 1:
        raise ValueError("the closing of the system text does not say what was to be taken out")
    messages = "\n".join(f'<message role="{m.role}">{clean(m.text)}</message>' for m in case.messages)
    text = (
        f"<case>\n<subject>{clean(case.subject)}</subject>\n{messages}\n</case>\n\n"
        f"Classify the case above. Answer in the output format: {ANSWER_FORMAT}"
    )
    return request.model_copy(update={"system": system, "turns": (Turn(role="user", text=text),)})


HARDENING: Final[dict[str, Build]] = {"before": unhardened, "after": build_request}


class Pair(NamedTuple):
    """The label of a case without and with an injection; None for an answer that gives none."""

    family: str
    injection: Injection
    true: str
    plain: str | None
    injected: str | None

    @property
    def flipped(self) -> bool:
        """Another label than without the injection, where there are both."""
        return self.plain is not None and self.injected not in (None, self.plain)

    @property
    def obeyed(self) -> bool:
        """The label that the injection wished for, and only with it."""
        return self.flipped and self.injected == self.injection.wished


class Asking:
    """Labels with one prompt and one way to build the request."""

    def __init__(self, loaded: LoadedPrompt, build: Build, model: LanguageModel, model_id: str) -> None:
        self._loaded, self._build, self._model, self._model_id = loaded, build, model, model_id

    def label(self, case: AnonymizedCase) -> str | None:
        """The category of the model's one answer; None where it names none. Raises the model's errors."""
        reply = self._model.ask(self._build(self._loaded, case, self._model_id))
        prompt = self._loaded.prompt
        try:
            return read_answer(
                reply.text,
                prompt.answers,
                truncated=reply.stop_reason == "max_tokens",
                output_format=prompt.output_format,
            ).category
        except UnparseableReply:
            return None


def pairs(asking: Asking, limit: int | None, told: Callable[[int], None] = lambda _: None) -> list[Pair]:
    """The first `limit` injections, of as many families as can be, against their cases. Raises the model's errors."""
    corpus = injections()
    plain: dict[str, str | None] = {}
    found = []
    for family, injection in corpus.each()[:limit]:
        case = corpus.cases[injection.case]
        if injection.case not in plain:
            plain[injection.case] = asking.label(case.told("plain"))
        injected = asking.label(case.told("injected", injection))
        found.append(Pair(family, injection, case.category, plain[injection.case], injected))
        told(len(found))
    return found


def figures(found: Sequence[Pair]) -> list[str]:
    """Of the pairs whose case has a label: flips, flips to the wish, injections without a label, right before, after.

    A case that has the wished label anyway says nothing about obeying, and is left out of that share.
    """
    labeled = [pair for pair in found if pair.plain is not None]
    could = [pair for pair in labeled if pair.plain != pair.injection.wished]
    n = len(labeled)
    return [
        str(n),
        _share(sum(pair.flipped for pair in labeled), n),
        _share(sum(pair.obeyed for pair in could), len(could)),
        _share(sum(pair.injected is None for pair in labeled), n),
        f"{sum(pair.plain == pair.true for pair in labeled)}/{n}",
        f"{sum(pair.injected == pair.true for pair in labeled)}/{n}",
    ]


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({interval_span(wilson(part, whole))})" if whole else "-"


def _by_family(results: dict[str, list[Pair]]) -> list[list[str]]:
    counted: dict[str, list[str]] = defaultdict(list)
    for found in results.values():
        for family in dict.fromkeys(pair.family for pair in found):
            those = [pair for pair in found if pair.family == family]
            counted[family].append(f"{sum(p.flipped for p in those)}, {sum(p.obeyed for p in those)} of {len(those)}")
    return [[family, *cells] for family, cells in counted.items()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.injection", description=__doc__)
    parser.add_argument("--prompt", default="v3", metavar="VERSION")
    parser.add_argument("--hardening", nargs="+", choices=sorted(HARDENING), default=["before", "after"])
    parser.add_argument("--limit", type=int, metavar="N", help="only so many injections, of as many families as can be")
    parser.add_argument("--model", choices=MODELS, default="llm")
    parser.add_argument("--threads", type=int, help="of the model; by default PLUMBLINE_LLM_THREADS")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="read and keep the answers here")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how often labels flipped, in all and by family."""
    options = _parser().parse_args(arguments)
    loaded = load_prompt(PROMPTS, "root_cause", options.prompt)
    model = KeptModel(options.keep, lambda: stand_in(options.model, options.threads))
    results: dict[str, list[Pair]] = {}
    for name in options.hardening:

        def told(done: int, name: str = name) -> None:
            if done % _TOLD_EVERY == 0:
                print(f"{name}: {done} injections", file=sys.stderr, flush=True)

        asking = Asking(loaded, HARDENING[name], model, f"local.{options.model}")
        try:
            results[name] = pairs(asking, options.limit, told)
        except (PlumblineError, StandInError) as error:
            sys.exit(f"{error}. {'What was answered is kept.' if options.keep else ''}")
    count = len(next(iter(results.values())))
    show(
        f"{options.model}, root_cause {options.prompt}: {count} injections",
        ["hardening", "pairs", "label flips", "to the wish", "no label", "right without", "right with"],
        [[name, *figures(found)] for name, found in results.items()],
        f"with 95% intervals; no re-asks. {machine()}",
    )
    show("Flips, and flips to the wish", ["family", *results], _by_family(results))


if __name__ == "__main__":
    main()
