"""What outcomes, repairs and training errors are called on the page."""

from plumbline.contracts.errors import DatasetTooSmall, InvalidDataset, TrainingNotConfigured, TrainingUnavailable
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE, OutcomeName

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
    "left_for_later": "Left for later: the budget went to cases of more use",
    LOW_CONFIDENCE: "confidence too low",
    FITS_NO_CATEGORY: "fits no category",
}
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


def reason_name(code: str) -> str:
    """Why a case has no label, in words; a reason that is words already stays as it is."""
    return _REASONS.get(code, code)


def repair_name(code: str) -> str:
    """A repair in words; a code that has none yet stays as it is."""
    return _REPAIRS.get(code, code)
