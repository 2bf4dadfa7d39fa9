"""Logs and metrics of every stage: ids and counts only, never a payload, never case text."""

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from plumbline.contracts.base import Model
from plumbline.contracts.errors import InvalidEvent, PlumblineError

# Service and namespace come from Powertools' own variables in template.yaml: the stack's name, and Plumbline.
logger = Logger()
metrics = Metrics()

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], dict[str, Any]]
M = TypeVar("M", bound=Model)
_counted: Counter[str] = Counter()
_counting = threading.Lock()


def stage(name: str) -> Callable[[Handler], Handler]:
    """Wrap a handler: correlation ids on every log line, one line and one metric when it ends well or badly.

    The exception keeps its class name, which is the error name the state machine knows. One that is not ours loses its
    message: Lambda logs it and Step Functions passes it on, and it may quote case text.
    """

    def wrap(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def observed(event: Event, context: LambdaContext) -> dict[str, Any]:
            logger.append_keys(stage=name, request_id=context.aws_request_id, **_correlation(event))
            _take_counts()  # what was counted outside of any invocation is no metric of this one
            started = time.perf_counter()
            try:
                result = handler(event, context)
            except Exception as error:
                named = _speakable(error, name, context.aws_request_id)
                # No traceback: its lines can quote the values at hand.
                logger.error("stage failed", extra={"error": type(named).__name__, "why": str(named)})  # noqa: TRY400
                metrics.add_metric(name="StageErrors", unit=MetricUnit.Count, value=1)
                if named is error:
                    raise
                raise named from None
            else:
                seconds = round(time.perf_counter() - started, 3)
                logger.info("stage done", extra={"seconds": seconds, "counts": _counts(result)})
                metrics.add_metric(name="StageSeconds", unit=MetricUnit.Seconds, value=seconds)
                return result
            finally:
                for metric, value in _take_counts().items():
                    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
                metrics.add_dimension(name="stage", value=name)
                metrics.flush_metrics()
                logger.remove_keys(["run_id", "shard", "attempt"])

        return observed

    return wrap


def parse_event(kind: type[M], event: Mapping[str, Any]) -> M:
    """The event as a model. Raises InvalidEvent, which names the wrong fields and not their values."""
    try:
        return kind.model_validate(event)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'event'}: {e['msg']}"
            for e in error.errors(include_input=False)
        )
        raise InvalidEvent(f"not a {kind.__name__}: {wrong}; events/ shows what each function takes") from None


def count(name: str, value: float) -> None:
    """Add to a CloudWatch metric of this invocation, from any thread: one value a metric, sent when it ends."""
    with _counting:
        _counted[name] += value  # type: ignore[assignment]  # typeshed's Counter holds integers; any number works


def _take_counts() -> dict[str, float]:
    with _counting:
        taken: dict[str, float] = dict(_counted)
        _counted.clear()
    return taken


def _speakable(error: Exception, stage_name: str, request_id: str) -> Exception:
    if isinstance(error, PlumblineError):
        return error
    name = type(error).__name__
    kind: type[PlumblineError] = type(name, (PlumblineError,), {"__module__": __name__, "__doc__": error.__doc__})
    return kind(
        f"unexpected {name} in {stage_name}, request {request_id}; its message is withheld, it may quote a case"
    )


def _correlation(event: Mapping[str, Any]) -> dict[str, Any]:
    run = event.get("run")
    keys = {"run_id": run.get("run_id") if isinstance(run, Mapping) else None}
    keys |= {name: event.get(name) for name in ("shard", "attempt")}
    return {name: value for name, value in keys.items() if isinstance(value, str | int)}


def _counts(result: Mapping[str, Any]) -> dict[str, int | float]:
    return {name: value for name, value in result.items() if isinstance(value, int | float)}
