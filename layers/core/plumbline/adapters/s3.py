"""ObjectStore on Amazon S3."""

import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import IO, Any, cast

from botocore.exceptions import ClientError

from plumbline.adapters import clients
from plumbline.contracts.errors import MissingObject

_SPOOL_BYTES = 8 * 1024 * 1024  # above this a written object waits in /tmp rather than in memory
_READ_BYTES = 256 * 1024
_GONE = {"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "MethodNotAllowed"}  # the last: a delete marker


class S3ObjectStore:
    """One bucket."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """A forward-only stream of the object's bytes."""
        try:
            body = clients.s3().get_object(**self._where(key, version_id))["Body"]
        except ClientError as error:
            raise self._translate(error, key) from None
        # Buffered, so that readers may take lines and small pieces at the speed of large reads.
        return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", body), buffer_size=_READ_BYTES))

    def size(self, key: str, version_id: str | None = None) -> int:
        """The object's size in bytes."""
        return int(self.head(key, version_id)["ContentLength"])

    def head(self, key: str, version_id: str | None = None) -> Mapping[str, Any]:
        """The object's metadata, as S3's HeadObject answers."""
        try:
            return clients.s3().head_object(**self._where(key, version_id))
        except ClientError as error:
            raise self._translate(error, key) from None

    def read(self, key: str) -> bytes:
        """The whole object; for small ones."""
        with closing(self.open(key)) as stream:
            return stream.read()

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Put a small object whole."""
        clients.s3().put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)

    @contextmanager
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> Iterator[IO[bytes]]:
        """A stream that is uploaded (in parts when large) when the block ends without an error."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            yield spool
            spool.seek(0)
            clients.s3().upload_fileobj(spool, self.bucket, key, ExtraArgs={"ContentType": content_type})

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        try:
            self.head(key)
        except MissingObject:
            return False
        return True

    def _where(self, key: str, version_id: str | None) -> Any:
        where = {"Bucket": self.bucket, "Key": key}
        return where | {"VersionId": version_id} if version_id else where

    def _translate(self, error: ClientError, key: str) -> Exception:
        if error.response["Error"]["Code"] in _GONE:
            return MissingObject(f"s3://{self.bucket}/{key} is not there (deleted, expired, or never written)")
        return error
