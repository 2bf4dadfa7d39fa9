"""StartRun: an upload to incoming/ becomes a run of the LabelCases state machine."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plumbline.contracts.base import Model
from plumbline.contracts.errors import InvalidEvent, InvalidPrompt, MissingObject
from plumbline.contracts.runs import RunRequest, RunRow
from plumbline.ports import Ledger, Workflow
from plumbline.prompt_lock import read_lock
from plumbline.prompting import load_prompt, versions
from plumbline.settings import StartRunSettings

OPTIONS = (
    *("task", "prompt_version", "model_id", "mapping_key", "target_per_class", "budget_usd", "force"),
    *("vote_samples", "vote_below", "review_below", "mode", "fail_fast"),
)


# An object's user-defined S3 metadata by key and version: where an upload says its run's options.
Metadata = Callable[[str, str | None], Mapping[str, str]]


class Upload(Model):
    """An object that arrived under incoming/."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    at: datetime


class Started(Model):
    """StartRun's answer. `started` is false when this very upload has a run already, or is no case file."""

    run_id: str | None
    started: bool


def upload_from_event(event: Mapping[str, Any]) -> Upload:
    """Read EventBridge's "Object Created" event of S3. Raises InvalidEvent.

    Source: Amazon S3 User Guide, "EventBridge event message structure".
    """
    try:
        detail = event["detail"]
        return Upload(
            bucket=detail["bucket"]["name"],
            key=detail["object"]["key"],
            version_id=detail["object"].get("version-id"),
            etag=detail["object"].get("etag"),
            at=event["time"],
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise InvalidEvent(f"not an S3 'Object Created' event ({type(error).__name__}: {error})") from None


def run_id_of(bucket: str, key: str, version: str, prefix: str = "run-") -> str:
    """The run's id: the same upload always gets the same id, so that a doubled event starts nothing."""
    return prefix + hashlib.sha256("\x1f".join((bucket, key, version)).encode()).hexdigest()[:20]


def start_run(
    upload: Upload, settings: StartRunSettings, *, raw: Metadata, ledger: Ledger, workflow: Workflow
) -> Started:
    """Start a run for the upload, once. A run that cannot be is recorded as FAILED with the reason.

    Raises InvalidEvent for options that make no run, InvalidPrompt, MissingObject when the upload is gone already.
    """
    if upload.key.endswith("/"):
        return Started(run_id=None, started=False)  # a folder made in the S3 console
    run_id = run_id_of(upload.bucket, upload.key, upload.version_id or upload.etag or "")
    row = RunRow(run_id=run_id, task=settings.task, status="RUNNING", source=upload.key, started_at=upload.at)
    try:
        run = _request(upload, run_id, raw(upload.key, upload.version_id), settings)
        load_prompt(settings.prompts_dir, run.task, run.prompt_version)
    except (InvalidEvent, InvalidPrompt, MissingObject) as error:
        # Under the stack's own task, because the one asked for may not exist; nobody would look there.
        failed = {"status": "FAILED", "finished_at": datetime.now(UTC)}
        ledger.put_run(row.model_copy(update=failed | {"error": type(error).__name__, "cause": str(error)}))
        raise
    new = ledger.get_run(run.task, run_id) is None
    if new:
        ledger.put_run(row.model_copy(update={"task": run.task}))
    return Started(run_id=run_id, started=workflow.start(run) and new)


def _request(upload: Upload, run_id: str, metadata: Mapping[str, str], settings: StartRunSettings) -> RunRequest:
    defaults = settings.model_dump(
        include={
            "task",
            "prompt_version",
            "model_id",
            "target_per_class",
            "budget_usd",
            "max_repairs",
            "map_concurrency",
            "mode",
            "vote_samples",
            "vote_below",
            "review_below",
        }
    )
    options = {name: value for name, value in metadata.items() if name in OPTIONS and value}
    task = options.get("task", settings.task)
    if task != settings.task and "prompt_version" not in options:
        # The stack's version belongs to the stack's task.
        options["prompt_version"] = newest_version(settings.prompts_dir, task)
    fixed = {
        "run_id": run_id,
        "key": upload.key,
        "version_id": upload.version_id,
        "started_at": upload.at,
    }
    try:
        return RunRequest.model_validate(defaults | options | fixed)
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvalidEvent(f"the upload's metadata ask for a run that cannot be: {wrong}") from None


def newest_version(prompts_dir: Path, task: str) -> str:
    """The task's newest published version, or its newest draft where none is published; v1 for an unknown task, which
    load_prompt then refuses with the tasks that there are."""
    known = versions(prompts_dir, task)
    published = [version for version in known if f"{task}/{version}.yaml" in read_lock(prompts_dir)]
    return (published or list(known) or ["v1"])[-1]
