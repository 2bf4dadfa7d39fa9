"""Scenarios: workers die, events get lost or come twice, S3 and DynamoDB fail, stored replies vanish."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.disturbing import CallFault, InvocationFault
from plumbline import keys
from tests.chaos.scenario import Scenario
from tests.statemachine.pipeline import Pipeline, until

_JUNK = ({"do": "junk", "share": 0.5, "attempt": 0},)  # so that Repair has something to do
_BATCH: dict[str, Any] = {"mode": "batch", "cases": 12}


def _kill(function: str, operation: str = "", *calls: int, **more: Any) -> CallFault:
    return CallFault(do="kill", function=function, operation=operation, calls=calls, **more)


def _killed(name: str, fault: str, *kills: CallFault, **more: Any) -> Scenario:
    return Scenario(f"kill-{name}", fault, calls=kills, **more)


_STAGES = ("Ingest", "Anonymize", "SubmitBatch", "ImportBatch", "Classify", "Parse", "Repair", "Collate", "Report")
_ANYWHERE = [_kill(f"{stage}Function", share=0.1, times=1) for stage in _STAGES]
KILLS = [
    _killed("ingest", "Ingest at its 2nd and 5th call", _kill("IngestFunction", "", 2, 5)),
    _killed("ingest-written", "Ingest once its list of shards is written",
            _kill("IngestFunction", "PutObject", 1, contains="/shards.json", done=True)),
    _killed("anonymize", "Anonymize before and after it writes",
            _kill("AnonymizeFunction", "PutObject", 1), _kill("AnonymizeFunction", "PutObject", 1, done=True)),
    _killed("classify-asking", "Classify as it sets money aside", _kill("ClassifyFunction", "UpdateItem", 3)),
    _killed("classify-answered", "Classify with answers not stored yet",
            _kill("ClassifyFunction", "UpdateItem", 2, contains="response_data")),
    _killed("classify-stored", "Classify before it writes replies", _kill("ClassifyFunction", "PutObject", 1)),
    _killed("classify-random", "Classify at 8% of its calls, 3 times",
            _kill("ClassifyFunction", share=0.08, times=3), seed=3),
    _killed("classify-random-2", "the same with another seed",
            _kill("ClassifyFunction", share=0.08, times=3, done=True), seed=9),
    _killed("parse", "Parse at 25% of its calls, 3 times", _kill("ParseFunction", share=0.25, times=3), seed=5),
    _killed("repair", "Repair at 15% of its calls, 3 times", _kill("RepairFunction", share=0.15, times=3),
            rules=_JUNK, seed=2),
    _killed("collate", "Collate after its outcomes, and in the ledger",
            _kill("CollateFunction", "PutObject", 1, done=True), _kill("CollateFunction", "BatchWriteItem", 1)),
    _killed("report", "CheckBalance and Report once they wrote",
            _kill("CheckBalanceFunction", "PutObject", 1, done=True), _kill("ReportFunction", "PutItem", 1, done=True)),
    _killed("submit", "SubmitBatch as it plans", _kill("SubmitBatchFunction", share=0.3, times=3), seed=4, **_BATCH),
    _killed("submit-taken", "SubmitBatch between its two jobs",
            _kill("SubmitBatchFunction", "PutObject", 3, contains="/batch"), **_BATCH),
    _killed("import", "ImportBatch at 20% of its calls, 3 times",
            _kill("ImportBatchFunction", share=0.2, times=3), seed=6, **_BATCH),
    _killed("import-settled", "ImportBatch once it has settled",
            _kill("ImportBatchFunction", "UpdateItem", 1, done=True), **_BATCH),
    _killed("answered-batch", "Classify as it stores a batch's answers",
            _kill("ClassifyFunction", "UpdateItem", 3), **_BATCH),
    _killed("anywhere", "each function at 10% of its calls, once", *_ANYWHERE, rules=_JUNK, seed=8),
    _killed("anywhere-batch", "the same on the batch road", *_ANYWHERE, rules=_JUNK, seed=11, **_BATCH),
]  # fmt: skip
STORES = [
    Scenario("s3-500", "10% of S3's calls fail", calls=[CallFault(do="fail", service="s3", share=0.1)]),
    Scenario("s3-slow-down", "10% of S3's calls: SlowDown",
             calls=[CallFault(do="fail", service="s3", share=0.1, code="SlowDown")], seed=2),
    Scenario("s3-answers-lost", "10% of S3's writes done, answer lost",
             calls=[CallFault(do="fail", service="s3", operation="PutObject", share=0.2, done=True)], seed=3),
    Scenario("dynamodb-500", "10% of DynamoDB's calls fail",
             calls=[CallFault(do="fail", service="dynamodb", share=0.1, code="InternalServerError")], seed=4),
    Scenario("dynamodb-throttled", "10% of DynamoDB's calls throttled", calls=[
        CallFault(do="fail", service="dynamodb", share=0.1, code="ProvisionedThroughputExceededException")], seed=5),
    Scenario("dynamodb-answers-lost", "10% of DynamoDB's updates done, answer lost", calls=[
        CallFault(do="fail", service="dynamodb", operation="UpdateItem", share=0.1, done=True,
                  code="InternalServerError")], seed=6),
    Scenario("stores-batch", "7% of S3's and DynamoDB's calls fail",
             calls=[CallFault(do="fail", share=0.07, code="InternalError")], seed=7, **_BATCH),
    Scenario("forgotten", "all stored replies vanish between two attempts",
             calls=[_kill("ClassifyFunction", "PutObject", 1)], evict="stored"),
    Scenario("forgotten-under-way", "records of calls under way vanish", calls=[
        CallFault(do="tell", function="ClassifyFunction", operation="UpdateItem", contains="response_data",
                  calls=(1, 3))], evict="under way"),
]  # fmt: skip


def _gone(pipeline: Pipeline, run_id: str) -> None:
    """Wait until the event of the run's upload is lost."""
    until(pipeline.stack.disturbances.happened.total, "the loss of the event")
    assert run_id not in pipeline.executions(), "the event was not lost"


def _event_comes_later(pipeline: Pipeline, body: bytes, name: str, options: Mapping[str, str]) -> list[str]:
    """The upload's event is lost; the same event, sent again, finds the upload."""
    run_id, version = pipeline.put(body, name, **options)
    _gone(pipeline, run_id)
    pipeline.invoke("StartRunFunction", pipeline.event(f"{keys.INCOMING}{name}", version))
    return [run_id]


def _uploaded_again(pipeline: Pipeline, body: bytes, name: str, options: Mapping[str, str]) -> list[str]:
    """The upload's event is lost, and nobody sends it again; a second upload of the file has its own."""
    lost, _ = pipeline.put(body, name, **options)
    _gone(pipeline, lost)
    return [pipeline.put(body, name, **options)[0]]


def _started_at_once(pipeline: Pipeline, body: bytes, name: str, options: Mapping[str, str]) -> list[str]:
    """Three events of one upload at the same moment."""
    run_id, version = pipeline.put(body, name, **options)
    event = pipeline.event(f"{keys.INCOMING}{name}", version)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: pipeline.invoke("StartRunFunction", event), range(3)))
    return [run_id]


def _two_uploads(pipeline: Pipeline, body: bytes, name: str, options: Mapping[str, str]) -> list[str]:
    """The same file twice at once: two runs side by side over the same cases."""
    return [pipeline.put(body, name, **options)[0] for _ in range(2)]


_DROP = (InvocationFault(do="drop", function="StartRunFunction", times=1),)
EVENTS = [
    Scenario("event-lost", "the upload's event is lost, comes later", invocations=_DROP, drive=_event_comes_later),
    Scenario("event-lost-for-good", "lost; the file is uploaded again", invocations=_DROP, drive=_uploaded_again),
    Scenario("event-doubled", "the upload's event comes twice",
             invocations=[InvocationFault(do="double", function="StartRunFunction")]),
    Scenario("event-thrice-at-once", "three events of one upload at once", drive=_started_at_once,
             invocations=[InvocationFault(do="double", function="StartRunFunction")]),
    Scenario("start-killed", "StartRun dies before it starts, event again", drive=_event_comes_later,
             calls=[_kill("StartRunFunction", "PutItem", 1, done=True)]),
    Scenario("steps-doubled", "every step is carried out twice", rules=_JUNK,
             invocations=[InvocationFault(do="double")]),
    Scenario("steps-doubled-batch", "every step is carried out twice", rules=_JUNK,
             invocations=[InvocationFault(do="double")], **_BATCH),
    Scenario("answers-lost", "30% of steps done, answer lost", rules=_JUNK,
             invocations=[InvocationFault(do="lose", share=0.3, times=8)], seed=2),
    Scenario("answers-lost-batch", "30% of steps done, answer lost", rules=_JUNK,
             invocations=[InvocationFault(do="lose", share=0.3, times=8)], seed=3, **_BATCH),
    Scenario("two-runs-at-once", "the same file twice at once", drive=_two_uploads,
             invocations=[InvocationFault(do="double", function="StartRunFunction")]),
]  # fmt: skip
SCENARIOS = [*KILLS, *STORES, *EVENTS]
