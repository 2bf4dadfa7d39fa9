"""Lambda without Docker: invocations go to the worker processes."""

import json
import logging

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend

from local.moto_patches.wiring import Moto, Patch, Wiring
from local.workers import FunctionConfig

_log = logging.getLogger(__name__)


def find(account: str, region: str, name_or_arn: str) -> Moto:
    """moto's function of that name or ARN. Raises moto's UnknownFunctionException."""
    return get_backend(account, region).get_function(name_or_arn)


def config_of(function: Moto) -> FunctionConfig:
    """What the workers need to know of moto's function."""
    return FunctionConfig(
        name=function.function_name,
        arn=function.function_arn,
        handler=function.handler,
        timeout=float(function.timeout),
        memory_mb=int(function.memory_size),
        environment={name: _text(value) for name, value in function.environment_vars.items()},
    )


def _text(value: object) -> str:
    # moto keeps a template's numbers and booleans as they are; CloudFormation makes them text.
    return str(value).lower() if isinstance(value, bool) else str(value)


def invoke_logged(wiring: Wiring, config: FunctionConfig, event: bytes) -> None:
    """Invoke with nobody waiting for the answer: a failure is only logged."""
    answer = wiring.invoke(config, event)
    if answer.failed:
        error = json.loads(answer.payload).get("errorType")
        _log.error("an asynchronous invocation of %s failed with %s; see the function's log", config.name, error)


def patch(apply: Patch, wiring: Wiring) -> None:
    """Patch Lambda's Invoke."""

    # moto runs a function in a Docker container, waits for it whatever the invocation type, and calls every error
    # "Handled". AWS queues InvocationType=Event and answers at once; an exception is "Unhandled". (AWS also tries a
    # failed asynchronous invocation twice more, minutes later; here it is tried once and the failure is logged.)
    def invoke(self: Moto, body: bytes | str | None, request_headers: Moto, response_headers: Moto) -> bytes:
        event = body if isinstance(body, bytes) else (body or "").encode()
        config = config_of(self)
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            wiring.background.submit(invoke_logged, wiring, config, event or b"{}")
            return b""
        answer = wiring.invoke(config, event or b"{}")
        response_headers["x-amz-executed-version"] = "$LATEST"
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.payload

    apply(LambdaFunction, "invoke", invoke)
