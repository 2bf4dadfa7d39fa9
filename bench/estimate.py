"""What a run is estimated to cost against what a real tokenizer counts: `python -m bench.estimate`.

The estimate is the one of `plumbline plan` and of Ingest, taken from the raw export. What is held against it are the
requests themselves: cases anonymized, in the prompt, counted by a language model's own tokenizer out of its GGUF file
(make local-llm), and answers as long as a language model gave them (--kept: the answers of bench.llm_prompts and
others). Prices are those of --model-id with a token factor of 1: the tokenizer here is not that model's.

The weights of plumbline.tokens were fitted on threads that are none of the files measured; `--fit` prints them anew.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LinearRegression
from tokenizers import Tokenizer

from bench.gguf_tokens import gguf_tokenizer
from bench.kept import Kept
from bench.measuring import ROOT
from cli.case_files import cases_in
from local.bedrock.weights import folder
from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.cases import Case
from plumbline.contracts.replies import Usage
from plumbline.estimate import CaseTokens, Load, ModelCosts, starts_of
from plumbline.ingest.cases import ReadCase
from plumbline.ingest.cut import cut_case
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.prompting import LoadedPrompt, load_prompt, prompt_tokens, user_text
from plumbline.tokens import FEATURES, features

_DATA = ROOT.parent / "shared" / "data"
_FILES = (ROOT / "samples" / "cases.jsonl", _DATA / "cases6_dev.jsonl", _DATA / "inexbug_377.jsonl")
_FIT_ON = _DATA / "sumo_threads_unlabelled.jsonl.gz"
_FIT_CASES = 1500
_TEMPLATE_TOKENS = 13  # Qwen's chat template: roles and the turns' beginnings and ends
_MAX_CASE_TOKENS = 6000
_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


class Counted(NamedTuple):
    """A file's cases: by estimate, and as the tokenizer counts the requests made of them."""

    cases: int
    estimated: Load
    actual: Load
    characters: int


def main() -> None:
    """Measure, or fit."""
    options = _options()
    tokenizer = gguf_tokenizer(options.gguf)
    console = Console(width=118)
    if options.fit:
        _fit(tokenizer, console)
        return
    prompt = load_prompt(ROOT / "prompts", "root_cause", options.prompt)
    answer = _answer_tokens(options.kept)
    table = _table(options.model_id)
    for path in _FILES:
        if not path.is_file():
            console.print(f"{path.name}: not there, left out", style="yellow")
            continue
        counted = _counted(path, options.sample, tokenizer, prompt, answer)
        table.add_row(*_row(path.name, counted, ModelCosts(options.model_id)))
    console.print(table)
    told = f"the mean of {options.kept.name}" if options.kept else "not measured (--kept FILE): taken as estimated"
    console.print(
        f"{options.gguf.stem}, root_cause {options.prompt}: static part {len(_ids(tokenizer, prompt.system)):,} "
        f"tokens, estimated {prompt_tokens(prompt):,}. An answer: {answer:.0f} tokens ({told}), estimated "
        f"{ANSWER_TOKENS}."
    )


def _counted(path: Path, sample: int, tokenizer: Tokenizer, prompt: LoadedPrompt, answer: float) -> Counted:
    cases = [cut_case(case, _MAX_CASE_TOKENS) for case in _sample(path, sample)]
    texts = [user_text(case) for case in anonymize(cases, Privacy(SpacyDetector()))]
    actual = sum(len(ids) for ids in _many(tokenizer, texts)) + _TEMPLATE_TOKENS * len(cases)
    starts = starts_of(len(cases), 10)
    return Counted(
        len(cases),
        _load(cases=len(cases), case_tokens=CaseTokens(cases).total, prefix_tokens=prompt_tokens(prompt),
              answer_tokens=ANSWER_TOKENS, starts=starts),
        _load(cases=len(cases), case_tokens=actual, prefix_tokens=len(_ids(tokenizer, prompt.system)),
              answer_tokens=round(answer), starts=starts),
        sum(case.chars for case in cases),
    )  # fmt: skip


def _load(**values: int) -> Load:
    return Load.model_validate(values)


def _row(name: str, counted: Counted, costs: ModelCosts) -> list[str]:
    estimated, actual = counted.estimated, counted.actual
    by_characters = -(-counted.characters // 4)
    return [
        name,
        f"{counted.cases:,}",
        f"{actual.case_tokens:,}",
        _error(by_characters, actual.case_tokens),
        _error(estimated.case_tokens, actual.case_tokens),
        f"${_usd(costs, actual):.4f}",
        *(_error(_usd(costs, estimated, road), _usd(costs, actual, road)) for road in ("demand", "cache", "batch")),
    ]


def _usd(costs: ModelCosts, load: Load, road: str = "demand") -> float:
    """USD with a token factor of 1."""
    usage = costs.usage(load, cached=road == "cache")
    price = price_table().price(costs.model_id)
    factor = price.token_factor if price else 1.0
    own = Usage(**{name: round(tokens / factor) for name, tokens in usage.model_dump().items()})
    return price_table().usd(costs.model_id, own, batch=road == "batch") or 0.0


def _error(estimate: float, actual: float) -> str:
    return f"{(estimate / actual - 1) * 100:+.1f}%" if actual else "-"


def _fit(tokenizer: Tokenizer, console: Console) -> None:
    """The weights anew: least squares with none below 0, each case weighed by its size."""
    texts = [user_text(cut_case(case, _MAX_CASE_TOKENS)) for case in _sample(_FIT_ON, _FIT_CASES)]
    counted = np.array([len(ids) for ids in _many(tokenizer, texts)], float)
    rows = np.array([(*features(text), 1) for text in texts], float)
    fitted = LinearRegression(positive=True, fit_intercept=False).fit(rows / counted[:, None], np.ones(len(texts)))
    for name, weight in zip((*FEATURES, "a case"), fitted.coef_, strict=True):
        console.print(f"{name:>12} {weight:.3f}")


def _sample(path: Path, size: int) -> list[Case]:
    with path.open("rb") as stream:
        cases = [item.case for item in cases_in(stream, path.name) if isinstance(item, ReadCase)]
    random.Random(1).shuffle(cases)
    return cases[:size]


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text).ids)


def _many(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [list(found.ids) for found in tokenizer.encode_batch(list(texts))]


def _answer_tokens(kept: Path | None) -> float:
    """The mean answer's tokens; the estimate's own where none are kept."""
    if kept is None:
        return float(ANSWER_TOKENS)
    answers = [Kept.model_validate_json(line) for line in kept.read_bytes().splitlines()]
    return sum(answer.reply.usage.output_tokens for answer in answers) / len(answers)


def _table(model_id: str) -> Table:
    table = Table(title=f"Estimate against actual, at the prices of {model_id}")
    for head in (
        "File",
        "cases",
        "case tokens",
        "characters / 4",
        "estimate",
        "on demand",
        "error",
        "with cache",
        "batch",
    ):
        table.add_column(head, justify="left" if head == "File" else "right")
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a run is estimated to cost against what a tokenizer counts.")
    parser.add_argument("--gguf", type=Path, help="the language model whose tokenizer counts")
    parser.add_argument("--kept", type=Path, help="kept answers of a language model")
    parser.add_argument("--prompt", default="v3")
    parser.add_argument("--model-id", default=_MODEL)
    parser.add_argument("--sample", type=int, default=300, help="cases of each file")
    parser.add_argument("--fit", action="store_true", help="print the weights of plumbline.tokens, fitted anew")
    options = parser.parse_args()
    if options.gguf is None:
        found = sorted(folder().glob("qwen*.gguf"))
        if not found:
            sys.exit("There is no language model here: `make local-llm`, or name one with --gguf.")
        options.gguf = found[0]
    return options


if __name__ == "__main__":
    main()
