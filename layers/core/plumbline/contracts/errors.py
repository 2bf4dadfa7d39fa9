"""Errors with the names that the state machine's Retry and Catch list (class name = ASL error name).

A message says what happened, where, and what to do next. It never quotes case text.
"""


class PlumblineError(Exception):
    """The root of every error that Plumbline raises on purpose."""


class InvalidCaseFile(PlumblineError):
    """The uploaded export cannot be read at all; nothing in it was labeled."""


class InvalidMapping(PlumblineError):
    """A field-mapping file is malformed."""


class InvalidPrompt(PlumblineError):
    """A prompt file is malformed, unknown, or differs from what `prompts.lock` published."""


class InvalidEvent(PlumblineError):
    """A function was called with an event that it does not understand."""


class MissingObject(PlumblineError):
    """An object that an earlier stage should have written, or a user uploaded, is not in the bucket."""


class ModelFailure(PlumblineError):
    """A call of the model that gave no answer. `perhaps_paid`: it may have cost what an answer costs."""

    def __init__(self, message: str = "", *, perhaps_paid: bool = False) -> None:
        super().__init__(message)
        self.perhaps_paid = perhaps_paid


class ModelThrottled(ModelFailure):
    """The model's service asks for fewer calls; trying again later helps."""


class ModelUnavailable(ModelFailure):
    """The model's service failed or timed out; trying again may help."""


class ModelAccessDenied(ModelFailure):
    """The account may not call this model, or the model does not exist here; trying again does not help."""


class ModelRequestRejected(ModelFailure):
    """The service refused this one request as invalid; trying it again does not help, other cases are unaffected."""


class BatchRefused(PlumblineError):
    """The service takes no batch job of this model, this size or this account; asking on demand works."""


class FailedFast(PlumblineError):
    """The run asked to be told at once: the service throttled, and the shard is not tried again."""


class UnparseableReply(PlumblineError):
    """A model reply from which exactly one category of the task cannot be read."""


class BudgetExceeded(PlumblineError):
    """The next call could bring the run above its budget; it was not made."""


class BudgetBusy(PlumblineError):
    """The run's budget has room for the call, but calls under way have set it aside; trying again later may help."""


class BrokenInvariant(PlumblineError):
    """The run's accounting does not add up: some case has no outcome or more than one."""


class DatasetTooSmall(PlumblineError):
    """A dataset manifest whose classes are too small to train on."""


class TrainingUnavailable(PlumblineError):
    """The training service refused or could not be reached."""


class NothingLabeled(PlumblineError):
    """New cases came in and every one of them failed, so the run has nothing to show."""


class InvalidSettings(PlumblineError):
    """The function's environment variables are missing or malformed."""


class StoreUnavailable(PlumblineError):
    """S3 or DynamoDB failed, was throttled or could not be reached; trying the stage again may help."""


class StoreDenied(PlumblineError):
    """The function may not do to a bucket or table what it has to; trying again does not help."""


class DetectorUnavailable(PlumblineError):
    """Amazon Comprehend failed, asks for fewer calls or could not be reached; trying the stage again may help."""


class DetectorRefused(PlumblineError):
    """Amazon Comprehend may not be called, or not so; trying again does not help."""


class EventsUnavailable(PlumblineError):
    """EventBridge did not take an event; trying the stage again may help."""


class TrainingNotConfigured(PlumblineError):
    """The stack has no training image, so a balanced dataset is written and not trained."""


class InvalidDataset(PlumblineError):
    """A dataset's files are missing, differ from their manifest, or cannot be trained on."""


class InvalidRecipe(PlumblineError):
    """A hyperparameter or a variable of the training environment is missing or malformed."""


class UnusableEncoder(PlumblineError):
    """The encoder is not there, is not the pinned one, or cannot be exported."""


class TrainingFailed(PlumblineError):
    """AutoGluon ended without a model."""


class ModelRejected(PlumblineError):
    """A trained model does not pass the gate; the model in service stays."""


class ModelFileBroken(PlumblineError):
    """A model's file is missing, cut short, or not the one that was promoted."""


class NoModelInService(PlumblineError):
    """The task has no promoted model yet."""


class InvalidPredictionRequest(PlumblineError):
    """A case sent to the API from which nothing can be predicted."""


class CannotCalibrate(PlumblineError):
    """Too few gold labels, or too few errors among them, to make a probability of a confidence."""
