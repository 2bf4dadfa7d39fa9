"""PredictCase: one case over REST, answered in milliseconds by the model in service.

Reading order: `api` (routes and errors), `request` (a body as a case), `current` (the loaded model), `fallback` (a
language model where none is promoted). Nothing here logs or answers a text of the case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.anonymize import Privacy, anonymize_in_memory
from plumbline.case_text import case_text
from plumbline.contracts.api import Health, Prediction
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import NoModelInService, PlumblineError
from plumbline.observability import logger
from plumbline.predict.decide import UNREAD, Decision, decide
from plumbline.predict_case.current import CurrentModel, Served
from plumbline.predict_case.fallback import LanguageModelFallback
from plumbline.predict_case.request import case_of

__all__ = ["CasePredictor"]


@dataclass(frozen=True)
class CasePredictor:
    """What answers single cases, kept for as long as the process lives.

    `fallback` is called for each case while no model is promoted; None where the stack does not allow a language model.
    """

    models: CurrentModel
    privacy: Privacy
    abstain_below: float
    max_case_tokens: int
    fallback: Callable[[], LanguageModelFallback] | None = None

    def predict(self, row: Mapping[str, Any], request_id: str) -> Prediction:
        """The answer for one case, given as a row of an export; the row is read before a model is asked for.

        Raises InvalidPredictionRequest; DetectorUnavailable, DetectorRefused; NoModelInService; ModelFileBroken,
        StoreUnavailable and StoreDenied where no model is loaded yet; with a fallback what it raises.
        """
        raw = case_of(row, self.max_case_tokens)
        served = self._served()
        case = anonymize_in_memory(raw, self.privacy, check=served is None)
        decision, version = self._decide(case, served)
        return Prediction(
            **decision.model_dump(), model_version=version, anonymized_entities=case.entities, request_id=request_id
        )

    def health(self) -> Health:
        """Whether a case could be answered, without loading a model."""
        try:
            version = self.models.version()
        except PlumblineError as error:
            logger.error("no model can be loaded", extra={"error": type(error).__name__, "why": str(error)})
            return Health(status="model_unavailable", model_version=None)
        if version is None and self.fallback is not None:
            version = self.fallback().version
        return Health(status="ok" if version else "no_model", model_version=version)

    def _served(self) -> Served | None:
        try:
            return self.models.get()
        except NoModelInService:
            if self.fallback is None:
                raise
            return None

    def _decide(self, case: AnonymizedCase, served: Served | None) -> tuple[Decision, str]:
        if served is not None:
            [probabilities] = served.classifier.probabilities([case_text(case)])
            categories = served.classifier.config.categories
            return decide(probabilities, categories, self.abstain_below), served.pointer.version
        if self.fallback is None:
            raise NoModelInService("no model has been promoted yet")
        asked = self.fallback()
        return UNREAD if case.review else asked.decide(case), asked.version
