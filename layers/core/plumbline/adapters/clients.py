"""boto3 clients, one a service and process."""

import functools
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

# botocore owns the retries within one call; the state machine owns those around it.
_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 3}, connect_timeout=5, read_timeout=60)
# For the hot counter of what a run spends: as many connections as Classify has threads at most.
_MANY = Config(
    retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=10, max_pool_connections=64
)
_ONCE = _MANY.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
# SSM throttles when many functions start at once, and the API answers within 29 s: 5 tries of 2.5 s and the waits after
# them (1 + 2 + 4 + 8 s at most; botocore's standard mode) stay below that. A sixth try could wait 16 s more.
_SSM = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=1, read_timeout=1.5)


@functools.cache
def _client(service: str, config: Config = _CONFIG) -> Any:
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # the name is a variable here


def s3() -> "S3Client":
    """Amazon S3."""
    client: S3Client = _client("s3")
    return client


def dynamodb() -> "DynamoDBClient":
    """Amazon DynamoDB."""
    client: DynamoDBClient = _client("dynamodb")
    return client


def dynamodb_many() -> "DynamoDBClient":
    """Amazon DynamoDB, for many threads."""
    client: DynamoDBClient = _client("dynamodb", _MANY)
    return client


def dynamodb_once() -> "DynamoDBClient":
    """Amazon DynamoDB, for many threads and for what must not be done twice: it tries nothing again."""
    client: DynamoDBClient = _client("dynamodb", _ONCE)
    return client


def bedrock() -> "BedrockClient":
    """Amazon Bedrock's control plane, where batch jobs are."""
    client: BedrockClient = _client("bedrock")
    return client


def events() -> "EventBridgeClient":
    """Amazon EventBridge."""
    client: EventBridgeClient = _client("events")
    return client


def stepfunctions() -> "SFNClient":
    """AWS Step Functions."""
    client: SFNClient = _client("stepfunctions")
    return client


def sagemaker() -> "SageMakerClient":
    """Amazon SageMaker."""
    client: SageMakerClient = _client("sagemaker")
    return client


def ssm() -> "SSMClient":
    """AWS Systems Manager, whose parameters say which model serves."""
    client: SSMClient = _client("ssm", _SSM)
    return client


def comprehend() -> "ComprehendClient":
    """Amazon Comprehend."""
    client: ComprehendClient = _client("comprehend")
    return client


def secretsmanager() -> "SecretsManagerClient":
    """AWS Secrets Manager."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client
