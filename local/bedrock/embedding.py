"""The default stand-in: sentence embeddings, not a language model.

It reads the categories and examples of the prompt that it is sent and picks the nearest category. It follows no
instruction, of the prompt or of a case. What it measures is the pipeline, not what a language model would answer.

The rule, fixed before any label was looked at: a category's score is the mean of two cosine similarities of the case,
that to its description and that to the nearest of its example cases (only the first where there is none). The runner-up
is named when its score is at least 95% of the best.
"""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from local.bedrock.answering import ServiceError, finished
from local.bedrock.minilm import MiniLm
from local.bedrock.prompt_reader import ReadCategory, answer_text, case_text, read_categories
from plumbline.contracts.replies import ModelReply, ModelRequest

if TYPE_CHECKING:
    from local.bedrock.minilm import Vector

CLOSE = 0.95
KEPT_PROMPTS = 16
QUOTED_WORDS = 8


class _Example(NamedTuple):
    text: str
    vector: "Vector"


class _Category(NamedTuple):
    name: str
    description: "Vector"
    examples: tuple[_Example, ...]


class _Prompt(NamedTuple):
    tokens: int
    categories: tuple[_Category, ...]


class _Score(NamedTuple):
    score: float
    name: str
    nearest: str  # the words of the nearest example, empty when the description alone decided


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
        case = self._minilm.embed(case_text(request))
        scores = sorted((_score(case, category) for category in prompt.categories), key=lambda s: -s.score)
        best, second = scores[0], scores[1]
        runner_up = second.name if second.score >= CLOSE * best.score else None
        near = f'the example "{best.nearest}"' if best.nearest else "the description"
        reasoning = (
            f"Embedding similarity, no language model: closest to {near} of {best.name} "
            f"({best.score:.2f}; next {second.name}, {second.score:.2f})."
        )
        text = answer_text(reasoning, best.name, runner_up)
        return finished(text, request, self._minilm, system_tokens=prompt.tokens)

    def _prompt(self, system: str) -> _Prompt:
        with self._reading:
            if system not in self._prompts:
                self._prompts[system] = self._read(system)
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(system)
            return self._prompts[system]

    def _read(self, system: str) -> _Prompt:
        categories = read_categories(system)
        if len(categories) < 2:  # noqa: PLR2004 - a choice needs two
            raise ServiceError(
                "ValidationException",
                "the embedding stand-in reads the categories from the system text and found none; "
                "it knows the format of plumbline.prompting only",
            )
        return _Prompt(self._minilm.count(system), tuple(self._embedded(category) for category in categories))

    def _embedded(self, category: ReadCategory) -> _Category:
        return _Category(
            category.name,
            self._minilm.embed(f"{category.name}. {category.description}"),
            tuple(_Example(text, self._minilm.embed(text)) for text in category.examples),
        )


def _score(case: "Vector", category: _Category) -> _Score:
    described = float(case @ category.description)
    if not category.examples:
        return _Score(described, category.name, "")
    nearest = max(category.examples, key=lambda example: float(case @ example.vector))
    words = nearest.text.split()
    quoted = " ".join(words[:QUOTED_WORDS]) + (" …" if len(words) > QUOTED_WORDS else "")
    return _Score((described + float(case @ nearest.vector)) / 2, category.name, quoted)
