"""What outcomes, reasons, repairs and training errors are called, on the page and on the screen."""

import re

from plumbline.contracts.errors import (
    DatasetTooSmall,
    DetectorRefused,
    DetectorUnavailable,
    FailedFast,
    InvalidDataset,
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    StoreDenied,
    StoreUnavailable,
    TrainingNotConfigured,
    TrainingUnavailable,
)
from plumbline.contracts.labels import BUDGET_REACHED, FITS_NO_CATEGORY, LOW_CONFIDENCE, OutcomeName
from plumbline.contracts.selection import LEFT_FOR_LATER

OUTCOMES: dict[OutcomeName, str] = {
    "labeled": "Labeled",
    "needs_review": "Needs review",
    "dropped": "Dropped",
    "failed": "Failed",
    "unchanged": "Unchanged",
}
_REPAIRS = {
    "aside": "Prompt, case or thinking beside the answer",
    "fence": "Inside a code fence",
    "entities": "Tags written as entities",
    "tag_form": "Tag written another way",
    "unclosed": "Tag left open",
    "order": "Parts in another order",
    "stray_text": "Text outside the tags",
    "quoted": "Tags quoted in the reasoning",
    "echo": "Answer format repeated",
    "no_reasoning": "No reasoning",
    "untagged": "Category without a tag",
    "repeated": "Category given twice",
    "name_form": "Category written another way",
    "alias": "Alias of a category",
    "near_match": "Category misspelled",
    "explained": "Category with an explanation",
    "runner_up": "Unknown or doubtful runner-up left out",
    "truncated": "Cut off after the category",
    "re_asked": "Asked again",
}
_REASONS = {
    LEFT_FOR_LATER: "left for later, as others were of more use or no class needed them",
    BUDGET_REACHED: "the budget was used up",
    LOW_CONFIDENCE: "confidence too low",
    FITS_NO_CATEGORY: "fits no category",
    ModelThrottled.__name__: "the model's service was too busy",
    FailedFast.__name__: "the model's service was too busy, and the run was not to wait (fail fast)",
    ModelUnavailable.__name__: "the model's service failed or did not answer in time",
    ModelAccessDenied.__name__: "the account may not call the model",
    ModelRequestRejected.__name__: "the model's service refused the request",
    DetectorUnavailable.__name__: "Amazon Comprehend was too busy or failed",
    DetectorRefused.__name__: "Amazon Comprehend refused the request",
    StoreUnavailable.__name__: "S3 or DynamoDB failed or was too busy",
    StoreDenied.__name__: "a stage may not use a bucket or a table",
    "ShardLost": "the shard left neither labels nor an error behind",
    "States.Timeout": "a stage took too long",
}
_ERROR = re.compile(r"(?:[A-Z][a-z]+){2,}|[A-Z]\w+(?:\.\w+)+")  # an error's name, as Step Functions passes it on
_TRAINING = {
    DatasetTooSmall.__name__: "Training did not start: too few cases to split into train, validation and test: label "
    "at least three of each class.",
    InvalidDataset.__name__: "Training did not start: the dataset's files are missing or not what its manifest says.",
    TrainingNotConfigured.__name__: "The stack does not train (its TrainingImage is none), so no training was started.",
    TrainingUnavailable.__name__: "Training did not start: SageMaker could not be reached or refused the job.",
}


def training_fault(error: str) -> str:
    """Why no training started, as a sentence; an error that has no words yet stands by its name."""
    return _TRAINING.get(error, f"Training did not start ({error}).")


def log_tells_more(error: str) -> bool:
    """Whether the log of StartTraining says more than `training_fault` does."""
    return error not in (DatasetTooSmall.__name__, TrainingNotConfigured.__name__)


def reason_name(code: str) -> str:
    """Why a case has no label, in words; a reason that is words already stays as it is. An error keeps its name in
    brackets, by which docs/operations.md says what to do."""
    words = _REASONS.get(code, "an error" if _ERROR.fullmatch(code) else code)
    return f"{words} ({code})" if _ERROR.fullmatch(code) else words


def outcome_reason(key: str, cases: str) -> str:
    """A key of `RunSummary.outcome_reasons` in words, with its number: '948 dropped: left for later, …'."""
    outcome, _, reason = key.partition(": ")
    if outcome not in OUTCOMES:
        return f"{cases}: {reason_name(key)}"
    return f"{cases} {outcome.replace('_', ' ')}: {reason_name(reason)}"


def repair_name(code: str) -> str:
    """A repair in words; a code that has none yet stays as it is."""
    return _REPAIRS.get(code, code)
