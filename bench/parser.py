"""The reader of model replies: share right per family of damage, replies a second, growth with length, fuzzing.

The corpus of damaged replies stands in tests/corpus/replies, each with what a careful person reads from it. --fuzz N
damages its replies further, N times from a seed, and looks for anything but an answer from the list or a refusal.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from bench.measuring import machine, ratio, show
from local.bedrock.prompt_reader import answer_text
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.prompts import Category
from plumbline.parse.reader import Answer, read_answer
from tests.corpus import UNPARSEABLE, DamagedReply, Family, answers, families, prompt

SEED: Final = 6
_ROUNDS, _BEST_OF = 5, 3
_TIMES = 8
_LENGTHS = (8_000, 8_000 * _TIMES)  # characters of a long reply, and of the longest
_SHOWN = 10
_HOSTILE: Final = (
    "word ", "<", " ", "\n", "< ", "&lt; ", "&amp;", "&#9", "`", "*_", "category: ....", "Category: Bug\n",
    "<category ", "<category>", "<category>Bug</category>", "<reasoning>", "</reasoning>", "x</reasoning>", "<case>\n",
    "<think>x</think>\n", '{"category": "Bug"}\n', '{"category":\'', '"category":"\\', "[category]", "\\u003c", "<b>",
    "\ud800",
)  # fmt: skip
_PIECES: Final = (
    *_HOSTILE,
    "Software Defect",
    "Billing Inquiry",
    "none",
    "```xml\n",
    "</category>",
    "<runner_up>",
    "\x00",
    "\u202e",
)


def read(reply: DamagedReply, family: Family) -> Answer | None:
    """What the reader makes of it; None for a refusal."""
    try:
        return read_answer(reply.text, answers(family), truncated=reply.truncated, output_format=prompt().output_format)
    except UnparseableReply:
        return None


def is_right(reply: DamagedReply, answer: Answer | None) -> bool:
    """Whether that is what a careful person reads."""
    if answer is None or reply.category == UNPARSEABLE:
        return answer is None and reply.category == UNPARSEABLE
    return answer.category == reply.category and reply.runner_up in (None, answer.runner_up or "none")


def show_corpus() -> int:
    """A line for each family. The number of replies that were read wrongly."""
    rows, wrong, total, refused = [], 0, 0, 0
    for family in families():
        right = [is_right(reply, read(reply, family)) for reply in family.replies]
        none = sum(reply.category == UNPARSEABLE for reply in family.replies)
        rows.append([family.name, str(len(right)), str(none), f"{sum(right)}/{len(right)}"])
        wrong, total, refused = wrong + right.count(False), total + len(right), refused + none
    rows.append(["all", str(total), str(refused), f"{total - wrong}/{total} ({(total - wrong) / total:.1%})"])
    show("Damaged replies", ["family", "replies", "to be refused", "right"], rows)
    return wrong


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds, the best of a few: other processes on the machine do not count."""
    best = float("inf")
    for _ in range(_BEST_OF):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def show_speed() -> None:
    """Replies in a processor second: clean ones, and the corpus."""
    reasoning = "The export stopped, and a fix was shipped. " * 8
    clean = DamagedReply(text=answer_text(reasoning, "Software Defect"), category="Software Defect")
    every = [(reply, family) for family in families() for reply in family.replies]
    rows = []
    for name, replies in (("as asked for, 400 characters", [(clean, families()[0])] * len(every)), ("damaged", every)):
        seconds = _seconds(partial(_read_all, replies))
        rows.append([name, f"{_ROUNDS * len(replies) / seconds:,.0f}"])
    show("Speed", ["reply", "replies a second"], rows, machine())


def _read_all(replies: Sequence[tuple[DamagedReply, Family]]) -> None:
    for _ in range(_ROUNDS):
        for each in replies:
            read(*each)


def show_growth() -> None:
    """Time against length for what could take more than its share: x1 is linear."""
    rows = []
    for piece in _HOSTILE:
        replies = [DamagedReply.model_construct(text=piece * (n // len(piece)), category="") for n in _LENGTHS]
        short, long = (_seconds(partial(read, reply, families()[0])) for reply in replies)
        rows.append((long / short / _TIMES, piece, short, long))
    rows.sort(reverse=True)
    shown = [[repr(p), f"{s * 1e3:.2f}", f"{g * 1e3:.2f}", ratio(g, s * _TIMES)] for _, p, s, g in rows[:_SHOWN]]
    title = f"{_LENGTHS[0]:,} and {_LENGTHS[1]:,} characters of nothing but a piece (the worst {_SHOWN} of {len(rows)})"
    caption = f"growth: of time by growth of length; x1 is linear, x{_TIMES} would be quadratic"
    show(title, ["piece", "ms", "ms", "growth"], shown, caption)


class Failure(NamedTuple):
    """A reply that broke a promise."""

    what: str
    text: str


def fuzz(times: int, seed: int = SEED) -> tuple[list[Failure], Counter[str]]:
    """Damage replies of the corpus at random, and read them. The broken promises, and what became of the others."""
    rng = random.Random(seed)
    task = prompt(none_of_these=True)
    texts = [reply.text for family in families() for reply in family.replies]
    failures: list[Failure] = []
    became: Counter[str] = Counter()
    for _ in range(times):
        text = damaged(rng, rng.choice(texts), texts)
        try:
            found = read_answer(text, task.answers, truncated=rng.random() < 0.2, output_format=task.output_format)
        except UnparseableReply as refused:
            became[str(refused)] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            failures.append(Failure(type(error).__name__, text))
        else:
            became["read"] += 1
            if broken := _broken(found, task.answers):
                failures.append(Failure(broken, text))
    return failures, became


def _broken(answer: Answer, allowed: Sequence[Category]) -> str:
    names = {category.name for category in allowed}
    if answer.category not in names:
        return "a category outside the list"
    if answer.runner_up is not None and answer.runner_up not in names - {answer.category}:
        return "a runner-up outside the list"
    again = read_answer(answer_text(answer.reasoning, answer.category, answer.runner_up), allowed)
    return "" if again == answer.model_copy(update={"repairs": ()}) else "written out and read again it is another"


def damaged(rng: random.Random, text: str, others: Sequence[str]) -> str:
    """The text after one to six random changes."""
    for _ in range(rng.randint(1, 6)):
        start, end = sorted(rng.randint(0, len(text)) for _ in range(2))
        piece = text[start:end]
        change = rng.randrange(8)
        if change == 0:
            piece = ""
        elif change == 1:
            piece += piece
        elif change == 2:
            piece = rng.choice(_PIECES) + piece
        elif change == 3:
            piece = piece.swapcase()
        elif change == 4:
            piece = piece[::-1] if len(piece) < 20 else piece.replace("<", "&lt;")
        elif change == 5:
            piece = chr(rng.randrange(0x110000)) + piece[1:]
        elif change == 6:
            other = rng.choice(others)
            piece = other[rng.randint(0, len(other)) :]
        else:
            piece = piece.replace(rng.choice("<>/\n "), rng.choice(_PIECES))
        text = (text[:start] + piece + text[end:])[:20_000]
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables. Ends with 1 where a reply is read wrongly or the fuzzing broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m bench.parser", description=__doc__)
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="damage N replies at random, and nothing else")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    if not options.fuzz:
        wrong = show_corpus()
        show_speed()
        show_growth()
        sys.exit(1 if wrong else 0)
    failures, became = fuzz(options.fuzz, options.seed)
    rows = [[what, f"{count:,}"] for what, count in became.most_common()]
    show(f"{options.fuzz:,} replies damaged at random (seed {options.seed})", ["became", "replies"], rows)
    print(f"{len(failures)} broke a promise")
    for failure in failures[:_SHOWN]:
        print(f"  {failure.what}: {failure.text[:500]!r}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
