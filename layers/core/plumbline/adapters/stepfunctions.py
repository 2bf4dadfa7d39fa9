"""Workflow on AWS Step Functions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from plumbline.adapters import clients
from plumbline.contracts.replay import execution_name
from plumbline.contracts.runs import RunRequest


class LabelCasesWorkflow:
    """The LabelCases state machine. An execution's name is the run's id, so that an id runs once."""

    def __init__(self, state_machine_arn: str) -> None:
        self.state_machine_arn = state_machine_arn

    def start(self, run: RunRequest) -> bool:
        """Start a run; False when a run of its id has ended (Standard keeps a name for 90 days).

        For an execution that still runs with the same input, StartExecution succeeds and starts nothing.
        """
        client = clients.stepfunctions()
        try:
            client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=run.run_id,
                input='{"run": ' + run.model_dump_json() + "}",
            )
        except client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def start_again(self, run: RunRequest, known: Mapping[str, object]) -> bool:
        """Start the execution that goes over a run again; False where one of that number was started before.

        `known` stands beside the run in the execution's input: what the stages before `run.replay.stage` answered.
        """
        client = clients.stepfunctions()
        try:
            client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=execution_name(run.run_id, run.replays),
                input=json.dumps({"run": run.model_dump(mode="json"), **known}),
            )
        except client.exceptions.ExecutionAlreadyExists:
            return False
        return True


def started_under_way(state_machine_arns: Iterable[str]) -> Iterator[datetime]:
    """When each execution that runs now was started; the children of a Distributed Map do not count."""
    pages = clients.stepfunctions().get_paginator("list_executions")
    for arn in state_machine_arns:
        for page in pages.paginate(stateMachineArn=arn, statusFilter="RUNNING"):
            for execution in page["executions"]:
                yield execution["startDate"]
