"""Which deployed stack a command talks to, and what it is made of.

A stack's names are read from its CloudFormation outputs, on AWS as on this machine.
"""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cli import local_stack
from cli.errors import CliError, code_of
from cli.paths import plumbline
from local.info import LocalInfo

_OURS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


@dataclass(frozen=True)
class Stack:
    """The names behind a stack's name. `local` is set for the one on this machine."""

    name: str
    region: str
    raw_bucket: str
    data_bucket: str
    ledger_table: str
    state_machine_arn: str
    task: str
    model_id: str
    api_url: str = ""
    predict_cases_arn: str = ""
    training_pipeline: str = ""
    local: LocalInfo | None = None

    def execution_arn(self, run_id: str) -> str:
        """The run's execution; its name is the run's id."""
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"

    @property
    def model_parameters(self) -> str:
        """What the names of the SSM parameters that say which model serves begin with."""
        return f"/{self.name}/models/"

    @property
    def option(self) -> str:
        """What must stand behind a command to mean this stack."""
        return "" if self.local else f" --stack {self.name}"

    def log_of(self, stage: str) -> str:
        """Where a stage's log is, in words."""
        if self.local:
            function = "".join(word.capitalize() for word in stage.split("_")) + "Function"
            return f"the log {local_stack.log_folder() / function}.log"
        return f"the log group /plumbline/{self.name}/{stage}"


def function_of(where: Stack, logical: str) -> str:
    """The name of the stack's function of that logical id. Raises CliError where the stack has none."""
    # The whole list: the embedded AWS answers no DescribeStackResource.
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=where.name)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["LogicalResourceId"] == logical and resource.get("PhysicalResourceId"):
                return str(resource["PhysicalResourceId"])
    message = f"The stack {where.name!r} in {where.region} has no {logical}."
    raise CliError(message, "Deploy the version of the template that these commands belong to.")


def find(name: str | None) -> Stack:
    """The stack of that name in the account and region in use; without a name the one that runs on this machine.

    From here on this process's AWS clients talk to where the stack is. Raises CliError when there is none.
    """
    local = local_stack.running()
    if name is None or (local is not None and name == local.stack_name):
        if local is None:
            raise CliError(
                "No local stack is running.",
                f"Start it with {plumbline('up')}, or name a deployed stack with --stack NAME.",
            )
        return at_local(local)
    return read(name)


def at_local(info: LocalInfo) -> Stack:
    """The running local stack. Points this process's AWS clients at it by the variables that every AWS SDK reads."""
    for variable in [v for v in os.environ if v in _OURS or v.startswith("AWS_ENDPOINT_URL")]:
        del os.environ[variable]
    os.environ |= {
        "AWS_ENDPOINT_URL": info.endpoint,
        "AWS_ENDPOINT_URL_BEDROCK": info.bedrock_endpoint,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": info.bedrock_endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": info.region,
        "AWS_DEFAULT_REGION": info.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return read(info.stack_name, info)


def read(name: str, local: LocalInfo | None = None) -> Stack:
    """The stack as CloudFormation describes it. Raises CliError when it is not there or is no Plumbline stack."""
    client = boto3.client("cloudformation")
    region = client.meta.region_name
    try:
        described: dict[str, Any] = dict(client.describe_stacks(StackName=name)["Stacks"][0])
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        hint = "Check the name and AWS_REGION / AWS_PROFILE. Without --stack the commands use the local stack."
        raise CliError(f"There is no stack {name!r} in {region}.", hint) from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    parameters = {p["ParameterKey"]: p.get("ParameterValue", "") for p in described.get("Parameters", [])}
    try:
        return Stack(
            name=name,
            region=region,
            raw_bucket=outputs["RawBucketName"],
            data_bucket=outputs["DataBucketName"],
            ledger_table=outputs["LedgerTableName"],
            state_machine_arn=outputs["StateMachineArn"],
            task=outputs["TaskName"],
            model_id=parameters.get("ModelId", ""),
            api_url=((local and local.api_endpoint) or outputs.get("ApiUrl", "")).rstrip("/"),
            predict_cases_arn=outputs.get("PredictCasesArn", ""),
            training_pipeline=parameters.get("TrainingPipeline", ""),
            local=local,
        )
    except KeyError as missing:
        status = described.get("StackStatus", "unknown")
        message = f"The stack {name!r} in {region} has no output {missing} (its status is {status})."
        raise CliError(message, "Is it a Plumbline stack, and has its deployment finished?") from None
