"""Step Functions: state machines that run, under names that only one execution gets, without needless HTTP."""

import functools
import json
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from moto.awslambda.exceptions import UnknownFunctionException
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.stepfunctions import models
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

from local.moto_patches import events, functions
from local.moto_patches.wiring import Moto, Patch, Wiring


def patch(apply: Patch, wiring: Wiring) -> None:
    """Patch how state machines are made, started, waited in, and call other services."""
    _patch_cloudformation(apply)
    _patch_start(apply, wiring)
    _patch_end(apply, wiring)
    _patch_waiting(apply, wiring)
    _patch_lambda_tasks(apply, wiring)
    _patch_clients(apply, wiring)


def _patch_cloudformation(apply: Patch) -> None:
    # moto's CloudFormation creates state machines on the backend that does not run them.
    apply(models, "stepfunctions_backends", stepfunctions_parser_backends)
    # AWS has !GetAtt StateMachine.Arn; moto has not.
    machine = models.StateMachine
    moto_get, moto_has = machine.get_cfn_attribute, machine.has_cfn_attr

    def has(_: type, attr: str) -> bool:
        return attr == "Arn" or moto_has(attr)

    def get(self: Moto, attribute_name: str) -> Moto:
        return self.arn if attribute_name == "Arn" else moto_get(self, attribute_name)

    apply(machine, "has_cfn_attr", classmethod(has))
    apply(machine, "get_cfn_attribute", get)


def _patch_start(apply: Patch, wiring: Wiring) -> None:
    # moto needs a name, and two simultaneous starts under one name may both pass. AWS makes a name up, and one wins.
    moto_start, lock = StepFunctionsParserBackend.start_execution, threading.Lock()

    def start_execution(self: Moto, state_machine_arn: str, name: str | None = None, *rest: Moto) -> Moto:
        with lock:
            if wiring.stopping.is_set():
                raise ServiceException("ServiceUnavailable", "The local stack is stopping")
            return moto_start(self, state_machine_arn, name or str(uuid.uuid4()), *rest)

    apply(StepFunctionsParserBackend, "start_execution", start_execution)

    # moto sets an execution's environment up in the execution's own thread: asking for its history or map runs right
    # after the start fails with an AttributeError.
    made = "_get_evaluation_environment"
    moto_made: Moto = getattr(ExecutionWorker, made)
    moto_worker_start: Moto = ExecutionWorker.start

    def environment(self: Moto) -> Moto:
        return self.env or moto_made(self)

    def start(self: Moto) -> None:
        self.env = environment(self)
        moto_worker_start(self)

    apply(ExecutionWorker, made, environment)
    apply(ExecutionWorker, "start", start)


def _patch_end(apply: Patch, wiring: Wiring) -> None:
    # AWS tells EventBridge of each execution that ended; moto tells nobody.
    moto_terminated: Moto = BaseExecutionWorkerCommunication.terminated

    def terminated(self: Moto) -> None:
        if wiring.stopping.is_set():
            return  # `abort_running` has said how it ended
        moto_terminated(self)
        events.send_status_change(self.execution)
        wiring.ended()

    apply(BaseExecutionWorkerCommunication, "terminated", terminated)


def abort_running(wiring: Wiring) -> list[str]:
    """End every execution at once, also one in the middle of a map, and tell EventBridge; the names of those ended.

    After moto's own StopExecution a map still works through all its items. Here `stopping` halts each thread of an
    execution at its next task, so that nothing competes with whoever saves the state.
    """
    wiring.stopping.set()
    aborted = []
    for regions in list(stepfunctions_parser_backends.values()):
        for backend in list(regions.values()):
            executions: list[Moto] = [one for machine in backend.state_machines for one in machine.executions]
            for execution in executions:
                if execution.exec_status == ExecutionStatus.RUNNING:
                    execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, datetime.now(UTC)
                    execution.stop(stop_date=execution.stop_date, error=None, cause=None)
                    events.send_status_change(execution)
                    aborted.append(str(execution.name))
    return aborted


def _patch_waiting(apply: Patch, wiring: Wiring) -> None:
    # Tests of retries must not take minutes: Wait and Retry intervals can be scaled. moto's own wait never ends when
    # it is given a fraction of a second.
    def wait_interval(_: Moto, env: Moto, wait_seconds: float) -> None:
        deadline = time.monotonic() + wait_seconds * wiring.time_scale
        while env.is_running() and (left := deadline - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    class ScaledTime:
        """Stands for the `time` module in the retrier."""

        @staticmethod
        def sleep(seconds: float) -> None:
            wiring.stopping.wait(seconds * wiring.time_scale)
            wiring.rest_if_stopping()

    apply(WaitFunction, "_wait_interval", wait_interval)
    apply(retrier_decl, "time", ScaledTime)


def _patch_lambda_tasks(apply: Patch, wiring: Wiring) -> None:
    # moto makes a boto3 client for each Lambda task and goes through its own HTTP server: 7 of the 10 ms of CPU that a
    # child of a map costs. This goes straight to the workers.
    call = "_invoke_lambda_function"
    moto_call = getattr(lambda_eval_utils, call)

    def invoke(parameters: dict[str, Any], region: str, state_credentials: Moto) -> Moto:
        try:
            function = functions.find(DEFAULT_ACCOUNT_ID, region, parameters["FunctionName"])
        except UnknownFunctionException:
            return moto_call(parameters, region, state_credentials)  # its error has AWS's shape
        answer = wiring.invoke(functions.config_of(function), parameters.get("Payload") or b"{}", wiring.stopping)
        wiring.rest_if_stopping()
        error = {"FunctionError": "Unhandled"} if answer.failed else {}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.loads(answer.payload), **error}

    apply(lambda_eval_utils, call, invoke)


def _patch_clients(apply: Patch, wiring: Wiring) -> None:
    # moto makes a boto3 client for each call of another service, too, and sends it to localhost:5000.
    make: Moto = boto3.Session("local", "local").client
    lock = threading.Lock()
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        read_timeout=86_400,
        max_pool_connections=256,
    )

    @functools.cache
    def made(service: str, region: str) -> Moto:
        return make(service, region, endpoint_url=wiring.endpoint, config=config)

    def boto_client_for(region: str, service: str, state_credentials: Moto = None) -> Moto:  # noqa: ARG001 - moto's signature
        with lock:
            return made(service, region)

    original = boto_client.boto_client_for
    for module in list(sys.modules.values()):
        if module.__name__.startswith("moto.stepfunctions") and getattr(module, "boto_client_for", None) is original:
            apply(module, "boto_client_for", boto_client_for)
