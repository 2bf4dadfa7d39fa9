"""What a person should know before believing a confidence above 99%: how much the model's card has to show for it."""

from typing import Final

from pydantic import ValidationError

from cli.paths import plumbline
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject, StoreDenied, StoreUnavailable
from plumbline.contracts.models import CARD_FILE, ModelCard
from plumbline.report.words import percent, plural

SURE: Final = 0.99
_LLM: Final = "llm:"  # what the version of a language model begins with
_ENOUGH: Final = 300  # test cases: with fewer, all of them right, an error of 1% cannot be ruled out (3 / n)
_OFF: Final = 0.05  # expected calibration error from which on a confidence is not to be taken at its word


def doubt(where: Stack, version: str) -> str:
    """Why a confidence above 99% of that model is not to be taken at its word; empty where it may be."""
    if version.startswith(_LLM):
        return "Not calibrated: a language model's confidence is a rank, no probability."
    try:
        raw = S3ObjectStore(where.data_bucket).read(keys.serving(where.task, version, CARD_FILE))
        card = ModelCard.model_validate_json(raw)
    except (MissingObject, StoreDenied, StoreUnavailable, ValidationError):
        return f"Whether it is calibrated is unknown: the model card cannot be read. {_show(where)}"
    found = doubt_of(card)
    return f"{found} {_show(where)}" if found else ""


def doubt_of(card: ModelCard) -> str:
    """The same of a card, without where to read on."""
    cases, error = card.test.accuracy.accuracy.n, card.test.calibration_error
    off = f"confidences are off by {percent(error, 0)} on average"
    if error > _OFF:
        return f"Badly calibrated, says the model card: on {plural(cases, 'test case')} {off}."
    if cases < _ENOUGH:
        return (
            f"Hardly calibrated that far, says the model card: {plural(cases, 'test case')} cannot show an error of 1% "
            f"({_ENOUGH} can); on them {off}."
        )
    return ""


def _show(where: Stack) -> str:
    return f"See {plumbline(f'models show{where.option}')}"
