"""What a training job reads from S3 and leaves there."""

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local.sagemaker.container import Container
from local.sagemaker.job import JobFailed

_FAST: Final = 1  # weights hardly shrink: at gzip's usual level a laptop packs for longer than it saves


def download(s3: Any, container: Container) -> None:
    """Fetch the code and every channel (File mode). Raises JobFailed with SageMaker's words for what is not there."""
    _unpack_code(s3, container)
    for channel in container.job.channels:
        _download_channel(s3, channel, container.channel(str(channel["ChannelName"])))


def _unpack_code(s3: Any, container: Container) -> None:
    archive = container.base / "sourcedir.tar.gz"
    bucket, key = _split(container.submitted)
    try:
        s3.download_file(bucket, key, str(archive))
    except ClientError as error:
        raise JobFailed(f"ClientError: {container.submitted} cannot be had ({_code(error)})") from None
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(container.code, filter="data")  # nothing outside the folder, no devices, no owners
    except (tarfile.TarError, EOFError, OSError) as error:
        raise JobFailed(
            f"ClientError: {container.submitted} is no archive of training code ({type(error).__name__})"
        ) from None
    finally:
        archive.unlink()
    if not (container.code / container.program).is_file():
        raise JobFailed(f"ClientError: {container.submitted} holds no {container.program}")


def _download_channel(s3: Any, channel: Mapping[str, Any], folder: Path) -> None:
    source = channel["DataSource"]["S3DataSource"]
    if source["S3DataType"] != "S3Prefix":
        raise JobFailed(f"ClientError: channel {channel['ChannelName']}: no {source['S3DataType']} on this machine")
    uri = str(source["S3Uri"])
    bucket, prefix = _split(uri)
    # SageMaker keeps of a key what follows the prefix's last slash: the name, where the prefix is a whole key.
    parent, found = prefix.rpartition("/")[0], 0
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                if entry["Key"].endswith("/"):
                    continue
                found += 1
                path = (folder / entry["Key"].removeprefix(parent).lstrip("/")).resolve()
                if not path.is_relative_to(folder.resolve()):
                    raise JobFailed(f"ClientError: a key of {uri} leads out of the channel's folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, entry["Key"], str(path))
    except ClientError as error:
        raise JobFailed(f"ClientError: Data download failed: {uri} ({_code(error)})") from None
    if not found:
        raise JobFailed(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source.'
        )


def upload(s3: Any, container: Container, *, whole: bool) -> str | None:
    """Leave model.tar.gz and output.tar.gz below the job's output path, as SageMaker does; the model's address.

    Of a job that was stopped (not `whole`) there may be no model: then None.
    """
    root = f"{container.job.output.rstrip('/')}/{container.job.name}/output"
    if any(container.output_data.iterdir()):
        _upload_folder(s3, container.output_data, f"{root}/output.tar.gz")
    if not whole and not any(container.model.iterdir()):
        return None
    _upload_folder(s3, container.model, f"{root}/model.tar.gz")
    return f"{root}/model.tar.gz"


def _upload_folder(s3: Any, folder: Path, uri: str) -> None:
    archive = folder.with_name(f"{folder.name}.tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=_FAST) as tar:
        for member in sorted(folder.iterdir()):
            tar.add(member, member.name)
    bucket, key = _split(uri)
    s3.upload_file(str(archive), bucket, key)
    archive.unlink()


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3":
        raise JobFailed(f"ClientError: {uri} is no S3 address")
    return parts.netloc, parts.path.lstrip("/")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
