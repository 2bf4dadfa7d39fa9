"""EventBridge: targets that moto does not know, and the events of S3."""

import copy
import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.s3 import notifications
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.utilities.arns import parse_arn

from local.moto_patches import functions
from local.moto_patches.wiring import Moto, Patch, Wiring

if TYPE_CHECKING:  # the stand-in's models are heavy
    from local.bedrock.job_wire import Job

_log = logging.getLogger(__name__)
Event = dict[str, Any]
_pending = threading.local()
_S3_REASONS = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}


def patch(apply: Patch, wiring: Wiring) -> None:
    """Patch rules and S3's events."""
    # moto knows no Lambda and no Step Functions target and delivers while the caller waits; AWS has both, and delivers
    # asynchronously.
    moto_send = Rule.send_to_targets

    def send_to_targets(self: Moto, original_event: Moto, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not self.event_pattern.matches_event(original_event):
            return
        ours = [target for target in self.targets if parse_arn(target["Arn"]).service in {"lambda", "states"}]
        for target in ours:
            wiring.background.submit(_deliver, wiring, target, copy.deepcopy(original_event))
        if len(ours) < len(self.targets):
            others = copy.copy(self)
            others.targets = [target for target in self.targets if target not in ours]
            moto_send(others, original_event, transform_input)

    apply(Rule, "send_to_targets", send_to_targets)
    apply(notifications, "_send_event_bridge_message", _send_s3_event)


def _deliver(wiring: Wiring, target: dict[str, Any], event: Event) -> None:
    try:
        payload = json.dumps(_target_input(target, event))
        arn = parse_arn(target["Arn"])
        if arn.service == "states":
            backend = stepfunctions_parser_backends[arn.account][arn.region]
            backend.start_execution(target["Arn"], f"{event['id']}_{uuid.uuid4()}"[:80], payload)
            return
        function = functions.find(arn.account, arn.region, target["Arn"])
        if not _may_invoke(function):
            _log.error("EventBridge may not invoke %s: it has no AWS::Lambda::Permission", function.function_name)
            return
        functions.invoke_logged(wiring, functions.config_of(function), payload.encode())
    except Exception:  # noqa: BLE001 - nobody waits for a delivery; its failure is the operator's to find, in the log
        _log.exception("an event of type %s could not be delivered to %s", event.get("detail-type"), target["Arn"])


def _may_invoke(function: Moto) -> bool:
    # AWS delivers to a function only what the function's policy permits.
    return any("events.amazonaws.com" in str(statement.get("Principal")) for statement in function.policy.statements)


def _target_input(target: dict[str, Any], event: Event) -> object:
    sent: Moto = {name: value for name, value in event.items() if name != "ingestion-time"}
    if isinstance(sent["time"], int | float):
        sent["time"] = datetime.fromtimestamp(sent["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        known: Moto = {"ingestion-time": sent["time"], **sent}
        return EventTemplateParser.parse(transformer["InputTemplate"], transformer.get("InputPathsMap", {}), known)
    return sent


def _send_s3_event(account_id: str, bucket: Moto, event_name: str, key: Moto) -> None:
    # moto gives every event the same id, writes "eTag" for AWS's "etag", a "version-id" also where there is no
    # version, and hides every failure. The shape below is the one in Amazon's guide to S3 events in EventBridge.
    # moto also sends the event before the object has its metadata, and two for a multipart upload. AWS sends one, of
    # an object that is whole: so events wait for the request to end, and the last one for an object wins.
    stored = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": f"{time.time_ns():018X}"}
    if key.version_id not in {None, "null"}:
        stored["version-id"] = key.version_id
    how = str(getattr(event_name, "value", event_name)).rsplit(":", 1)[-1]
    event: Moto = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": getattr(notifications, "_detail_type")(event_name),  # noqa: B009 - private, and said so
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
    if not hasattr(_pending, "events"):
        _pending.events = {}
    what = (bucket.name, key.name, key.version_id, event["detail-type"])
    _pending.events.pop(what, None)
    _pending.events[what] = event


def send_pending() -> None:
    """Send the events of the request that this thread has just served."""
    events: dict[object, Moto] = getattr(_pending, "events", {})
    while events:
        publish(events.pop(next(iter(events))))


def publish(event: Moto) -> None:
    """Send an event to the rules of its account and region; a failure to do so is only logged."""
    try:
        for bus in list(events_backends[event["account"]][event["region"]].event_buses.values()):
            for rule in list(bus.rules.values()):
                rule.send_to_targets(event, transform_input=False)
    except Exception:  # noqa: BLE001 - as on AWS, whoever caused the event has nothing to do with this
        _log.exception("an event of %s could not be sent", event["resources"])


def send_status_change(execution: Moto) -> None:
    """Say that an execution has ended, once. moto sends no such event; its shape is the one in AWS's guide."""
    if getattr(execution, "status_change_sent", False):
        return
    execution.status_change_sent = True
    status = str(getattr(execution.exec_status, "value", execution.exec_status))
    machine = execution.state_machine
    detail: Moto = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": getattr(machine, "source_arn", None) or machine.arn,
        "name": execution.name,
        "status": status,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(execution.stop_date.timestamp() * 1000),
        "input": json.dumps(execution.input_data),
        "inputDetails": {"included": True},
        "output": json.dumps(execution.output) if status == "SUCCEEDED" else None,
        "error": execution.error or None,
        "cause": execution.cause or None,
    }
    publish(
        envelope(
            "aws.states",
            "Step Functions Execution Status Change",
            execution.exec_arn,
            execution.account_id,
            execution.region_name,
            detail,
        )
    )


def publish_batch_job(job: "Job", region: str) -> None:
    """Say that a batch job of Bedrock's has another status."""
    kind = "Batch Inference Job State Change"
    publish(envelope("aws.bedrock", kind, job.arn, DEFAULT_ACCOUNT_ID, region, job.event_detail()))


def envelope(source: str, kind: str, arn: str, account: str, region: str, detail: Mapping[str, Any]) -> Event:
    """An event of a service about one resource, as EventBridge hands it on."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": time.time(),
        "region": region,
        "resources": [arn],
        "detail": detail,
    }
