"""The default stand-in: sentence embeddings, not a language model.

It reads the categories and examples of the prompt that it is sent and picks the nearest category. It follows no
instruction, of the prompt or of a case. What it measures is the pipeline, not what a language model would answer.

The rule. A category is the mean of its prototypes: its name, each sentence of its description and output (a sentence
that names another category says what does not belong, and is left out), and its example cases. A case is the mean of
its opening and, where an agent wrote, the opening of the last agent message. Both are taken relative to the middle of
all categories; otherwise a category close to that middle attracts too many cases (hubness). The highest cosine
similarity wins; of equal ones, the first in the prompt's order.

The runner-up is named when the two best are as close as in the closest 15% of the prompt's own prototypes, each of
them scored with itself left out.

Rule and token budget were chosen by macro-F1 on labelled support cases that are not in this repository, over three
versions of one prompt. Nothing here knows a task; `samples/` had no part in the choice.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from local.bedrock.answering import ServiceError, finished
from local.bedrock.minilm import MiniLm
from local.bedrock.prompt_reader import ReadCategory, answer_text, case_text, last_agent_message, read_categories
from plumbline.contracts.replies import ModelReply, ModelRequest

if TYPE_CHECKING:
    from local.bedrock.minilm import Vector

WINDOW = 64  # tokens read of the opening and of the answer; with 128 the time doubles and accuracy gains about a point
CLOSE_SHARE = 0.15
KEPT_PROMPTS = 16
QUOTED_WORDS = 8


class _Prototype(NamedTuple):
    text: str
    vector: "Vector"


class _Category(NamedTuple):
    name: str
    prototypes: tuple[_Prototype, ...]
    center: "Vector"


class _Prompt(NamedTuple):
    tokens: int
    middle: "Vector"
    categories: tuple[_Category, ...]
    close: float  # a smaller distance between the two best scores is a close call


class EmbeddingModel:
    """Answers by embedding similarity; a system text is embedded once and kept."""

    def __init__(self) -> None:
        """Load the model. Raises StandInError."""
        self._minilm = MiniLm()
        self._prompts: OrderedDict[str, _Prompt] = OrderedDict()
        self._reading = threading.Lock()

    def answer(self, request: ModelRequest) -> ModelReply:
        """The nearest category in the prompt's format. Raises ServiceError for a prompt without categories."""
        prompt = self._prompt(request.system)
        case = _unit(self._case(request) - prompt.middle)
        scored = [(float(case @ category.center), category) for category in prompt.categories]
        (best, category), (second, runner_up), *_ = sorted(scored, key=lambda pair: -pair[0])
        nearest = max(category.prototypes, key=lambda prototype: float(case @ prototype.vector))
        reasoning = (
            f"Embedding similarity, no language model: {category.name} ({best:.2f}) before {runner_up.name} "
            f'({second:.2f}); in its description and examples, "{_quoted(nearest.text)}" is closest.'
        )
        text = answer_text(reasoning, category.name, runner_up.name if best - second < prompt.close else None)
        return finished(text, request, self._minilm, system_tokens=prompt.tokens)

    def _case(self, request: ModelRequest) -> "Vector":
        opening = self._minilm.embed(case_text(request), WINDOW)
        solution = last_agent_message(request)
        return _unit(opening + self._minilm.embed(solution, WINDOW)) if solution else opening

    def _prompt(self, system: str) -> _Prompt:
        with self._reading:
            if system not in self._prompts:
                self._prompts[system] = self._read(system)
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(system)
            return self._prompts[system]

    def _read(self, system: str) -> _Prompt:
        read = read_categories(system)
        if len(read) < 2:  # noqa: PLR2004 - a choice needs two
            raise ServiceError(
                "ValidationException",
                "the embedding stand-in reads the categories from the system text and found none; "
                "it knows the format of plumbline.prompting only",
            )
        names = [category.name for category in read]
        told = [
            [_Prototype(text, self._minilm.embed(text)) for text in _prototype_texts(category, names)]
            for category in read
        ]
        middle = _mean([_mean([prototype.vector for prototype in prototypes]) for prototypes in told])
        categories = tuple(_category(name, prototypes, middle) for name, prototypes in zip(names, told, strict=True))
        return _Prompt(self._minilm.count(system), middle, categories, _close(categories))


def _prototype_texts(category: ReadCategory, names: Sequence[str]) -> Iterator[str]:
    yield category.name
    for sentence in re.split(r"(?<=[.?!;])\s+", " ".join(category.description.split())):
        if sentence and not _names_another(sentence, category.name, names):
            yield sentence
    yield from category.examples


def _names_another(sentence: str, own: str, names: Sequence[str]) -> bool:
    # Its own name goes first, as it may hold another one ("Not a Bug", "Bug").
    rest = sentence.replace(own, "")
    return any(name != own and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", rest) for name in names)


def _category(name: str, prototypes: Sequence[_Prototype], middle: "Vector") -> _Category:
    moved = tuple(_Prototype(text, _unit(vector - middle)) for text, vector in prototypes)
    return _Category(name, moved, _unit(_mean([prototype.vector for prototype in moved])))


def _close(categories: Sequence[_Category]) -> float:
    """The distance of the two best scores below which the CLOSE_SHARE closest prototypes lie; 0 where every category
    has its name alone."""
    distances = []
    for category in categories:
        if len(category.prototypes) == 1:
            continue
        total = len(category.prototypes) * _mean([prototype.vector for prototype in category.prototypes])
        others = [other.center for other in categories if other is not category]
        for prototype in category.prototypes:
            centers = [_unit(total - prototype.vector), *others]
            best, second, *_ = sorted((float(prototype.vector @ center) for center in centers), reverse=True)
            distances.append(best - second)
    return sorted(distances)[int(CLOSE_SHARE * len(distances))] if distances else 0.0


def _mean(vectors: Sequence["Vector"]) -> "Vector":
    total = vectors[0]
    for vector in vectors[1:]:
        total = total + vector
    mean: Vector = (total / len(vectors)).astype(total.dtype)
    return mean


def _unit(vector: "Vector") -> "Vector":
    # Two categories of the same words leave nothing beside the middle: they score 0, not NaN.
    unit: Vector = vector / max(float(vector @ vector) ** 0.5, 1e-6)
    return unit


def _quoted(text: str) -> str:
    words = text.split()
    return " ".join(words[:QUOTED_WORDS]) + (" …" if len(words) > QUOTED_WORDS else "")
