"""What a function needs to know from its environment. Each declares only what it uses; read at first use."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Json, ValidationError

from plumbline.contracts.base import Model
from plumbline.contracts.batch import BatchLimits
from plumbline.contracts.errors import InvalidSettings
from plumbline.contracts.runs import RunMode

S = TypeVar("S", bound=Model)


def from_env(kind: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read each field from the variable of its name in capitals; an empty variable counts as not set.

    Raises InvalidSettings, which names the variables.
    """
    environ = os.environ if environ is None else environ
    values = {field: environ[field.upper()] for field in kind.model_fields if environ.get(field.upper())}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = ", ".join(f"{str(e['loc'][0]).upper()} ({e['msg']})" for e in error.errors(include_input=False))
        raise InvalidSettings(
            f"wrong environment of this function: {wrong}; see Environment in template.yaml"
        ) from None


class RawStoreSettings(Model):
    """The bucket for raw text."""

    raw_bucket: str


class DataStoreSettings(Model):
    """The bucket for everything after anonymization."""

    data_bucket: str


class LedgerSettings(Model):
    """The ledger's table."""

    ledger_table: str


class PromptSettings(Model):
    """Where the prompt files lie: the prompts layer on AWS, the repository's folder on a laptop."""

    prompts_dir: Path


class StartRunSettings(DataStoreSettings, RawStoreSettings, LedgerSettings, PromptSettings):
    """What a run gets when its upload does not say otherwise."""

    state_machine_arn: str
    task: str
    prompt_version: str
    model_id: str
    target_per_class: int = Field(ge=1)
    budget_usd: float = Field(gt=0)
    max_repairs: int = Field(default=2, ge=0, le=5)
    map_concurrency: int = Field(default=10, ge=1, le=1000)
    mode: RunMode = "auto"
    vote_samples: int = Field(default=0, ge=0, le=20)
    vote_below: float = Field(default=0.8, ge=0, le=1)
    review_below: float = Field(default=0.5, ge=0, le=1)


class IngestFunctionSettings(RawStoreSettings, DataStoreSettings, LedgerSettings, PromptSettings):
    """Ingest reads an export, asks the ledger what is new, and writes to both buckets."""

    max_case_tokens: int = Field(default=6000, ge=200)
    cases_per_shard: int = Field(default=50, ge=1, le=50)
    batch_from: int = Field(default=1000, ge=1, description="new cases from which on mode auto takes a batch")
    prompt_cache: bool = True


def _parsed(value: object) -> object:
    """What stands in a variable as JSON; an object as its pairs, so that settings can be told apart by hash."""
    found = json.loads(value) if isinstance(value, str) else value
    return tuple(found.items()) if isinstance(found, dict) else found


EntityType = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,30}$")]
AsJson = BeforeValidator(_parsed)


class PrivacySettings(Model):
    """What is done about personal data. `adapters.privacy` makes a Privacy of it, and checks what only that knows."""

    pii_detector: Literal["local", "comprehend", "both"] = "local"
    pii_policy: Annotated[tuple[tuple[EntityType, Literal["mask", "keep", "review"]], ...], AsJson] = ()
    pii_patterns: Annotated[tuple[tuple[EntityType, tuple[str, ...]], ...], AsJson] = ()
    pii_allow: Annotated[tuple[str, ...], AsJson] = ()
    pii_language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    pseudonym_key_arn: str = ""


class AnonymizeSettings(RawStoreSettings, DataStoreSettings, PrivacySettings):
    """Anonymize is the door between the buckets."""


class ModelSettings(DataStoreSettings, PromptSettings):
    """Whoever calls the language model."""

    idempotency_table: str
    idempotency_days: int = Field(default=90, ge=1)
    lock_seconds: float | None = Field(default=None, gt=0, description="None: as long as one call can take")
    case_concurrency: int = Field(default=8, ge=1, le=64)
    model_api: Literal["converse", "messages"] = "converse"
    prompt_cache: bool = True
    model_read_seconds: float = Field(default=60.0, gt=0)


class LabelingSettings(ModelSettings, LedgerSettings):
    """Classify, Repair and Vote spend a run's budget, which the ledger's table counts."""


class BatchSettings(DataStoreSettings):
    """CheckBatch and ImportBatch ask how jobs stand and read what they wrote."""

    batch_role_arn: str = ""
    batch_hours: int = Field(default=24, ge=24, le=168)
    model_api: Literal["converse", "messages"] = "converse"


class ImportBatchSettings(BatchSettings, LedgerSettings):
    """ImportBatch counts what a batch cost."""


class SubmitBatchSettings(BatchSettings, LedgerSettings, PromptSettings):
    """SubmitBatch writes record files and submits jobs."""

    idempotency_table: str
    batch_min_records: int = Field(default=100, ge=1)
    batch_max_records: int = Field(default=50_000, ge=1)
    batch_max_bytes: int = Field(default=1_000_000_000, ge=1_000)

    @property
    def limits(self) -> BatchLimits:
        """What the service takes."""
        return BatchLimits(
            min_records=self.batch_min_records, max_records=self.batch_max_records, max_bytes=self.batch_max_bytes
        )


class ParseSettings(DataStoreSettings, PromptSettings):
    """Parse reads replies against the prompt's categories."""


class EmbedShardSettings(DataStoreSettings):
    """EmbedShard reads anonymized cases and writes vectors."""


class SelectNextSettings(DataStoreSettings, LedgerSettings, PromptSettings):
    """SelectNext reads vectors and the task's labels so far, and writes which cases go to the model."""

    prompt_cache: bool = True


class CollateSettings(DataStoreSettings, LedgerSettings, PromptSettings):
    """Collate accounts for every case."""

    minutes_per_case: float = Field(default=5.0, gt=0)


class BalanceSettings(DataStoreSettings, LedgerSettings, PromptSettings):
    """CheckBalance reads the task's labels so far and writes the dataset."""


NO_TRAINING = "none"


def _free(name: str) -> str:
    if name in {"task", "manifest", "encoder"} or name.startswith("sagemaker_"):
        raise ValueError(f"{name} is set elsewhere")
    return name


Hyperparameter = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_free)]


class TrainingSettings(DataStoreSettings):
    """How a training job is started. `training_image`: empty for AWS's AutoGluon container, `none` for no training."""

    training_dir: Path = Field(description="the training layer on AWS, the repository's folder on a laptop")
    training_role_arn: str
    training_image: str = ""
    training_instance_type: str = "ml.g4dn.xlarge"
    training_max_seconds: int = Field(default=4 * 3600, ge=60)
    training_encoder: str = Field(default="sentence-transformers/all-MiniLM-L6-v2", max_length=256)
    training_hyperparameters: Json[dict[Hyperparameter, str | int | float | bool]] = Field(default_factory=dict)
    training_pipeline: str = ""


class PromoteSettings(DataStoreSettings, LedgerSettings):
    """PromoteModel reads what training left, measures it, and may put it into service.

    A model below `min_accuracy` or `min_macro_f1` on its test split is rejected, also where none is in service yet.
    """

    model_parameters: str = Field(description="a task's pointer is the SSM parameter of this prefix and the task")
    min_accuracy: float = Field(default=0.70, ge=0, le=1)
    min_macro_f1: float = Field(default=0.65, ge=0, le=1)


class FindExportsSettings(RawStoreSettings, LedgerSettings):
    """FindExports lists daily/ and reads which model is in service. The raw bucket's name is part of a run's id."""

    task: str
    model_parameters: str
    map_concurrency: int = Field(default=10, ge=1, le=1000)
    exports_per_execution: int = Field(default=50, ge=1, le=60)  # their runs travel through states of at most 256 KB


class PredictShardSettings(DataStoreSettings, LedgerSettings):
    """PredictShard runs the model."""

    abstain_below: float = Field(default=0.5, ge=0.0, le=1.0)


class SummarizePredictionsSettings(DataStoreSettings, LedgerSettings):
    """SummarizePredictions writes the day's trend and closes the exports' rows."""

    task: str
    drift_threshold: float = Field(default=0.2, gt=0)


class PredictCaseSettings(ModelSettings, PrivacySettings):
    """PredictCase answers with the promoted model, or asks the language model where there is none yet."""

    task: str
    model_parameters: str = Field(description="what the names of the SSM parameters with model pointers begin with")
    models_dir: Path = Path("/tmp/models")  # noqa: S108 - Lambda's own scratch folder, one sandbox's alone
    pointer_seconds: float = Field(default=30.0, ge=0)
    abstain_below: float = Field(default=0.5, ge=0, le=1)
    max_case_tokens: int = Field(default=6000, ge=200)
    max_request_bytes: int = Field(default=1_000_000, ge=1)
    predict_with_llm: bool = False
    prompt_version: str
    model_id: str
    # Two attempts have to fit into the 29 s that API Gateway waits.
    model_read_seconds: float = Field(default=12.0, gt=0)


class WatchRunsSettings(Model):
    """WatchRuns lists what runs."""

    state_machine_arns: Annotated[tuple[str, ...], AsJson] = Field(min_length=1)


class ReportSettings(DataStoreSettings, LedgerSettings):
    """Report reads the summary and closes the run's row."""


class FailureSettings(DataStoreSettings, LedgerSettings):
    """RecordFailure writes the run's row and, where there is a summary, the report."""
