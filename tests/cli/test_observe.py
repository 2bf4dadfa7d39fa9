"""What can be seen of a run in S3, Step Functions and the ledger."""

from datetime import UTC, datetime, timedelta
from typing import IO

import boto3
import pytest

from cli import observe
from cli.observe import Observer, describe
from cli.progress import Execution, Stage, progress_of
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.labels import Label, Lineage, Unparsed
from plumbline.contracts.replay import Replay, ReplayStage
from plumbline.contracts.runs import RunRow
from plumbline.jsonl import write_models
from tests import builders as b

RUN = "run-1"


def start(stack: Stack) -> None:
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=stack.state_machine_arn, name=RUN, input=f'{{"run": {b.run().model_dump_json()}}}'
    )


def put_shards(stack: Stack, *sizes: int) -> S3ObjectStore:
    data = S3ObjectStore(stack.data_bucket)
    entries = ", ".join(f'{{"shard": "{n:05}", "cases": {size}}}' for n, size in enumerate(sizes))
    data.write(keys.shards(RUN), f"[{entries}]".encode())
    return data


def label(case_id: str, *repairs: str) -> Label:
    lineage = Lineage(prompt=b.REF, model_id="m", run_id=RUN)
    return Label(case_id=case_id, category="Billing Inquiry", confidence=1, repairs=repairs, lineage=lineage)


def test_nothing_there_is_a_run_that_has_not_started(stack: Stack) -> None:
    seen = Observer(stack, RUN, ("root_cause",)).look()
    assert progress_of(seen).stage is Stage.START


def test_the_execution_brings_the_run_s_settings(stack: Stack) -> None:
    start(stack)
    execution = describe(stack, RUN)
    assert execution is not None
    assert execution.status == "RUNNING"
    assert execution.run == b.run()


def test_shards_labels_repairs_and_errors_are_counted_and_read_again_only_when_changed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(stack)
    data = put_shards(stack, 2, 3, 4)
    for shard in ("00000", "00001"):
        write_models(data, keys.anonymized(RUN, shard), [])
        write_models(data, keys.replies(RUN, shard), [b.reply("1", "x"), b.reply("2", "x", from_cache=True)])
    write_models(data, keys.votes(RUN, "00000"), [b.reply("1", "x", sample=1, from_cache=True)])
    write_models(data, keys.labels(RUN, "00000"), [label("1"), label("2", "re_asked")])
    write_models(data, keys.unparsed(RUN, "00000"), [])
    write_models(data, keys.labels(RUN, "00001"), [label("3")])
    write_models(data, keys.unparsed(RUN, "00001"), [Unparsed(case_id="4", attempt=0, reason="no category")])
    data.write(keys.shard_failure(RUN, "00002"), b"{}")
    observer = Observer(stack, RUN, ("root_cause",))
    progress = progress_of(observer.look())
    assert (progress.shards, progress.shards_done, progress.cases) == (3, 2, 9)
    assert (progress.labeled, progress.repaired, progress.asking_again, progress.failed) == (3, 1, 1, 4)
    assert (progress.reused, progress.usd, progress.partial) == (3, 0.0, False)

    read: list[str] = []
    genuine = S3ObjectStore.open

    def noted(self: S3ObjectStore, key: str, version_id: str | None = None) -> IO[bytes]:
        read.append(key)
        return genuine(self, key, version_id)

    monkeypatch.setattr(S3ObjectStore, "open", noted)
    write_models(data, keys.labels(RUN, "00001"), [label("3"), label("4", "re_asked"), label("5")])
    write_models(data, keys.unparsed(RUN, "00001"), [])
    progress = progress_of(observer.look())
    assert (progress.labeled, progress.repaired, progress.asking_again, progress.shards_done) == (5, 2, 0, 3)
    assert sorted(read) == [keys.labels(RUN, "00001"), keys.unparsed(RUN, "00001")]


def test_a_large_run_is_caught_up_with_over_a_few_looks(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "_READS_A_LOOK", 5)
    start(stack)
    data = put_shards(stack, *[1] * 4)
    for n in range(4):
        write_models(data, keys.replies(RUN, f"{n:05}"), [b.reply(str(n), "x")])
        write_models(data, keys.labels(RUN, f"{n:05}"), [label(str(n))])
        write_models(data, keys.unparsed(RUN, f"{n:05}"), [])
    observer = Observer(stack, RUN, ("root_cause",))
    seen = [progress_of(observer.look()) for _ in range(3)]
    assert [progress.partial for progress in seen] == [True, True, False]
    assert [progress.labeled for progress in seen] == [1, 4, 4]


def test_a_run_that_cannot_be_is_found_under_the_stack_s_own_task(stack: Stack) -> None:
    failed = RunRow(
        run_id=RUN,
        task="root_cause",
        status="FAILED",
        source="incoming/a",
        started_at=b.NOW,
        error="InvalidPrompt",
        cause="no",
    )
    DynamoLedger(stack.ledger_table).put_run(failed)
    progress = progress_of(Observer(stack, RUN, ("nonsense", "root_cause")).look())
    assert (progress.state, progress.error, progress.cause) == ("FAILED", "InvalidPrompt", "no")


def test_an_object_that_vanishes_between_listing_and_reading_is_left_for_the_next_look(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(stack)
    data = put_shards(stack, 1)
    write_models(data, keys.unparsed(RUN, "00000"), [])
    observer = Observer(stack, RUN, ("root_cause",))
    listed = observer._list(None)
    boto3.client("s3").delete_object(Bucket=stack.data_bucket, Key=keys.unparsed(RUN, "00000"))
    monkeypatch.setattr(observer, "_list", lambda _: listed)
    assert progress_of(observer.look()).shards_done == 0


def test_a_stopped_execution_is_seen_as_such(stack: Stack) -> None:
    start(stack)
    boto3.client("stepfunctions").stop_execution(executionArn=stack.execution_arn(RUN))
    assert progress_of(Observer(stack, RUN, ("root_cause",)).look()).state == "STOPPED"


def test_another_version_s_input_does_not_stop_the_following(stack: Stack) -> None:
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=stack.state_machine_arn, name=RUN, input='{"run": {"new_field": 1}}'
    )
    execution = describe(stack, RUN)
    assert execution is not None
    assert execution.run is None


@pytest.mark.parametrize(
    ("stage", "hours_ago", "labeled", "at"),
    [
        ("label", -1, 0, Stage.LABEL),  # what lies there is of the execution before
        ("label", 1, 1, Stage.BALANCE),
        ("parse", -1, 0, Stage.LABEL),
        ("collate", -1, 1, Stage.COLLATE),
        ("balance", -1, 1, Stage.BALANCE),  # reads the summary that there is
    ],
)
def test_what_an_earlier_execution_wrote_is_no_progress_of_one_that_writes_it_anew(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, stage: ReplayStage, hours_ago: int, labeled: int, at: Stage
) -> None:
    data = put_shards(stack, 1)
    write_models(data, keys.labels(RUN, "00000"), [label("1")])
    write_models(data, keys.unparsed(RUN, "00000"), [])
    data.write(keys.summary(RUN), b"{}")
    now = datetime.now(UTC)
    run = b.run(replay=Replay(number=1, stage=stage, at=now))
    going = Execution("RUNNING", run, started=now - timedelta(hours=hours_ago))
    monkeypatch.setattr(observe, "describe", lambda *_: going)
    progress = progress_of(Observer(stack, RUN, ("root_cause",)).look())
    assert (progress.labeled, progress.stage) == (labeled, at)
