"""A run of the LabelCases workflow: what starts it, what its stages tell each other, and how it ended."""

import json
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.labels import OutcomeName
from plumbline.contracts.replay import Replay, execution_name

RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED"]
Verdict = Literal["balanced", "short", "empty"]
Road = Literal["on_demand", "batch"]
RunMode = Literal["auto", "on_demand", "batch"]
"""How the model is asked: case by case at once; in a batch job at half the price, which takes up to a day; `auto` takes
batch for a run that is large enough."""
ShardMode = Literal["all", "embed", "chosen", "mask", "answered", "parse"]
"""What is done with a shard: all of its cases are labeled; they are only embedded; those that SelectNext chose are
labeled; they are only masked, for a batch; they are labeled with what a batch answered; stored replies are read anew.
"""


class RunBase(Model):
    """What a run over one export is, whether it labels (RunRequest) or predicts (PredictionRun)."""

    run_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")
    task: str
    key: str = Field(description="the export's key in the raw bucket")
    version_id: str | None = None
    mapping_key: str | None = Field(default=None, description="a field-mapping file's key in the raw bucket")
    force: bool = False
    map_concurrency: int = Field(default=10, ge=1, le=1000)
    started_at: datetime

    @property
    def ledger_task(self) -> str:
        """Under which name the ledger keeps this run and the cases it is done with."""
        return self.task


class RunRequest(RunBase):
    """The input of LabelCases, under `$.run`: what to label and how. Keys and settings, never case text."""

    prompt_version: str
    model_id: str
    target_per_class: int = Field(ge=1)
    budget_usd: float = Field(gt=0)
    max_repairs: int = Field(default=2, ge=0, le=5)
    mode: RunMode = "auto"
    fail_fast: bool = Field(default=False, description="a throttled shard fails at once, and is left for another run")
    vote_samples: int = Field(default=0, ge=0, le=20, description="further answers for an uncertain label")
    vote_below: float = Field(default=0.8, ge=0, le=1, description="a label below this confidence is uncertain")
    review_below: float = Field(default=0.5, ge=0, le=1, description="calibrated labels below this go to a person")
    replay: Replay | None = Field(default=None, description="set where the run is gone over again")

    @property
    def replays(self) -> int:
        """How many times the run has been gone over again, this one counted."""
        return self.replay.number if self.replay else 0


class IngestTask(Model):
    """Ingest's event."""

    run: RunRequest


class ShardTask(Model):
    """The event of every stage that works on one shard."""

    run: RunRequest
    shard: str
    attempt: int = 0


class AskTask(ShardTask):
    """The event of a stage that asks the model about a shard's cases."""

    retries: int = Field(default=0, ge=0, description="how often the state machine has tried this state again")


class ClassifyTask(AskTask):
    """Classify's event."""

    mode: ShardMode = "all"


class ShardEntry(Model):
    """One item of `shards.json`."""

    shard: str
    cases: int


class IngestResult(Model):
    """What ingest found. cases = new + unchanged; rejected rows and repeats are not cases."""

    cases: int
    new: int
    unchanged: int
    rejected: int
    reject_reasons: dict[str, int] = Field(default_factory=dict)
    repeated: int = Field(default=0, description="rows that say again, word for word, what an earlier row said")
    cut: int
    shards: int
    file_format: str
    file_bytes: int
    estimated_usd: float | None = Field(description="None where no price is known for the model, or nothing is labeled")
    affordable: int | None = Field(
        default=None, description="how many of the new cases the budget affords; None where it affords all of them"
    )
    case_tokens: int = Field(default=0, description="about how many tokens the new cases have, without the prompt")
    road: Road = "on_demand"
    road_reason: str = Field(default="", description="why this road, in words")


class IngestRecord(Model):
    """What a run was asked for and what Ingest found: what it takes to go on with the run, or over it again."""

    run: RunRequest
    ingest: IngestResult


class ShardResult(Model):
    """What one stage did with one shard."""

    shard: str
    attempt: int = 0
    done: int
    unparsed: int = 0


class ClassCount(Model):
    """One class's standing: labels of this run, accepted labels of the task so far, and the target."""

    category: str
    this_run: int
    accepted: int
    target: int


class BalanceResult(Model):
    """CheckBalance's verdict. `missing` is per class; `more_cases_needed` is at the prevalence seen so far."""

    verdict: Verdict
    counts: tuple[ClassCount, ...]
    missing: dict[str, int] = Field(default_factory=dict)
    more_cases_needed: dict[str, int | None] = Field(
        default_factory=dict, description="per short class; None where the class was never seen"
    )
    near_duplicates: int = 0
    dataset_version: str | None = None
    manifest_key: str | None = None
    selected: int = 0


class RunRow(Model):
    """The run's row in the ledger."""

    run_id: str
    task: str
    status: RunStatus
    source: str
    started_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    cause: str | None = None
    cost_usd: float | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)
    verdict: Verdict | None = None
    report_key: str | None = None
    day: date | None = Field(default=None, description="of a run that predicts: under which day its predictions lie")
    replays: int = Field(default=0, description="how many times the run was gone over again")

    @property
    def execution_name(self) -> str:
        """The name of the run's newest execution."""
        return execution_name(self.run_id, self.replays)


class ShardFailure(Model):
    """Why a shard ended before its labels: the error's class name, as the state machine saw it."""

    shard: str
    error: str


class CollateTask(Model):
    """Collate's event."""

    run: RunRequest
    ingest: IngestResult


class CollateResult(Model):
    """Collate's answer."""

    outcomes: dict[OutcomeName, int]
    usd: float | None


class BalanceTask(Model):
    """CheckBalance's event."""

    run: RunRequest


class TrainingTask(Model):
    """StartTraining's event: a manifest in the data bucket. `force` trains a dataset again that was trained before."""

    manifest_key: str
    force: bool = False


class TrainingOutcome(Model):
    """Whether training started: the job's name, or the error's class name; neither where there was nothing to train."""

    job_name: str | None = None
    error: str | None = None


class ReportTask(Model):
    """Report's event."""

    run: RunRequest
    balance: BalanceResult
    training: TrainingOutcome


class ReportResult(Model):
    """Report's answer, and so the execution's output."""

    run_id: str
    status: RunStatus
    report_key: str
    summary_key: str
    outcomes: dict[OutcomeName, int]
    verdict: Verdict


class CaughtError(Model):
    """An error as Step Functions' Catch hands it on. For a Lambda's exception, `Cause` is a JSON text."""

    Error: str
    Cause: str = ""

    @property
    def message(self) -> str:
        """The sentence that a person can act on."""
        if not self.Cause:
            return f"a stage ended with {self.Error}; the execution's history in Step Functions says which and where"
        try:
            payload = json.loads(self.Cause)
        except ValueError:
            return self.Cause
        return str(payload.get("errorMessage", self.Cause)) if isinstance(payload, dict) else self.Cause


class FailureTask(Model):
    """RecordFailure's event."""

    run: RunRequest
    error: CaughtError


class ShardFailureTask(Model):
    """RecordShardFailure's event."""

    run: RunRequest
    shard: str
    error: CaughtError


class FailureResult(Model):
    """A failure in words; the Fail state shows it."""

    error: str
    cause: str
