"""Bedrock's batch jobs (CreateModelInvocationJob and its kin), answered one record after the other."""

import json
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from local import private
from local.bedrock import job_files
from local.bedrock.answering import STATUS, ServiceError
from local.bedrock.calls import CallLog
from local.bedrock.faults import FaultInjection, FaultsOfJob
from local.bedrock.job_files import JobFailed, RecordFile
from local.bedrock.job_wire import CreateJob, Job, ListQuery, new_job, record_error
from local.bedrock.wire import converse_answer, invoke_answer, read_converse, read_invoke, valid
from plumbline.contracts.base import wrong_fields
from plumbline.contracts.batch import BatchLimits
from plumbline.contracts.batch_summary import JobStatus
from plumbline.contracts.replies import ModelReply, ModelRequest

_log = logging.getLogger(__name__)
_CLOSE_SECONDS = 3.0


class BatchJobs:
    """The jobs of one stand-in. They run one at a time, in the order in which they were submitted.

    `answer` answers a record's request or raises ServiceError; `faults` says what goes wrong. Jobs can be had once
    `connect` said where S3 is.
    """

    def __init__(self, answer: Callable[[ModelRequest], ModelReply], log: CallLog, faults: FaultInjection) -> None:
        self._answer, self._calls, self._faults = answer, log, faults
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._s3: Any = None
        self._region = ""
        self._folder = Path()
        self._limits = BatchLimits()
        self._changed: Callable[[Job], None] = lambda _: None
        self._worker: _Worker | None = None

    def connect(
        self,
        s3: Any,
        folder: Path,
        *,
        region: str = "us-east-1",
        limits: BatchLimits | None = None,
        changed: Callable[[Job], None] = lambda _: None,
    ) -> None:
        """Take jobs from now on, and go on with those that have not ended.

        `s3` is a boto3 client; `folder` holds the files of jobs that run; `changed` hears of each new status.
        """
        private.folder(folder)
        self._s3, self._folder, self._region, self._changed = s3, folder, region, changed
        self._limits = limits or BatchLimits()
        with self._lock:
            waiting = [job for job in self._jobs.values() if not job.ended]
            for left in folder.iterdir():
                if left.name not in {job.id for job in waiting}:
                    job_files.forget(left)
            self._worker = _Worker(self._run)
            for job in waiting:
                self._worker.take(job.id)

    def disconnect(self) -> None:
        """Take no more jobs and stand still; a job that runs stays as it is, and `connect` goes on with it."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def dump(self) -> list[str]:
        """Each job as one line of JSON, for `restore`."""
        with self._lock:
            return [job.model_dump_json() for job in self._jobs.values()]

    def restore(self, lines: Iterable[str]) -> None:
        """Know the jobs that another stand-in has dumped; before `connect`."""
        with self._lock:
            for line in lines:
                job = Job.model_validate_json(line)
                self._jobs.setdefault(job.id, job)

    def create(self, body: bytes) -> Mapping[str, object]:
        """CreateModelInvocationJob. Raises ServiceError."""
        asked = valid(CreateJob, body)
        self._faults.before_submission(asked.jobName)
        arn = self._create(asked)
        self._faults.after_submission(asked.jobName)
        return {"jobArn": arn}

    def _create(self, asked: CreateJob) -> str:
        with self._lock:
            if self._worker is None:
                raise ServiceError("InternalServerException", "this stand-in has no S3 to take batch jobs from")
            for known in self._jobs.values():
                token = asked.clientRequestToken
                if token is not None and token == known.asked.clientRequestToken:
                    if asked != known.asked:
                        raise ServiceError("ConflictException", "The client request token belongs to another request")
                    return known.arn
                if asked.jobName == known.asked.jobName:
                    raise ServiceError("ConflictException", "The provided job name is currently in use")
            job = new_job(asked, len(self._jobs) + 1, self._region)
            self._jobs[job.id] = job
            self._worker.take(job.id)
        self._changed(job)
        return job.arn

    def get(self, identifier: str) -> Mapping[str, object]:
        """GetModelInvocationJob. Raises ServiceError."""
        job = self._find(identifier)
        self._faults.before_poll(job)
        return job.described()

    def stop(self, identifier: str) -> Mapping[str, object]:
        """StopModelInvocationJob. Raises ServiceError."""
        with self._lock:
            job = self._find(identifier)
            if job.ended:
                raise ServiceError("ConflictException", f"The job is {job.status} already")
            if job.status == "Stopping":
                return {}
            self._move(job.id, "Stopping")
            if job.status == "Submitted":  # nothing has begun that would have to end
                self._move(job.id, "Stopped")
        return {}

    def listed(self, query: Mapping[str, str]) -> Mapping[str, object]:
        """ListModelInvocationJobs. Raises ServiceError."""
        try:
            asked = ListQuery.model_validate(query)
        except ValidationError as error:
            raise ServiceError("ValidationException", f"wrong in the query: {wrong_fields(error)}") from None
        with self._lock:
            found = [job for job in self._jobs.values() if asked.takes(job)]
        found.sort(key=lambda job: (job.submitted, job.order), reverse=asked.sortOrder == "Descending")
        end = asked.nextToken + asked.maxResults
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"invocationJobSummaries": [job.described() for job in found[asked.nextToken : end]], **more}

    def _find(self, identifier: str) -> Job:
        with self._lock:
            job = self._jobs.get(identifier.rpartition("/")[2])
        if job is None:
            raise ServiceError("ResourceNotFoundException", "The specified resource ARN was not found")
        return job

    def _move(self, job_id: str, status: JobStatus, message: str = "") -> Job:
        """Give the job a new status, and say so."""
        with self._lock:
            now = datetime.now(UTC)
            job = self._jobs[job_id].model_copy(update={"status": status, "message": message, "modified": now})
            if job.ended:
                job = job.model_copy(update={"ended_at": now})
            self._jobs[job_id] = job
        self._changed(job)
        return job

    def _advance(self, job_id: str, status: JobStatus) -> None:
        """The next status, unless the job is being stopped or has got that far before the stack was started again."""
        with self._lock:
            now = self._jobs[job_id].status
            if now != "Stopping" and _STEPS.index(now) < _STEPS.index(status):
                self._move(job_id, status)

    def _run(self, job_id: str, closing: threading.Event) -> None:
        folder = self._folder / job_id
        if self._jobs[job_id].ended:  # stopped while it waited
            return
        try:
            end = self._process(self._jobs[job_id], folder, closing)
        except JobFailed as error:
            end = "Failed", str(error)
        except Exception as error:  # noqa: BLE001 - the next job must not suffer from this one
            _log.error("a batch job could not be run: %s", type(error).__name__)
            end = "Failed", "InternalServerException: the stand-in failed"
        if end is not None and not closing.is_set():
            self._move(job_id, *end)
            job_files.forget(folder)

    def _process(self, job: Job, folder: Path, closing: threading.Event) -> tuple[JobStatus, str] | None:
        """How the job has ended; None when it has not, because the stand-in stands still."""
        self._advance(job.id, "Validating")
        files = job_files.fetch(self._s3, job, folder)
        self._count(job.id, total=job_files.validate(job, files, self._limits), **job_files.tally(files))
        self._advance(job.id, "Scheduled")
        plan = self._faults.of_job(job)
        if closing.wait(plan.faults.seconds):
            return None
        if job.status in _STEPS[:3] and (datetime.now(UTC) > job.expires or plan.faults.ends == "Expired"):
            plan.ended("Expired")
            return "Expired", "The job timed out before it began"
        self._advance(job.id, "InProgress")
        end = self._answer_all(job, files, plan, closing)
        if end is not None and self._jobs[job.id].processed:
            job_files.publish(self._s3, self._jobs[job.id], files, plan.arrange)
        if end is not None:
            plan.ended(end[0])
        return end

    def _answer_all(
        self, job: Job, files: list[RecordFile], plan: FaultsOfJob, closing: threading.Event
    ) -> tuple[JobStatus, str] | None:
        last = plan.faults.records_until_end(self._jobs[job.id].total)
        planned = plan.faults.ends, "" if last is None else f"injected: the job ends {plan.faults.ends}"
        done = sum(file.answered() for file in files)
        for file in files:
            with file.answers.open("ab") as answers:
                for line in file.left():
                    if end := self._early_end(job):
                        return end
                    if last is not None and done >= last:
                        return planned
                    said = self._say(job, line, plan, closing)
                    if said is None:
                        return None
                    answers.write(said)
                    answers.flush()
                    done += 1
        return self._early_end(job) or planned

    def _early_end(self, job: Job) -> tuple[JobStatus, str] | None:
        if self._jobs[job.id].status == "Stopping":
            return "Stopped", ""
        if datetime.now(UTC) > job.expires:
            return "PartiallyCompleted", "The job timed out before all records were processed"
        return None

    def _say(self, job: Job, line: bytes, plan: FaultsOfJob, closing: threading.Event) -> bytes | None:
        """The line of output about a record, which is counted; None, and nothing is, once the stand-in stands still."""
        record = json.loads(line)
        if plan.is_missing(record):
            return b"\n"
        body, started = json.dumps(record["modelInput"]).encode(), time.monotonic()
        converse = job.asked.modelInvocationType == "Converse"
        said: dict[str, object] = {"modelInput": record["modelInput"]}
        try:
            plan.refuse_record(record)
            request = (read_converse if converse else read_invoke)(job.asked.modelId, body)
            reply = self._answer(request)
        except ServiceError as fault:
            if closing.is_set():
                return None
            self._calls.record_failed(fault.code)
            self._count_one(job.id, failed=1)
            said["error"] = record_error(STATUS[fault.code], str(fault))
        else:
            if closing.is_set():
                return None
            self._calls.record_answered(request, reply.usage)
            tokens = {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}
            self._count_one(job.id, succeeded=1, **tokens)
            took = int(1000 * (time.monotonic() - started))
            said["modelOutput"] = converse_answer(reply, took) if converse else invoke_answer(job.asked.modelId, reply)
        said["recordId"] = record.get("recordId") or secrets.token_hex(6)[:11].upper()
        return json.dumps(said, ensure_ascii=False).encode() + b"\n"

    def _count(self, job_id: str, **counts: int) -> None:
        with self._lock:
            self._jobs[job_id] = self._jobs[job_id].model_copy(update=counts)

    def _count_one(self, job_id: str, **counts: int) -> None:
        with self._lock:
            job = self._jobs[job_id]
            self._count(job_id, **{name: getattr(job, name) + by for name, by in (counts | {"processed": 1}).items()})


_STEPS: tuple[JobStatus, ...] = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")


class _Worker:
    """A thread that runs one job after the other until it is closed."""

    def __init__(self, run: Callable[[str, threading.Event], None]) -> None:
        self._run = run
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="batch-jobs", daemon=True)
        self._thread.start()

    def take(self, job_id: str) -> None:
        """Run this job after those before it."""
        self._queue.put(job_id)

    def close(self) -> None:
        """Begin nothing more. A model that thinks for long is not waited for; what it says is not taken down."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None and not self._closing.is_set():
            self._run(job_id, self._closing)
