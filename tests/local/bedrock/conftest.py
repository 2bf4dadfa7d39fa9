"""What the tests of batch jobs share."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.local.bedrock.jobs import BUCKET, client


@pytest.fixture
def s3() -> Iterator[Any]:
    """moto's S3 with the bucket of records."""
    with mock_aws():
        made = client("s3")
        made.create_bucket(Bucket=BUCKET)
        yield made
