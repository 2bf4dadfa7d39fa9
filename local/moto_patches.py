"""Where moto is made to do what AWS does: the only module that touches moto's inside.

moto is pinned, because a patch replaces a function whose neighbours must be the ones read when it was written. Each
patch says what moto does and what AWS does. `applied` puts all of them in place and takes them back.
"""
# ruff: noqa: SLF001 - touching moto's private parts is this module's one purpose

import contextlib
import copy
import functools
import json
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
import moto
from botocore.config import Config
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend as lambda_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.config import default_user_config
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import Rule
from moto.events.utils import EventTemplateParser
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.models import moto_api_backend
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3 import notifications
from moto.stepfunctions import models as stepfunctions_models
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker as distributed_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.utilities.arns import parse_arn
from werkzeug.serving import BaseWSGIServer, make_server

from local.workers import Answer, FunctionConfig

MOTO_VERSION = "5.2.5"
# How many children of a Distributed Map without MaxConcurrency run at once here (AWS: up to 10,000).
UNLIMITED_MEANS = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wiring:
    """What the patches reach out to.

    `endpoint` is the moto server's URL. `invoke` runs a Lambda function. `background` runs what AWS does
    asynchronously. `time_scale` multiplies the state machines' Wait states and Retry intervals (1 = as written).
    """

    endpoint: str
    invoke: Callable[[FunctionConfig, bytes], Answer]
    background: Executor
    time_scale: float = 1.0


@contextlib.contextmanager
def applied(wiring: Wiring) -> Iterator[None]:
    """Run moto as patched while the block runs. Raises RuntimeError for a moto that the patches were not written for."""
    if moto.__version__ != MOTO_VERSION:
        message = (
            f"The embedded AWS patches moto {MOTO_VERSION}, but moto {moto.__version__} is installed. "
            f"Install moto=={MOTO_VERSION}, or read local/moto_patches.py against the new version and raise its pin."
        )
        raise RuntimeError(message)
    with contextlib.ExitStack() as stack:

        def patch(target: object, name: str, replacement: object) -> None:
            stack.enter_context(mock.patch.object(target, name, replacement))

        stack.enter_context(mock.patch.dict(default_user_config, {"stepfunctions": {"execute_state_machine": True}}))
        _patch_lambda(patch, wiring)
        _patch_events(patch, wiring)
        _patch_dynamodb(patch)
        _patch_step_functions(patch, wiring)
        _patch_maps(patch)
        yield


class _RequestHandler(MotoRequestHandler):  # type: ignore[misc]  # moto is untyped here
    """moto's handler without a log line for each request and without Nagle's delay between headers and body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


def bind(host: str, port: int) -> BaseWSGIServer:
    """A moto server that has its port and does not serve yet (moto's own ThreadedMotoServer fixes the handler)."""
    application = DomainDispatcherApplication(create_backend_app)
    return make_server(host, port, application, threaded=True, request_handler=_RequestHandler)


def forget_everything() -> None:
    """Empty every service of moto's in this process."""
    moto_api_backend.reset()


def seed_identifiers(seed: int | None) -> None:
    """Make moto's random identifiers (the physical names of resources) repeat for the same seed; None ends that."""
    mock_random.seed(seed)


Patch = Callable[[object, str, object], None]


def _function_config(function: Any) -> FunctionConfig:
    return FunctionConfig(
        name=function.function_name,
        arn=function.function_arn,
        handler=function.handler,
        timeout=float(function.timeout),
        memory_mb=int(function.memory_size),
        environment={name: str(value) for name, value in function.environment_vars.items()},
    )


def _patch_lambda(patch: Patch, wiring: Wiring) -> None:
    # moto runs a function in a Docker container, waits for it whatever the invocation type, and calls every error
    # "Handled". AWS queues InvocationType=Event and answers at once; an exception is "Unhandled". (AWS also tries a
    # failed asynchronous invocation twice more, minutes later; here it is tried once and the failure is logged.)
    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        event = body if isinstance(body, bytes) else (body or "{}").encode()
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        config = _function_config(self)
        if kind == "DryRun":
            return b""
        if kind == "Event":
            wiring.background.submit(_invoke_logged, wiring, config, event)
            return b""
        answer = wiring.invoke(config, event)
        response_headers["x-amz-executed-version"] = "$LATEST"
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.payload

    patch(LambdaFunction, "invoke", invoke)


def _invoke_logged(wiring: Wiring, config: FunctionConfig, event: bytes) -> None:
    answer = wiring.invoke(config, event or b"{}")
    if answer.failed:
        error = json.loads(answer.payload)
        _log.error("asynchronous invocation of %s failed: %s (see its log)", config.name, error.get("errorType"))


def _patch_events(patch: Patch, wiring: Wiring) -> None:
    # moto knows no Lambda and no Step Functions target and delivers while the caller waits; AWS has both, and delivers
    # asynchronously. AWS delivers to Lambda only what the function's policy permits.
    moto_send = Rule.send_to_targets

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not self.event_pattern.matches_event(original_event):
            return
        ours = [target for target in self.targets if parse_arn(target["Arn"]).service in ("lambda", "states")]
        for target in ours:
            wiring.background.submit(_deliver, wiring, target, copy.deepcopy(original_event))
        if len(ours) < len(self.targets):
            others = copy.copy(self)
            others.targets = [target for target in self.targets if target not in ours]
            moto_send(others, original_event, transform_input)

    patch(Rule, "send_to_targets", send_to_targets)
    patch(notifications, "_send_event_bridge_message", _send_s3_event)


def _deliver(wiring: Wiring, target: dict[str, Any], event: dict[str, Any]) -> None:
    try:
        payload = json.dumps(_target_input(target, event))
        arn = parse_arn(target["Arn"])
        if arn.service == "states":
            backend = parser_models.stepfunctions_parser_backends[arn.account][arn.region]
            backend.start_execution(target["Arn"], f"{event['id']}_{uuid.uuid4()}", payload)
            return
        function = lambda_backend(arn.account, arn.region).get_function(target["Arn"])
        if not any("events.amazonaws.com" in str(statement.get("Principal")) for statement in function.policy.statements):
            _log.error("EventBridge may not invoke %s: it has no AWS::Lambda::Permission", function.function_name)
            return
        _invoke_logged(wiring, _function_config(function), payload.encode())
    except Exception:
        _log.exception("an event of type %s could not be delivered to %s", event.get("detail-type"), target["Arn"])


def _target_input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    sent = {name: value for name, value in event.items() if name != "ingestion-time"}
    if isinstance(sent["time"], int | float):
        sent["time"] = datetime.fromtimestamp(sent["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        with_ingestion = {"ingestion-time": sent["time"], **sent}
        return EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), with_ingestion
        )
    return sent


_S3_REASONS = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}


def _send_s3_event(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
    # moto sends every event with one id, "eTag" for AWS's "etag", a "version-id" also where there is no version,
    # and hides every failure. The shape below is the one in Amazon's guide to S3 events in EventBridge.
    stored: dict[str, Any] = {"key": key.name, "size": key.size, "etag": key.etag.strip('"')}
    if key.version_id not in (None, "null"):
        stored["version-id"] = key.version_id
    stored["sequencer"] = f"{time.time_ns():018X}"
    how = str(getattr(event_name, "value", event_name)).rsplit(":", 1)[-1]
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": notifications._detail_type(event_name),
        "source": "aws.s3",
        "account": account_id,
        "time": time.time(),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": stored,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": _S3_REASONS.get(how, how),
        },
    }
    try:
        for bus in notifications_buses(account_id, bucket.region_name):
            for rule in list(bus.rules.values()):
                rule.send_to_targets(event, transform_input=False)
    except Exception:
        # As on AWS, whoever put the object has nothing to do with this.
        _log.exception("the event of an object in bucket %s could not be sent", bucket.name)


def notifications_buses(account_id: str, region: str) -> list[Any]:
    """The event buses of a region."""
    from moto.events.models import events_backends  # noqa: PLC0415 - moto itself imports it this late: a cycle

    return list(events_backends[account_id][region].event_buses.values())


def _patch_dynamodb(patch: Patch) -> None:
    # moto reads, changes and writes an item with no lock: of 1,800 concurrent ADDs it lost 4, and two conditional puts
    # can both win. On AWS each write is atomic. (A table's stream that triggers a function which writes to DynamoDB
    # would deadlock here: nothing uses one.)
    lock = threading.RLock()
    moto_call = DynamoHandler.call_action

    def call_action(self: Any) -> Any:
        with lock:
            return moto_call(self)

    patch(DynamoHandler, "call_action", call_action)


def _patch_step_functions(patch: Patch, wiring: Wiring) -> None:
    # moto's CloudFormation creates state machines on the backend that does not run them.
    patch(stepfunctions_models, "stepfunctions_backends", parser_models.stepfunctions_parser_backends)
    # AWS has !GetAtt StateMachine.Arn; moto has not.
    machine = stepfunctions_models.StateMachine
    moto_get, moto_has = machine.get_cfn_attribute, machine.has_cfn_attr
    patch(machine, "has_cfn_attr", classmethod(lambda _, attr: attr == "Arn" or moto_has(attr)))
    patch(machine, "get_cfn_attribute", lambda self, attr: self.arn if attr == "Arn" else moto_get(self, attr))

    # moto needs a name, and two simultaneous starts under one name may both pass. AWS makes a name up, and one wins.
    backend = parser_models.StepFunctionsParserBackend
    moto_start, lock = backend.start_execution, threading.Lock()

    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return moto_start(self, state_machine_arn, name or str(uuid.uuid4()), *args, **kwargs)

    patch(backend, "start_execution", start_execution)

    # moto sets an execution's environment up in the execution's thread: describing its history or map runs right after
    # the start fails with an AttributeError.
    moto_environment, moto_worker_start = ExecutionWorker._get_evaluation_environment, ExecutionWorker.start

    def environment(self: Any) -> Any:
        return self.env or moto_environment(self)

    def start(self: Any) -> None:
        self.env = environment(self)
        moto_worker_start(self)

    patch(ExecutionWorker, "_get_evaluation_environment", environment)
    patch(ExecutionWorker, "start", start)
    _patch_waiting(patch, wiring)
    _patch_clients(patch, wiring)


def _patch_waiting(patch: Patch, wiring: Wiring) -> None:
    # Tests of retries must not take minutes: Wait and Retry intervals can be scaled. moto's own wait never ends when
    # it is given a fraction of a second.
    def wait_interval(_: Any, env: Any, wait_seconds: float) -> None:
        deadline = time.monotonic() + wait_seconds * wiring.time_scale
        while env.is_running() and (left := deadline - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    class ScaledTime:
        @staticmethod
        def sleep(seconds: float) -> None:
            threading.Event().wait(seconds * wiring.time_scale)

    patch(WaitFunction, "_wait_interval", wait_interval)
    patch(retrier_decl, "time", ScaledTime)


def _patch_clients(patch: Patch, wiring: Wiring) -> None:
    # moto makes two boto3 clients for each task (58% of a task's time) and sends them to localhost:5000.
    session = boto3.Session("local", "local", region_name="us-east-1")
    lock = threading.Lock()
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        connect_timeout=60,
        read_timeout=86_400,
        max_pool_connections=256,
    )

    @functools.cache
    def made(service: str, region: str) -> Any:
        return session.client(service, region, endpoint_url=wiring.endpoint, config=config)  # type: ignore[call-overload]  # any service

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG001 - moto's signature
        with lock:
            return made(service, region)

    # A Lambda task would go through a boto3 client and this process's own HTTP server, 5 ms of CPU: go straight there.
    moto_invoke = lambda_eval_utils._invoke_lambda_function

    def invoke_lambda(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        try:
            function = lambda_backend(DEFAULT_ACCOUNT_ID, region).get_function(parameters["FunctionName"])
        except UnknownFunctionException:
            result: dict[str, Any] = moto_invoke(parameters, region, state_credentials)  # its error has AWS's shape
            return result
        answer = wiring.invoke(_function_config(function), parameters.get("Payload", b"{}"))
        error = {"FunctionError": "Unhandled"} if answer.failed else {}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.loads(answer.payload), **error}

    patch(lambda_eval_utils, "_invoke_lambda_function", invoke_lambda)
    original = boto_client.boto_client_for
    for module in list(sys.modules.values()):
        if module.__name__.startswith("moto.stepfunctions") and getattr(module, "boto_client_for", None) is original:
            patch(module, "boto_client_for", boto_client_for)


def _patch_maps(patch: Patch) -> None:
    # moto runs a map's next item by calling itself, so that about 987 items in one worker end in a RecursionError and
    # a map that hangs RUNNING. It also keeps every thread it ever started, and each child's history.
    def eval_pool(self: Any, job: Any, worker_frame: Any) -> None:
        is_distributed = isinstance(self, distributed_worker.DistributedItemProcessorWorker)
        end_frame = "delete_frame" if is_distributed else "close_frame"
        while job is not None:
            job_frame = worker_frame.open_inner_frame()
            if is_distributed:
                job_frame.event_manager = EventManager()
                self._map_run_record.item_counter.pending.offset(-1)
                self._map_run_record.item_counter.total.offset(-1)
            self._eval_job(env=job_frame, job=job)
            getattr(worker_frame, end_frame)(job_frame)
            TMP_THREADS.clear()
            stop = isinstance(job.job_output, Exception) or self.stopped()
            following = None if stop else self._job_pool.next_job()
            if following is None:
                if not is_distributed and not stop:
                    last = job_frame.event_history_context.last_published_event_id
                    worker_frame.event_history_context.source_event_id = last
                # The frame closes before the job: a map waits for its jobs to end, not for its workers.
                getattr(self._env, end_frame)(worker_frame)
            self._job_pool.close_job(job)
            job = following
            if job is None:
                return
        getattr(self._env, end_frame)(worker_frame)

    patch(iteration_worker.IterationWorker, "_eval_pool", eval_pool)
    patch(distributed_worker.DistributedItemProcessorWorker, "_eval_pool", eval_pool)

    # moto counts a map run's items as they begin, and a map run whose children fail SUCCEEDS. AWS counts them all from
    # the start, and fails the run when more fail than are tolerated.
    moto_map_run = distributed.DistributedIterationComponent._map_run

    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        record, items = eval_input.map_run_record, env.stack[-1]
        record.item_counter.total.count(len(items))
        record.item_counter.pending.count(len(items))
        # moto starts as many threads as the limit says, however few items there are; no limit means one for each item.
        record.max_concurrency = min(record.max_concurrency or UNLIMITED_MEANS, max(len(items), 1))
        moto_map_run(self, env, eval_input)
        failed = record.item_counter.failed.get() + record.item_counter.timed_out.get()
        share = eval_input.tolerated_failure_percentage * len(items) / 100
        if failed > max(eval_input.tolerated_failure_count, share):
            raise _too_many_failed(env)

    patch(distributed.DistributedIterationComponent, "_map_run", map_run)


def _too_many_failed(env: Any) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesExceedToleratedFailureThreshold)
    details = MapRunFailedEventDetails(
        error=name.error_name, cause="The specified tolerated failure threshold was exceeded"
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.MapRunFailed,
            event_details=EventDetails(mapRunFailedEventDetails=details),
        )
    )
