"""An object that comes back after a restart is the upload that it was."""

from datetime import UTC, datetime

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends


def restore_upload(bucket: str, key: str, version_id: str | None, modified: datetime) -> None:
    """Give the object's newest version its former id and time; no call of S3 can set them."""
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys[key]
    stored.last_modified = modified.astimezone(UTC).replace(tzinfo=None)  # moto's times name no zone
    if version_id:
        stored._version_id = version_id  # noqa: SLF001 - moto makes one up and offers no other way
