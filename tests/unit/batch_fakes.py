"""A batch service and a store of replies in memory."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from plumbline import keys
from plumbline.batch.records import output_key
from plumbline.contracts.batch import BatchJob, BatchSubmission, JobState, RecordError
from plumbline.contracts.batch_summary import JobStatus
from plumbline.contracts.errors import PlumblineError
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from tests.fakes import MemoryStore

USAGE = Usage(input_tokens=100, output_tokens=20)


class MemoryReplies:
    """A ReplyStore that knows what it is told."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.lookups = 0

    def answered(self, requests: Iterable[str]) -> set[str]:
        self.lookups += 1
        return self.known & set(requests)


class MemoryBatch:
    """A BatchModel whose jobs end when a test says so. Records and lines of output are JSON of no model's shape."""

    def __init__(self) -> None:
        self.submitted: dict[str, BatchJob] = {}
        self.calls = 0
        self.states: dict[str, JobStatus] = {}
        self.stopped: list[str] = []
        self.refuses: Callable[[BatchJob], PlumblineError | None] = lambda _: None

    def record(self, record_id: str, request: ModelRequest) -> bytes:
        return json.dumps({"recordId": record_id, "modelInput": {"text": request.turns[0].text}}).encode()

    def submit(self, job: BatchJob, model_id: str) -> str:
        self.calls += 1
        error = self.refuses(job)
        if error:
            raise error
        arn = f"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{job.name[-12:].replace('-', 'x')}"
        self.submitted[arn] = job
        self.states.setdefault(arn, "InProgress")
        return arn

    def state(self, job_arn: str) -> JobState:
        return JobState(job_arn=job_arn, status=self.states[job_arn])

    def stop(self, job_arn: str) -> None:
        self.stopped.append(job_arn)
        self.states[job_arn] = "Stopping"

    def answer(self, line: bytes) -> tuple[str, ModelReply | RecordError] | None:
        try:
            found = json.loads(line)
        except ValueError:
            return None
        if "error" in found:
            return found["recordId"], RecordError(code=str(found["error"]["errorCode"]))
        return found["recordId"], ModelReply(text=found["modelOutput"], stop_reason="end_turn", usage=USAGE)

    def end(self, data: MemoryStore, run_id: str, status: JobStatus, lines: Callable[[list[str]], list[Any]]) -> None:
        """Every job ends like that, with the lines of output that `lines` makes of its record ids."""
        submission = BatchSubmission.model_validate_json(data.read(keys.batch(run_id)))
        for job in submission.submitted:
            self.states[str(job.job_arn)] = status
            ids = [json.loads(line)["recordId"] for line in data.read(job.records_key).splitlines()]
            said = lines(ids)
            if said:
                text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in said)
                data.write(output_key(job), text.encode() + b"\n")


def answered(record_id: str, text: str = "said") -> dict[str, Any]:
    """A good line of output."""
    return {"recordId": record_id, "modelInput": {}, "modelOutput": f"{text} of {record_id}"}


def failed(record_id: str, code: int = 400) -> dict[str, Any]:
    """A record's error."""
    return {"recordId": record_id, "modelInput": {}, "error": {"errorCode": code, "errorMessage": "it quotes the case"}}
