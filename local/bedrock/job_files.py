"""A batch job's files: what it reads from S3, what it has answered so far, and what it leaves in S3."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local import private
from local.bedrock.job_wire import Job
from plumbline.contracts.batch import BatchLimits

MANIFEST = "manifest.json.out"


class JobFailed(Exception):
    """The job ends Failed; the message is what GetModelInvocationJob says of it, and quotes no record."""


@dataclass(frozen=True)
class RecordFile:
    """One record file on this machine. `answers` grows by a line a record, in the records' order; a blank line is a
    record of which nothing is said."""

    name: str
    records: Path
    answers: Path

    def answered(self) -> int:
        """How many records have their line; a last line that a crash cut off is taken away."""
        if not self.answers.exists():
            return 0
        with self.answers.open("r+b") as lines:
            whole = count = 0
            for line in lines:
                if line.endswith(b"\n"):
                    whole, count = whole + len(line), count + 1
            lines.truncate(whole)
        return count

    def left(self) -> Iterator[bytes]:
        """The records without a line."""
        done = self.answered()
        with self.records.open("rb") as lines:
            for number, line in enumerate(lines):
                if number >= done:
                    yield line


def fetch(s3: Any, job: Job, folder: Path) -> list[RecordFile]:
    """The job's record files, copied below `folder` unless they are there. Raises JobFailed."""
    bucket, key = _split(job.asked.input)
    private.folder(folder)
    try:
        names = [key] if key.endswith(".jsonl") else list(_record_files(s3, bucket, key))
        files = [
            RecordFile(name.rpartition("/")[2], folder / f"{number}.in", folder / f"{number}.answers")
            for number, name in enumerate(names)
        ]
        for name, file in zip(names, files, strict=True):
            if not file.records.exists():
                part = file.records.with_suffix(".part")
                s3.download_file(bucket, name, str(part))
                part.replace(file.records)
    except ClientError as error:
        raise JobFailed(f"The input {job.asked.input} cannot be read ({error.response['Error']['Code']})") from None
    if not files:
        raise JobFailed(f"There is no .jsonl file under {job.asked.input}")
    return files


def _record_files(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []) if entry["Key"].endswith(".jsonl"))


def validate(job: Job, files: Iterable[RecordFile], limits: BatchLimits) -> int:
    """How many records there are. Raises JobFailed for what Bedrock refuses while it validates a job.

    Whether a modelInput fits the model is not looked at, as on AWS: that is an error of its record.
    """
    total = 0
    for file in files:
        size = file.records.stat().st_size
        if size > limits.max_bytes:
            message = f"Batch job {job.arn} has a file of {size} bytes, more than the allowed maximum of:"
            raise JobFailed(f"{message} {limits.max_bytes}")
        with file.records.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not _is_record(line):
                    raise JobFailed(f"Line {number} of {file.name} is no JSON object with a modelInput")
                total += 1
    if total < limits.min_records:
        message = f"Batch job {job.arn} contains less records ({total}) than the required minimum of:"
        raise JobFailed(f"{message} {limits.min_records}")
    if total > limits.max_records:
        message = f"Batch job {job.arn} contains more records ({total}) than the allowed maximum of:"
        raise JobFailed(f"{message} {limits.max_records}")
    return total


def _is_record(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and isinstance(record.get("modelInput"), dict)


def tally(files: Iterable[RecordFile]) -> dict[str, int]:
    """The counts of a Job as the lines that are there give them."""
    counts = dict.fromkeys(("processed", "succeeded", "failed", "input_tokens", "output_tokens"), 0)
    for file in files:
        if not file.answered():
            continue
        with file.answers.open("rb") as lines:
            for line in lines:
                if line.strip():
                    _count(json.loads(line), counts)
    return counts


def _count(said: dict[str, Any], counts: dict[str, int]) -> None:
    output = said.get("modelOutput")
    counts["processed"] += 1
    counts["failed" if output is None else "succeeded"] += 1
    usage = (output or {}).get("usage", {})
    counts["input_tokens"] += usage.get("inputTokens", usage.get("input_tokens", 0))
    counts["output_tokens"] += usage.get("outputTokens", usage.get("output_tokens", 0))


def publish(s3: Any, job: Job, files: Iterable[RecordFile], arrange: Callable[[Path, Path], None]) -> None:
    """Leave `<output><job id>/<file>.out` of each record file, and the manifest.

    `arrange` writes the lines of its first file into its second one as they are to be found in S3. Raises JobFailed.
    """
    bucket, prefix = _split(job.asked.output)
    folder = f"{prefix.rstrip('/')}/{job.id}".lstrip("/")
    try:
        for file in files:
            if not file.answers.exists():
                continue
            output = file.answers.with_suffix(".out")
            arrange(file.answers, output)
            s3.upload_file(str(output), bucket, f"{folder}/{file.name}.out")
            output.unlink()
        s3.put_object(Bucket=bucket, Key=f"{folder}/{MANIFEST}", Body=json.dumps(job.manifest()).encode())
    except ClientError as error:
        raise JobFailed(
            f"The output {job.asked.output} cannot be written ({error.response['Error']['Code']})"
        ) from None


def forget(folder: Path) -> None:
    """Remove what a job keeps on this machine."""
    shutil.rmtree(folder, ignore_errors=True)


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/")
