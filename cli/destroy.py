"""`plumbline destroy`: remove a stack and everything it made, and prove that nothing is left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from cli.errors import CliError, code_of

_DELETE_AT_ONCE = 1000  # DeleteObjects' limit
_PARAMETERS_AT_ONCE = 10  # DeleteParameters' limit
_WAIT_SECONDS = 10
_WAITS = 180
Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """A stack about to be deleted. `identity` is its ARN: only by that can a deleted stack still be described."""

    name: str
    identity: str
    region: str
    buckets: tuple[str, ...]
    state_machines: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def log_prefixes(self) -> tuple[str, ...]:
        """Where log groups lie that can be nothing but this stack's."""
        return (f"/plumbline/{self.name}/", f"/aws/vendedlogs/states/{self.name}-LabelCases")

    @property
    def parameters(self) -> str:
        """Where the SSM parameters lie that say which model serves; functions make them, not CloudFormation."""
        return f"/{self.name}/models/"


def target(name: str) -> Target:
    """What the stack is made of. Raises CliError when there is no such stack, or when it is not one of Plumbline."""
    client = boto3.client("cloudformation")
    region = client.meta.region_name
    try:
        described = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        raise CliError(
            f"There is no stack {name!r} in {region}.", "Check the name, AWS_REGION and AWS_PROFILE."
        ) from None
    outputs = {output.get("OutputKey") for output in described.get("Outputs", [])}
    # A stack whose creation failed has no outputs, and must be removable all the same.
    if outputs and "LedgerTableName" not in outputs:
        raise CliError(f"The stack {name!r} in {region} is not a Plumbline stack; nothing was touched.")
    made = list(_resources(client, name))

    def physical(kind: str) -> tuple[str, ...]:
        return tuple(r["PhysicalResourceId"] for r in made if r["ResourceType"] == kind and r.get("PhysicalResourceId"))

    return Target(
        name=name,
        identity=described["StackId"],
        region=region,
        buckets=physical("AWS::S3::Bucket"),
        state_machines=physical("AWS::StepFunctions::StateMachine"),
        tables=physical("AWS::DynamoDB::Table"),
    )


def destroy(stack: Target, say: Say) -> None:
    """Stop its runs, empty its buckets, delete the stack and wait. Raises CliError when something is left."""
    for machine in stack.state_machines:
        stopped = stop_executions(machine)
        if stopped:
            say(f"stopped {stopped} running execution{'s' if stopped > 1 else ''}")
    for bucket in stack.buckets:
        say(f"emptied {bucket}: {empty_bucket(bucket):,} objects and versions deleted")
    if deleted := delete_parameters(stack):
        say(f"deleted {deleted} model pointer{'s' if deleted > 1 else ''} under {stack.parameters}")
    client = boto3.client("cloudformation")
    client.delete_stack(StackName=stack.identity)
    say("deleting the stack (a few minutes on AWS) …")
    waiter = client.get_waiter("stack_delete_complete")
    try:
        waiter.wait(StackName=stack.identity, WaiterConfig={"Delay": _WAIT_SECONDS, "MaxAttempts": _WAITS})
    except WaiterError:
        why = "; ".join(_failures(stack)) or "CloudFormation is not done yet"
        raise CliError(
            f"The stack {stack.name!r} could not be deleted: {why}.", "Remove the cause and run the same command again."
        ) from None
    for group in _own_log_groups(stack):
        _logs().delete_log_group(logGroupName=group)
        say(f"deleted the log group {group}, which a late function had made again")
    if delete_parameters(stack):
        say(f"deleted a model pointer under {stack.parameters}, which a late function had set again")
    left = leftovers(stack)
    if left:
        raise CliError(f"The stack is deleted, but there is still: {', '.join(left)}.", "Delete it by hand.")


def stop_executions(machine: str) -> int:
    """Stop what still runs, so that nothing writes into a bucket once it is empty; how many there were."""
    client = boto3.client("stepfunctions")
    stopped = 0
    try:
        for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING"):
            for execution in page["executions"]:
                client.stop_execution(executionArn=execution["executionArn"], cause="plumbline destroy")
                stopped += 1
    except client.exceptions.StateMachineDoesNotExist:
        return stopped
    return stopped


def empty_bucket(bucket: str) -> int:
    """Delete every version, delete marker and unfinished upload; how many there were. A bucket that is gone is empty.

    Raises CliError when S3 refuses to delete some.
    """
    client = boto3.client("s3")
    deleted = 0
    try:
        for uploads in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in uploads.get("Uploads", []):
                client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        # Always the first page: what it held is gone by the next turn.
        while batch := _some_versions(client, bucket):
            answer: Any = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if answer.get("Errors"):
                first, refused = answer["Errors"][0], len(answer["Errors"])
                raise CliError(f"S3 refused to delete {refused} objects of {bucket}: {first.get('Code')}.")
            deleted += len(batch)
    except client.exceptions.NoSuchBucket:
        return deleted
    return deleted


def _some_versions(client: Any, bucket: str) -> list[Any]:
    page = client.list_object_versions(Bucket=bucket, MaxKeys=_DELETE_AT_ONCE)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found][:_DELETE_AT_ONCE]


def delete_parameters(stack: Target) -> int:
    """Delete the parameters that say which model serves, with their history; how many there were."""
    names = _parameters(stack)
    for start in range(0, len(names), _PARAMETERS_AT_ONCE):
        boto3.client("ssm").delete_parameters(Names=names[start : start + _PARAMETERS_AT_ONCE])
    return len(names)


def leftovers(stack: Target) -> list[str]:
    """What of the stack can still be found after its deletion: resources it kept, buckets, tables, log groups."""
    found = [f"{e['ResourceType']} {e['PhysicalResourceId']}" for e in _events(stack, "DELETE_SKIPPED")]
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    asked: list[tuple[str, Callable[[], object]]] = [
        *((f"bucket {name}", partial(s3.head_bucket, Bucket=name)) for name in stack.buckets),
        *((f"table {name}", partial(dynamodb.describe_table, TableName=name)) for name in stack.tables),
    ]
    found += [what for what, ask in asked if _is_there(ask)]
    found += [f"parameter {name}" for name in _parameters(stack)]
    return list(dict.fromkeys([*found, *(f"log group {group}" for group in _own_log_groups(stack))]))


def _is_there(ask: Callable[[], object]) -> bool:
    """Whether a resource answers. Whatever is not a clear no counts as there."""
    try:
        ask()
    except ClientError as error:
        return code_of(error) not in ("404", "NoSuchBucket", "ResourceNotFoundException")
    return True


def _parameters(stack: Target) -> list[str]:
    pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=stack.parameters, Recursive=True)
    return [found["Name"] for page in pages for found in page["Parameters"]]


def _own_log_groups(stack: Target) -> list[str]:
    names: list[str] = []
    for prefix in stack.log_prefixes:
        for page in _logs().get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            names += [group["logGroupName"] for group in page["logGroups"]]
    return names


def _logs() -> Any:
    client: Any = boto3.client
    return client("logs")


def _resources(client: Any, stack: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
        yield from page["StackResourceSummaries"]


def _failures(stack: Target) -> list[str]:
    """Why a deletion failed, the first cause first."""
    failed = [e for e in _events(stack, "DELETE_FAILED") if e["LogicalResourceId"] != stack.name]
    return [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failed[::-1][:3]]


def _events(stack: Target, status: str) -> list[dict[str, Any]]:
    """The stack's events of that status, newest first; none where CloudFormation has forgotten the stack."""
    client = boto3.client("cloudformation")
    try:
        pages = client.get_paginator("describe_stack_events").paginate(StackName=stack.identity)
        return [dict(e) for page in pages for e in page["StackEvents"] if e.get("ResourceStatus") == status]
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return []
        raise
