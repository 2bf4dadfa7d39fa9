"""ObjectStore on Amazon S3."""

import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from plumbline.adapters import clients
from plumbline.adapters.failures import translated
from plumbline.contracts.errors import MissingObject
from plumbline.ports import StoredObject

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from botocore.response import StreamingBody

_SPOOL_BYTES = 8 * 1024 * 1024  # above this a written object waits in /tmp rather than in memory
_READ_BYTES = 256 * 1024
_GONE = {"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "MethodNotAllowed"}  # the last: a delete marker


class S3ObjectStore:
    """One bucket. Every method may raise StoreUnavailable and StoreDenied."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """A forward-only stream of the object's bytes."""
        with self._translated(key):
            body = clients.s3().get_object(**self._where(key, version_id))["Body"]
        # Buffered, so that readers may take lines and small pieces at the speed of large reads.
        return cast("IO[bytes]", io.BufferedReader(_Body(body, self._name(key)), buffer_size=_READ_BYTES))

    def size(self, key: str, version_id: str | None = None) -> int:
        """The object's size in bytes."""
        return int(self.head(key, version_id)["ContentLength"])

    def head(self, key: str, version_id: str | None = None) -> Mapping[str, Any]:
        """The object's metadata, as S3's HeadObject answers."""
        with self._translated(key):
            return clients.s3().head_object(**self._where(key, version_id))

    def metadata(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        """The object's user-defined metadata."""
        found: Mapping[str, str] = self.head(key, version_id)["Metadata"]
        return found

    def read(self, key: str) -> bytes:
        """The whole object; for small ones."""
        with closing(self.open(key)) as stream:
            return stream.read()

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Put a small object whole."""
        with self._translated(key):
            clients.s3().put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)

    def write_if_absent(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        """Put a small object whole unless there is one; False, and nothing written, where there is.

        False, too, where this very write was carried out, its answer got lost and botocore tried it again: read what
        is there.
        """
        with self._translated(key):
            try:
                clients.s3().put_object(
                    Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*"
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    return False
                raise
        return True

    @contextmanager
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> Iterator[IO[bytes]]:
        """A stream that is uploaded (in parts when large) when the block ends without an error."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            yield spool
            spool.seek(0)
            with self._translated(key):
                clients.s3().upload_fileobj(spool, self.bucket, key, ExtraArgs={"ContentType": content_type})

    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        """The newest version of every object whose key begins with the prefix, in the order of the keys.

        Asks for s3:ListBucketVersions, and for no object.
        """
        pages = clients.s3().get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        with self._translated(prefix):
            for page in pages:
                for entry in page.get("Versions", []):
                    if entry["IsLatest"]:
                        yield StoredObject(
                            key=entry["Key"],
                            version_id=None if entry["VersionId"] == "null" else entry["VersionId"],
                            etag=entry["ETag"].strip('"'),
                            bytes=entry["Size"],
                            modified=entry["LastModified"],
                        )

    def _where(self, key: str, version_id: str | None) -> Any:
        where = {"Bucket": self.bucket, "Key": key}
        return where | {"VersionId": version_id} if version_id else where

    def _name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            with translated(self._name(key)):
                yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise MissingObject(f"{self._name(key)} is not there (deleted, expired, or never written)") from None
            raise


class _Body(io.RawIOBase):
    """An object's body whose broken connections have a name that the state machine retries."""

    def __init__(self, body: "StreamingBody", name: str) -> None:
        self._body = body
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        with translated(self._name):
            data = self._body.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()
