"""A trained model: what training writes, what serving reads, and how promotion decided."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
CLASSIFIER_FILE = "classifier.json"
CARD_FILE = "model_card.json"
SERVING_FILES = (
    MODEL_FILE,
    TOKENIZER_FILE,
    CLASSIFIER_FILE,
)  # what a prediction needs; the card is for people and the gate

Precision = Literal["int8", "fp32"]
ModelStatus = Literal["promoted", "rejected", "failed", "stopped"]


class ClassifierConfig(Model):
    """`classifier.json`: how the ONNX graph is fed and read. Training writes it, every prediction reads it.

    `categories` stand in the order of the graph's outputs. Logits are divided by `temperature` before the softmax, so
    that a confidence is a probability (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
    """

    task: str
    categories: tuple[str, ...] = Field(min_length=2)
    max_tokens: int = Field(ge=16, description="tokens that the encoder reads of a text, special ones included")
    tail_share: float = Field(ge=0.0, lt=1.0, description="share of them that comes from the end of a longer text")
    temperature: float = Field(gt=0.0)
    token_ids: str = Field(description="name of the graph's input: int64, cases x tokens")
    segment_ids: str | None = Field(
        default=None, description="input of the same shape, all zero; absent in some encoders"
    )
    valid_length: str = Field(description="name of the input: int64, one number of tokens a case")
    logits: str = Field(description="name of the output: float, cases x categories")


class ServingFile(Model):
    """One file that serving fetches."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int


class DatasetRef(Model):
    """The dataset that a model was trained on."""

    version: str
    manifest_sha256: str
    rows: dict[str, int] = Field(description="by split")
    train_per_class: dict[str, int]


class Suspect(Model):
    """A training case whose label is probably wrong; `chance` is what models that had not seen it give that label."""

    case_id: str
    category: str
    likely: str
    chance: float


class LabelNoise(Model):
    """What confident learning found in the training cases. `listed` are the surest suspects, at most 500."""

    checked: int
    suspects: int
    per_class: dict[str, int]
    left_out: tuple[str, ...] = Field(default=(), description="case ids that were not trained on")
    listed: tuple[Suspect, ...] = ()


class Metrics(Model):
    """How a model did on one split. `calibration_error` is the expected one over ten bins of equal width."""

    accuracy: AccuracyBlock
    calibration_error: float
    mean_confidence: float


class Baseline(Model):
    """A simple model trained on the same split, to see what the encoder adds."""

    name: str
    accuracy: Interval
    macro_f1: float


class Parity(Model):
    """An exported graph against the predictor's own probabilities, over `cases` texts."""

    precision: Precision
    cases: int
    max_difference: float
    label_changes: int
    bytes: int


class Reference(Model):
    """What predictions looked like on held-out cases: what drift is measured against.

    `class_shares` are of the accepted labels before balancing, so that they speak of the cases as they come in;
    `confidences` counts held-out cases by confidence in ten bins of equal width from 0 to 1.
    """

    class_shares: dict[str, float]
    class_cases: int = Field(description="how many labels the shares are of")
    confidences: tuple[int, ...] = Field(min_length=10, max_length=10)


class ModelCard(Model):
    """`model_card.json`: everything that a person or the gate wants to know of a model."""

    task: str
    created_at: datetime
    dataset: DatasetRef
    prompts: tuple[PromptRef, ...]
    label_model_ids: tuple[str, ...]
    encoder: str
    recipe: dict[str, str | int | float | bool]
    seed: int
    train_seconds: float
    software: dict[str, str]
    categories: tuple[str, ...]
    temperature: float
    precision: Precision
    parity: tuple[Parity, ...]
    validation: Metrics
    test: Metrics
    baselines: tuple[Baseline, ...]
    beats_baselines: bool
    reference: Reference
    files: tuple[ServingFile, ...]
    label_noise: LabelNoise | None = None
    warnings: tuple[str, ...] = ()


class ModelPointer(Model):
    """The model in service; one SSM parameter a task holds it. `prefix` is a folder in the data bucket."""

    task: str
    version: str
    prefix: str
    files: tuple[ServingFile, ...]
    promoted_at: datetime
    why: Literal["gate", "by_hand", "rollback"]
    previous: str | None = None


class Difference(Model):
    """Candidate minus current model on the same cases, with a 95% interval."""

    metric: Literal["accuracy", "macro_f1"]
    value: float
    low: float
    high: float


class Comparison(Model):
    """Candidate against the model in service, on test cases of which neither saw one in training.

    `only_candidate` and `only_current` count the cases that one of them got right alone; `p_value` is McNemar's exact.
    """

    current: str
    cases: int
    only_candidate: int
    only_current: int
    p_value: float
    differences: tuple[Difference, ...]


class ModelRow(Model):
    """One line of the task's list of models: what became of a training job.

    `reasons` say in words why it was rejected or failed, or what a person should know of a promoted one.
    """

    task: str
    version: str
    status: ModelStatus
    decided_at: datetime
    reasons: tuple[str, ...] = ()
    dataset_version: str | None = None
    accuracy: Interval | None = None
    macro_f1: float | None = None
    comparison: Comparison | None = None
    files: tuple[ServingFile, ...] = ()


class PromotionResult(Model):
    """PromoteModel's answer."""

    task: str
    version: str
    status: ModelStatus
    reasons: tuple[str, ...] = ()
