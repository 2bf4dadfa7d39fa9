"""Where everything lies in the two buckets. One function a kind of object, so that a key is spelled once."""

import hashlib

INCOMING = "incoming/"
MAPPINGS = "mappings/"
MANIFESTS = "manifests/"
DAILY = "daily/"  # exports whose cases PredictCases predicts
SOURCES = "sources/"  # texts that a Ground Truth manifest refers to; an upload here starts no run


def _run(run_id: str, rest: str) -> str:
    return f"runs/{run_id}/{rest}"


# Raw bucket: only start_run, ingest and anonymize may read it.
def raw_cases(run_id: str, shard: str) -> str:
    """A shard of raw cases (JSON lines of Case)."""
    return _run(run_id, f"cases/{shard}.jsonl")


def rejects(run_id: str) -> str:
    """Rows that could not become cases (JSON lines of Reject)."""
    return _run(run_id, "rejects.jsonl")


# Data bucket: everything after anonymization.
def case_index(run_id: str) -> str:
    """Every ingested case without its text (JSON lines of IngestedCase)."""
    return _run(run_id, "cases.jsonl")


def shards(run_id: str) -> str:
    """The list that the Distributed Map reads (JSON array of ShardEntry)."""
    return _run(run_id, "shards.json")


def ingested(run_id: str) -> str:
    """What the run was asked for and what Ingest found (one IngestRecord)."""
    return _run(run_id, "ingest.json")


def anonymized(run_id: str, shard: str) -> str:
    """A shard of anonymized cases (JSON lines of AnonymizedCase)."""
    return _run(run_id, f"anonymized/{shard}.jsonl")


def replies(run_id: str, shard: str) -> str:
    """Every reply of a shard, all attempts (JSON lines of Reply)."""
    return _run(run_id, f"replies/{shard}.jsonl")


def labels(run_id: str, shard: str) -> str:
    """A shard's labels (JSON lines of Label)."""
    return _run(run_id, f"labels/{shard}.jsonl")


def votes(run_id: str, shard: str) -> str:
    """A shard's further answers about uncertain labels (JSON lines of Reply, each with its `sample`)."""
    return _run(run_id, f"votes/{shard}.jsonl")


def batch(run_id: str) -> str:
    """Which batch jobs ask about the run's cases (one BatchSubmission); absent where none was submitted."""
    return _run(run_id, "batch/jobs.json")


def batch_index(run_id: str) -> str:
    """Which case each record of the run's jobs asks about (JSON lines of BatchRecord)."""
    return _run(run_id, "batch/index.jsonl")


def masked_shards(run_id: str) -> str:
    """The shards of which there are anonymized cases when a batch is submitted (JSON array of ShardEntry)."""
    return _run(run_id, "masked.json")


def batch_records(run_id: str, job: str) -> str:
    """A job's record file, as the service reads it."""
    return _run(run_id, f"batch/records/{job}.jsonl")


def batch_output(run_id: str, job: str) -> str:
    """Under this prefix the service writes a job's answers."""
    return _run(run_id, f"batch/output/{job}/")


def batch_answers(run_id: str, shard: str) -> str:
    """What the jobs said of a shard's cases (JSON lines of BatchAnswer); absent where they said nothing."""
    return _run(run_id, f"batch/answers/{shard}.jsonl")


def batch_summary(run_id: str) -> str:
    """What became of the run's records (one BatchSummary)."""
    return _run(run_id, "batch/summary.json")


def judged(run_id: str) -> str:
    """What a judge said of the run's labels (JSON lines of Judged); absent where none was asked."""
    return _run(run_id, "judged.jsonl")


def unparsed(run_id: str, shard: str) -> str:
    """A shard's cases whose last reply gave no label (JSON lines of Unparsed)."""
    return _run(run_id, f"unparsed/{shard}.jsonl")


def shard_failures(run_id: str) -> str:
    """Under this prefix lies why shards ended early."""
    return _run(run_id, "errors/")


def shard_failure(run_id: str, shard: str) -> str:
    """Why a shard ended early (one ShardFailure); absent where it went well."""
    return f"{shard_failures(run_id)}{shard}.json"


def vectors(run_id: str, shard: str) -> str:
    """A shard's cases of a backlog as vectors (JSON lines of CaseVector)."""
    return _run(run_id, f"vectors/{shard}.jsonl")


def chosen(run_id: str, shard: str) -> str:
    """Which of a shard's cases go to the model, over all rounds so far (JSON lines of ChosenCase)."""
    return _run(run_id, f"chosen/{shard}.jsonl")


def chosen_shards(run_id: str) -> str:
    """The shards of which this round chose cases: what the Distributed Map reads then (JSON array of ShardEntry)."""
    return _run(run_id, "chosen.json")


def selection(run_id: str) -> str:
    """What SelectNext knew and chose so far (one Selection); absent where the budget afforded every case."""
    return _run(run_id, "selection.json")


def labeled_vectors(task: str) -> str:
    """The newest labeled cases of each class as vectors (JSON lines of CaseVector): a cache, written by SelectNext."""
    return f"vectors/{task}/labeled.jsonl"


def outcomes(run_id: str) -> str:
    """One outcome for each ingested case (JSON lines of Outcome)."""
    return _run(run_id, "outcomes.jsonl")


def outcomes_before(run_id: str, replay: int) -> str:
    """The outcomes as they were before the run was gone over again for that time (JSON lines of Outcome)."""
    return _run(run_id, f"replays/{replay}/outcomes.jsonl")


def summary(run_id: str) -> str:
    """The run in figures (one RunSummary)."""
    return _run(run_id, "summary.json")


def report(run_id: str) -> str:
    """The run as one HTML page."""
    return _run(run_id, "report.html")


def datasets(task: str) -> str:
    """Under this prefix lie the task's datasets, a folder a version."""
    return f"datasets/{task}/"


def dataset_split(task: str, version: str, split: str) -> str:
    """One split of a dataset (JSON lines of DatasetRow)."""
    return f"datasets/{task}/{version}/{split}.jsonl"


def dataset_manifest(task: str, version: str) -> str:
    """What the dataset holds and where it comes from (one DatasetManifest)."""
    return f"datasets/{task}/{version}/manifest.json"


def models(task: str) -> str:
    """Under this prefix training writes its models, a folder a job."""
    return f"models/{task}"


def model_artifact(task: str, version: str) -> str:
    """What a training job leaves (a gzipped tar): SageMaker puts it there."""
    return f"{models(task)}/{version}/output/model.tar.gz"


def serving(task: str, version: str, name: str = "") -> str:
    """One unpacked file that serving reads, or the folder of them all."""
    return f"{models(task)}/{version}/serving/{name}"


def training_code(sha256: str) -> str:
    """The training code as SageMaker takes it (a gzipped tar), named by its content."""
    return f"code/training/{sha256[:16]}/sourcedir.tar.gz"


def predictions(day: str, run_id: str, shard: str) -> str:
    """A shard's predictions (JSON lines of PredictedCase)."""
    return f"predictions/{day}/{run_id}/{shard}.jsonl"


def predictions_of(day: str) -> str:
    """Under this prefix lies everything that was predicted on a day."""
    return f"predictions/{day}/"


def predicted_export(day: str, run_id: str) -> str:
    """What became of one export (one ExportPredicted); there once the export is summarized."""
    return f"{predictions_of(day)}{run_id}/export.json"


def trend_summary(day: str) -> str:
    """One day's predictions in figures (one TrendSummary)."""
    return f"predictions/{day}/summary.json"


def labeling_job(run_id: str, sheet_id: str, name: str = "") -> str:
    """A file that a Ground Truth job about the run's cases needs or writes; without a name, where all of them lie."""
    return _run(run_id, f"ground_truth/{sheet_id}/{name}")


def gold(task: str, name: str = "") -> str:
    """The gold labels of one import (JSON lines of GoldLabel); without a name, what all of them lie under."""
    return f"gold/{task}/{name}.jsonl" if name else f"gold/{task}/"


def calibration(task: str, prompt_sha256: str, model_id: str) -> str:
    """What makes a probability of a label's signals, for one prompt and model (one Calibration)."""
    model = hashlib.sha256(model_id.encode()).hexdigest()[:12]
    return f"calibrations/{task}/{prompt_sha256[:12]}-{model}.json"
