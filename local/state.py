"""Keeps what the embedded AWS holds over a restart: objects, table items, parameters and jobs, as plain files.

All is read through the public APIs. One tar file a bucket (its newest versions) and one JSON Lines file a table, named
by logical id, because physical names differ from one stack to the next. Execution histories are not kept.
"""

import base64
import io
import json
import logging
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import boto3

from local import moto_patches, private
from local.deploy import Deployment

_log = logging.getLogger(__name__)
_BATCH = 25  # what BatchWriteItem takes at most
_BLOCK = 1 << 20
_HEADER = "PLUMBLINE.about"
_JOBS = "training-jobs.jsonl"  # no logical id has a hyphen
_BATCH_JOBS = "batch-jobs.jsonl"
_PARAMETERS = "ssm-parameters.jsonl"


def dump(
    session: boto3.Session, endpoint: str, deployment: Deployment, folder: Path, batch_jobs: Iterable[str] = ()
) -> None:
    """Write every bucket's and table's content under `folder`; an earlier content stays until the new one is whole.

    `batch_jobs` are lines of the stand-in for Bedrock, which no API gives whole.

    Objects that are removed while this runs may be left out.
    """
    recover(folder)
    work = _work(folder)
    shutil.rmtree(work, ignore_errors=True)
    fresh = work / "whole"
    private.folder(work)
    private.folder(fresh)
    s3 = session.client("s3", endpoint_url=endpoint)
    for logical, bucket, _ in deployment.of_type("AWS::S3::Bucket"):
        _dump_bucket(s3, bucket, fresh / f"{logical}.tar")
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    for logical, table, _ in deployment.of_type("AWS::DynamoDB::Table"):
        with open(fresh / f"{logical}.jsonl", "w", encoding="utf-8", opener=private.opener) as lines:
            for page in dynamodb.get_paginator("scan").paginate(TableName=table):
                lines.writelines(json.dumps(item, default=_encode) + "\n" for item in page["Items"])
    _dump_parameters(session.client("ssm", endpoint_url=endpoint), fresh / _PARAMETERS)
    _dump_jobs(session.client("sagemaker", endpoint_url=endpoint), fresh / _JOBS)
    with open(fresh / _BATCH_JOBS, "w", encoding="utf-8", opener=private.opener) as lines:
        lines.writelines(f"{job}\n" for job in batch_jobs)
    if folder.is_dir():
        folder.rename(work / "before")
    fresh.rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def _work(folder: Path) -> Path:
    return folder.with_name(folder.name + ".new")


def recover(folder: Path) -> None:
    """Finish a `dump` that was cut off between its two renames."""
    if not folder.exists() and (_work(folder) / "before").is_dir():
        (_work(folder) / "whole").rename(folder)


def load(session: boto3.Session, endpoint: str, deployment: Deployment, folder: Path) -> None:
    """Put back what `dump` wrote; resources that the template no longer has are left out and named in the log."""
    recover(folder)
    if not folder.is_dir():
        return
    private.folder(folder)
    known = {path.stem for path in folder.iterdir() if path.name not in (_JOBS, _BATCH_JOBS, _PARAMETERS)} - set(
        deployment.resources
    )
    for logical in sorted(known):
        _log.warning("the saved state holds %s, which the template no longer has; it is not loaded", logical)
    s3 = session.client("s3", endpoint_url=endpoint)
    for logical, bucket, _ in deployment.of_type("AWS::S3::Bucket"):
        if (folder / f"{logical}.tar").exists():
            _load_bucket(s3, bucket, folder / f"{logical}.tar")
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    for logical, table, _ in deployment.of_type("AWS::DynamoDB::Table"):
        if (folder / f"{logical}.jsonl").exists():
            _load_table(dynamodb, table, folder / f"{logical}.jsonl")
    if (folder / _PARAMETERS).exists():
        _load_parameters(session.client("ssm", endpoint_url=endpoint), folder / _PARAMETERS)


def training_jobs(folder: Path) -> list[dict[str, Any]]:
    """The training jobs that `dump` wrote, as DescribeTrainingJob gives them; times are texts in ISO 8601."""
    path = folder / _JOBS
    if not path.is_file():  # nothing saved, or by an earlier version
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def batch_jobs(folder: Path) -> list[str]:
    """The lines of the stand-in for Bedrock that `dump` wrote."""
    path = folder / _BATCH_JOBS
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _dump_bucket(s3: Any, bucket: str, path: Path) -> None:
    with (
        open(path, "wb", opener=private.opener) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        entries = (entry for page in pages for entry in page.get("Contents", []))
        for number, entry in enumerate(entries):
            try:
                stored = s3.get_object(Bucket=bucket, Key=entry["Key"])
            except s3.exceptions.NoSuchKey:  # removed since it was listed
                continue
            # The key goes into a header: as a member's name it could lose a slash at either end.
            member = tarfile.TarInfo(f"{number:08d}")
            member.size = stored["ContentLength"]
            about = {
                "key": entry["Key"],
                "type": stored["ContentType"],
                "metadata": stored["Metadata"],
                "version": stored.get("VersionId"),
                "modified": stored["LastModified"].isoformat(),
            }
            member.pax_headers = {_HEADER: json.dumps(about)}
            archive.addfile(member, cast("Any", _Reader(stored["Body"])))


def _dump_parameters(ssm: Any, path: Path) -> None:
    """Every value that a parameter ever had, oldest first: a rollback looks at the earlier ones."""
    with open(path, "w", encoding="utf-8", opener=private.opener) as lines:
        for page in ssm.get_paginator("describe_parameters").paginate():
            for parameter in page["Parameters"]:
                for versions in ssm.get_paginator("get_parameter_history").paginate(Name=parameter["Name"]):
                    for version in versions["Parameters"]:
                        kept = {name: version[name] for name in ("Name", "Value", "Type")}
                        lines.write(json.dumps(kept) + "\n")


def _load_parameters(ssm: Any, path: Path) -> None:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            ssm.put_parameter(**json.loads(line), Overwrite=True)


def _dump_jobs(sagemaker: Any, path: Path) -> None:
    with open(path, "w", encoding="utf-8", opener=private.opener) as lines:
        for page in sagemaker.get_paginator("list_training_jobs").paginate():
            for entry in page["TrainingJobSummaries"]:
                job = sagemaker.describe_training_job(TrainingJobName=entry["TrainingJobName"])
                job.pop("ResponseMetadata")
                lines.write(json.dumps(job, default=_encode) + "\n")


class _Reader(io.RawIOBase):
    """An S3 body as the file object that tarfile copies from: it must give all the bytes it is asked for."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        chunks, left = [], size
        while left and (chunk := self._body.read(min(left, _BLOCK) if left > 0 else _BLOCK)):
            chunks.append(chunk)
            left -= len(chunk) if left > 0 else 0
        return b"".join(chunks)


def _load_bucket(s3: Any, bucket: str, path: Path) -> None:
    with tarfile.open(path) as archive:
        for member in archive:
            about = json.loads(member.pax_headers[_HEADER])
            extra = {"ContentType": about["type"], "Metadata": about["metadata"]}
            s3.upload_fileobj(archive.extractfile(member), bucket, about["key"], ExtraArgs=extra)
            if "modified" in about:  # not in what an earlier version saved
                # The same upload, not a new one: exports are known by their version, and taken oldest first.
                moment = datetime.fromisoformat(about["modified"])
                moto_patches.restore_upload(bucket, about["key"], about["version"], moment)


def _load_table(dynamodb: Any, table: str, path: Path) -> None:
    with path.open(encoding="utf-8") as lines:
        for batch in _batches(json.loads(line, object_hook=_decode) for line in lines):
            dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in batch]})


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"A table item holds a {type(value).__name__}, which DynamoDB cannot hold")


def _decode(value: dict[str, Any]) -> dict[str, Any]:
    # In DynamoDB's JSON only a binary value is {"B": "text"}: an attribute of the name B holds an object.
    if isinstance(value.get("B"), str):
        return {"B": base64.b64decode(value["B"])}
    if isinstance(value.get("BS"), list):
        return {"BS": [base64.b64decode(member) for member in value["BS"]]}
    return value
