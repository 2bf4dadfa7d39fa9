"""Starts the state machine for an uploaded object, handing the event on."""

import json
import os
from typing import Any

import boto3


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    name = event["detail"]["object"]["version-id"]
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=name, input=json.dumps(event)
    )
    return name
