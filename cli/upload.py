"""Handing a file over: the upload that starts a run."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import UsageProblem, explained
from cli.paths import shown
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters import clients
from plumbline.start_run import OPTIONS, run_id_of

_MAX_BYTES = 5 * 1024**4  # S3's largest object
MAX_MAPPING_BYTES = 64 * 1024  # as much as ingest reads
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Uploaded:
    """An upload and the id of the run that it starts."""

    key: str
    run_id: str
    size: int


def checked(path: Path, *, limit: int = _MAX_BYTES) -> int:
    """The file's size in bytes. Raises UsageProblem when it is no readable, non-empty file below the limit."""
    try:
        if path.is_dir():
            raise UsageProblem(f"{path} is a folder.", "Name one export file in it.")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise UsageProblem(f"There is no file {path}.", f"The working folder is {Path.cwd()}.") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from None
    if size == 0:
        raise UsageProblem(f"{shown(path.absolute())} is empty.", "Export the cases again; nothing was uploaded.")
    if size > limit:
        raise UsageProblem(f"{path} is too large: {size:,} bytes, at most {limit:,}.", "Split it.")
    return size


def metadata_of(options: Mapping[str, object]) -> dict[str, str]:
    """A run's options as the upload's metadata, as StartRun reads them; options that are None are left out.

    Raises UsageProblem for text that S3 metadata cannot hold.
    """
    unknown = set(options) - set(OPTIONS)
    if unknown:
        raise ValueError(f"StartRun knows no {', '.join(sorted(unknown))}")
    metadata = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()
                if value is not None and value is not False}  # fmt: skip
    for name, value in metadata.items():
        if not value.isascii() or not value.isprintable() or not value.strip():
            raise UsageProblem(f"--{name.replace('_', '-')}: {value!r} cannot be used.", "Plain ASCII text, please.")
    return metadata


def upload_mapping(stack: Stack, path: Path) -> str:
    """Put a field-mapping file where ingest finds it; its key. The same content always gets the same key."""
    checked(path, limit=MAX_MAPPING_BYTES)
    data = path.read_bytes()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name)[-80:]
    key = f"{keys.MAPPINGS}{hashlib.sha256(data).hexdigest()[:12]}-{name}"
    clients.s3().put_object(Bucket=stack.raw_bucket, Key=key, Body=data)
    return key


def upload_cases(
    stack: Stack,
    path: Path,
    metadata: Mapping[str, str],
    moved: Callable[[int], None] = lambda _: None,
    *,
    folder: str = keys.INCOMING,
    run_prefix: str = "run-",
) -> Uploaded:
    """Upload the export, in parts where it is large; under incoming/ this starts its run.

    `moved` is told how many more bytes have gone. Raises CliError when the upload fails.
    """
    size = checked(path)
    client = clients.s3()
    key = f"{folder}{path.name}"
    with _version_of(client) as version:
        try:
            client.upload_file(str(path), stack.raw_bucket, key, ExtraArgs={"Metadata": dict(metadata)}, Callback=moved)
        except S3UploadFailedError as error:
            # boto3 wraps the service's answer, and has it as the cause.
            if isinstance(error.__context__, (ClientError, BotoCoreError)):
                raise explained(error.__context__) from None
            raise
    return Uploaded(key=key, run_id=run_id_of(stack.raw_bucket, key, version[-1], run_prefix), size=size)


@contextmanager
def _version_of(client: Any) -> Iterator[list[str]]:
    """Collects what S3 answers about the uploads made meanwhile: the version id, or the etag in an unversioned bucket.

    boto3's managed upload keeps the answer to itself, and asking afterwards could meet someone else's newer version.
    """
    found: list[str] = []

    def note(parsed: Mapping[str, Any], **_: object) -> None:
        version = parsed.get("VersionId") or str(parsed.get("ETag", "")).strip('"')
        if version:
            found.append(version)

    events = ("after-call.s3.PutObject", "after-call.s3.CompleteMultipartUpload")
    for event in events:
        client.meta.events.register(event, note)
    try:
        yield found
    finally:
        for event in events:
            client.meta.events.unregister(event, note)
