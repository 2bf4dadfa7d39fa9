"""Where no model is promoted yet: the language model with the current prompt, if the stack allows that."""

from plumbline.confidence import rank
from plumbline.contracts.api import Alternative
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import UnparseableReply
from plumbline.parse import signals_of
from plumbline.parse.reader import read_answer
from plumbline.ports import LanguageModel
from plumbline.predict.decide import Decision
from plumbline.prompting import LoadedPrompt, build_request


class LanguageModelFallback:
    """Asks the language model about single cases; asked the same again, the store of replies answers."""

    def __init__(self, prompt: LoadedPrompt, model_id: str, model: LanguageModel) -> None:
        self._prompt = prompt
        self._model_id = model_id
        self._model = model

    @property
    def version(self) -> str:
        """`llm:<model id>:<task>/<prompt version>`: what a prediction gives as its model's version."""
        return f"llm:{self._model_id}:{self._prompt.ref.task}/{self._prompt.ref.version}"

    def decide(self, case: AnonymizedCase) -> Decision:
        """The category that the model names; abstained where its reply names none. Confidences are ranks.

        Raises ModelThrottled, ModelUnavailable, ModelAccessDenied, ModelRequestRejected.
        """
        prompt = self._prompt.prompt
        reply = self._model.ask(build_request(self._prompt, case, self._model_id))
        try:
            answer = read_answer(reply.text, prompt.answers, truncated=reply.stop_reason == "max_tokens")
        except UnparseableReply:
            return Decision(category=None, confidence=0.0, alternatives=(), abstained=True)
        confidence = rank(signals_of(answer, 0, prompt))
        # The runner-up is named second, so it never ranks above the answer.
        named = (answer.runner_up,) if answer.runner_up in prompt.category_names else ()
        second = round(min(confidence, 1 - confidence), 4)
        if answer.category not in prompt.category_names:  # none of these
            return Decision(category=None, confidence=confidence, alternatives=(), abstained=True)
        return Decision(
            category=answer.category,
            confidence=confidence,
            alternatives=tuple(Alternative(category=name, confidence=second) for name in named),
            abstained=False,
        )
