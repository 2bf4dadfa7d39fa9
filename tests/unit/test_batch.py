"""From masked shards to labels through a batch: submitted once, imported whole, the rest asked on demand."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from plumbline import keys
from plumbline.batch.first import BatchFirst, answers_of
from plumbline.batch.records import job_name, new_job, record_id, shard_of
from plumbline.check_batch import LONGEST_WAIT, check_batch, wait_seconds, waited_seconds
from plumbline.classify import classify
from plumbline.contracts.base import Model
from plumbline.contracts.batch import (
    BatchAnswer,
    BatchJob,
    BatchLimits,
    BatchRecord,
    BatchSubmission,
    CheckBatchTask,
    ImportBatchResult,
    ImportBatchTask,
    RecordError,
    SubmitBatchResult,
    SubmitBatchTask,
)
from plumbline.contracts.batch_summary import BatchSummary, JobStatus
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import BatchRefused, BrokenInvariant, ModelThrottled, PlumblineError
from plumbline.contracts.replies import ModelRequest, Reply, Usage
from plumbline.contracts.runs import ClassifyTask, ShardEntry
from plumbline.import_batch import import_batch
from plumbline.jsonl import read_models
from plumbline.prompting import build_request
from plumbline.submit_batch import submit_batch
from tests import builders as b
from tests.fakes import FakeModel, MemorySpend, MemoryStore
from tests.unit.batch_fakes import USAGE, MemoryBatch, MemoryReplies, answered, failed

MODEL = "local.test"
RUN = "run-1"


class World:
    """A run with masked shards, and everything that its batch talks to."""

    def __init__(self, *shards: list[AnonymizedCase], **limits: int) -> None:
        self.data = MemoryStore()
        self.model = MemoryBatch()
        self.replies = MemoryReplies()
        self.spend = MemorySpend()
        self.run = b.run(mode="batch")
        self.limits = BatchLimits.model_validate({"min_records": 1} | limits)
        self.usd_of_a_record = 0.5
        self.sizes = [len(shard) for shard in shards]
        self.list_shards(*(f"{number:05d}" for number in range(len(shards))))
        for number, cases in enumerate(shards):
            b.store_cases(self.data, *cases, shard=f"{number:05d}")

    def list_shards(self, *names: str) -> None:
        entries = [ShardEntry(shard=name, cases=1).model_dump() for name in names]
        self.data.write(keys.shards(RUN), json.dumps(entries).encode())

    def submit(self) -> SubmitBatchResult:
        return submit_batch(
            SubmitBatchTask(run=self.run, ingest=b.ingest_result(1)),
            data=self.data,
            model=self.model,
            replies=self.replies,
            spend=self.spend,
            prompt=b.prompt(),
            limits=self.limits,
            most_usd=lambda _: self.usd_of_a_record,
        )

    def end(self, status: JobStatus = "Completed", lines: Callable[[list[str]], list[Any]] | None = None) -> None:
        self.model.end(self.data, RUN, status, lines or (lambda ids: [answered(one) for one in ids]))

    def take(self) -> ImportBatchResult:
        return import_batch(
            ImportBatchTask(run=self.run),
            data=self.data,
            model=self.model,
            spend=self.spend,
            usd=lambda usage: usage.output_tokens / 1000,
        )

    def label(self, model: FakeModel, shard: str = "00000") -> dict[str, Reply]:
        task = ClassifyTask(run=self.run, shard=shard, mode="answered")
        first = BatchFirst(answers_of(task, self.data), model)
        classify(task, data=self.data, model=first, prompt=b.prompt(), concurrency=2)
        return {reply.case_id: reply for reply in read_models(self.data, keys.replies(RUN, shard), Reply)}

    def read(self, key: str, kind: type[Model]) -> Any:
        return kind.model_validate_json(self.data.read(key))

    @property
    def submission(self) -> BatchSubmission:
        found: BatchSubmission = self.read(keys.batch(RUN), BatchSubmission)
        return found

    @property
    def summary(self) -> BatchSummary:
        found: BatchSummary = self.read(keys.batch_summary(RUN), BatchSummary)
        return found

    def key_of(self, case: AnonymizedCase) -> str:
        return build_request(b.prompt(), case, MODEL).key

    def records(self) -> list[list[str]]:
        """The record ids of each job, in the order of its file."""
        lines = [self.data.read(job.records_key).splitlines() for job in self.submission.jobs]
        return [[json.loads(line)["recordId"] for line in some] for some in lines]


def cases(*ids: str) -> list[AnonymizedCase]:
    return [b.case(one, text=f"about {one}") for one in ids]


def on_demand() -> FakeModel:
    return FakeModel(lambda _: "asked on demand")


# ----------------------------------------------------------------------------------------------------- the whole road
def test_masked_shards_go_through_a_job_and_come_back_as_replies_without_a_call() -> None:
    world = World(cases("a", "b"), cases("c"))
    assert world.submit() == SubmitBatchResult(jobs=1, records=3)
    assert world.records() == [["00000000000", "00000000001", "00000100000"]]
    world.end(lines=lambda ids: [answered(one) for one in reversed(ids)])
    assert world.take() == ImportBatchResult(answered=3, to_ask=0)
    model = on_demand()
    replies = world.label(model) | world.label(model, "00001")
    assert {case_id: reply.text for case_id, reply in replies.items()} == {
        "a": "said of 00000000000",
        "b": "said of 00000000001",
        "c": "said of 00000100000",
    }
    assert all(reply.batch for reply in replies.values())
    assert model.requests == []


@pytest.mark.parametrize("status", ["Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"])
def test_however_a_job_ends_its_output_counts_and_the_rest_is_asked_on_demand(status: JobStatus) -> None:
    world = World(cases("a", "b", "c"))
    world.submit()
    world.end(status, lambda ids: [answered(ids[1]), failed(ids[2], 429)])
    assert world.take() == ImportBatchResult(answered=1, to_ask=2)
    summary = world.summary
    assert (summary.jobs, summary.errors, summary.missing) == ({status: 1}, {"429": 1}, 1)
    model = on_demand()
    replies = world.label(model)
    assert [replies[one].batch for one in ("a", "b", "c")] == [False, True, False]
    assert len(model.requests) == 2


@pytest.mark.parametrize("status", ["Failed", "Expired"])
def test_a_job_that_wrote_nothing_leaves_every_case_to_be_asked(status: JobStatus) -> None:
    world = World(cases("a", "b"))
    world.submit()
    world.end(status, lambda _: [])
    assert world.take() == ImportBatchResult(answered=0, to_ask=2)
    assert world.summary.missing == 2
    model = on_demand()
    assert all(reply.text == "asked on demand" for reply in world.label(model).values())


def test_output_with_repeats_strangers_and_junk_is_accounted_for_and_the_first_answer_counts() -> None:
    world = World(cases("a", "b", "c"))
    world.submit()
    strangers = [
        answered("99999900000"),
        answered("x" * 40),
        answered("9" * 30),
        answered("00000000007"),
        "{half",
        "[]",
    ]
    world.model.answer = lambda line, own=world.model.answer: None if line.startswith(b"[") else own(line)  # type: ignore[method-assign, misc]
    world.end(
        lines=lambda ids: [*strangers, answered(ids[1]), answered(ids[1], "again"), failed(ids[1]), answered(ids[0])]
    )
    world.take()
    summary = world.summary
    assert (summary.records, summary.answered, summary.missing) == (3, 2, 1)
    assert (summary.repeated, summary.strangers) == (2, 6)
    assert world.label(on_demand())["b"].text == "said of 00000000001"


def test_an_answer_takes_the_place_of_an_error_whichever_came_first() -> None:
    world = World(cases("a", "b"))
    world.submit()
    world.end(lines=lambda ids: [failed(ids[0]), answered(ids[0]), answered(ids[1]), failed(ids[1])])
    assert world.take() == ImportBatchResult(answered=2, to_ask=0)
    summary = world.summary
    assert (summary.errors, summary.missing, summary.repeated) == ({}, 0, 2)
    assert summary.usage == USAGE + USAGE
    assert world.label(on_demand())["a"].text == "said of 00000000000"


def test_what_an_output_cost_that_cannot_be_read_is_spent() -> None:
    world = World(cases("a"))
    world.submit()
    unreadable = RecordError(code="unreadable_output", usage=USAGE)
    world.model.answer = lambda _: ("00000000000", unreadable)  # type: ignore[method-assign, assignment]  # the fake's lines
    world.end()
    assert world.take() == ImportBatchResult(answered=0, to_ask=1)
    assert world.spend.spent(RUN) == pytest.approx(0.02)


def test_what_the_service_says_of_a_record_is_kept_nowhere() -> None:
    world = World(cases("a"))
    world.submit()
    world.end(lines=lambda ids: [failed(one) for one in ids])
    world.take()
    written = [key for key in world.data.objects if "batch/" in key and "/output/" not in key]
    assert not [key for key in written if b"quotes" in world.data.read(key)]


# ------------------------------------------------------------------------------------------------- what is submitted
def test_cases_for_a_person_with_a_reply_or_with_anothers_text_are_not_submitted() -> None:
    [held] = cases("held")
    twin = b.case("a", text="the same").model_copy(update={"subject": "s"})
    world = World(
        [*cases("known"), held.model_copy(update={"review": ("leftover: EMAIL",)}), twin],
        [twin.model_copy(update={"case_id": "twin"}), *cases("other")],
    )
    world.replies.known = {world.key_of(case) for case in cases("known")}
    assert world.submit().records == 2
    found = world.submission
    assert (found.reused, found.review, found.same) == (1, 1, 1)
    assert world.records() == [["00000000002", "00000100001"]]
    world.end()
    assert world.take() == ImportBatchResult(answered=2, to_ask=0)
    assert world.label(on_demand(), "00001")["twin"].text == "said of 00000000002"


def test_a_twin_within_the_first_records_of_a_job_is_noticed() -> None:
    twin = b.case("a", text="the same").model_copy(update={"subject": "s"})
    world = World([twin, twin.model_copy(update={"case_id": "b"}), *cases("c")], min_records=2)
    assert (world.submit().records, world.submission.same) == (2, 1)


def test_a_job_takes_no_more_records_than_the_service_allows() -> None:
    world = World(cases(*"abcdefg"), max_records=3)
    assert world.submit() == SubmitBatchResult(jobs=3, records=7)
    assert [len(ids) for ids in world.records()] == [3, 3, 1]
    world.end()
    assert world.take().answered == 7


def test_a_file_has_no_more_bytes_than_the_service_allows() -> None:
    world = World(cases(*"abcdef"))
    world.submit()
    size = world.submission.jobs[0].bytes // 6
    again = World(cases(*"abcdef"), max_bytes=max(1000, size * 2 + 10))
    again.submit()
    for job in again.submission.jobs:
        assert len(again.data.read(job.records_key)) == job.bytes <= again.limits.max_bytes
    assert sum(job.records for job in again.submission.jobs) == 6


def test_a_record_larger_than_a_file_may_be_is_left_to_be_asked_on_demand() -> None:
    world = World([b.case("huge", text="x" * 3000), *cases("a")], max_bytes=2500)
    result = world.submit()
    assert (result.jobs, result.records) == (1, 1)
    assert "larger" in str(result.reason)


def test_too_few_records_make_no_job_and_the_reason_says_so() -> None:
    world = World(cases("a", "b"), min_records=3)
    result = world.submit()
    assert (result.jobs, result.records) == (0, 0)
    assert "2 records are fewer than the 3" in str(result.reason)
    assert world.model.calls == 0
    assert world.spend.held(RUN) == 0
    assert not [key for key in world.data.objects if "/records/" in key]
    model = on_demand()
    assert len(world.label(model)) == len(model.requests) == 2


def test_a_last_job_that_would_be_too_small_is_left_out() -> None:
    world = World(cases(*"abcde"), min_records=2, max_records=2)
    result = world.submit()
    assert (result.jobs, result.records) == (2, 4)
    assert "1 records are fewer" in str(result.reason)
    world.end()
    assert world.take() == ImportBatchResult(answered=4, to_ask=0)


def test_nothing_left_to_submit_says_why() -> None:
    world = World(cases("a"))
    world.replies.known = {world.key_of(case) for case in cases("a")}
    result = world.submit()
    assert result.jobs == 0
    assert "answer already" in str(result.reason)


def test_a_shard_that_could_not_be_masked_is_not_in_the_list_to_label_and_sinks_nothing() -> None:
    world = World(cases("a"))
    world.list_shards("00000", "00001")
    assert world.submit().records == 1
    listed = json.loads(world.data.read(keys.masked_shards(RUN)))
    assert [entry["shard"] for entry in listed] == ["00000"]
    b.store_cases(world.data, *cases("later"), shard="00001")
    world.submit()
    listed = json.loads(world.data.read(keys.masked_shards(RUN)))
    assert [entry["shard"] for entry in listed] == ["00000", "00001"]


# ------------------------------------------------------------------------------------------------------------ twice
def test_submitting_again_submits_nothing_again() -> None:
    world = World(cases(*"abcd"), max_records=2)
    first = world.submit()
    calls, held = world.model.calls, world.spend.held(RUN)
    assert world.submit() == first
    assert (world.model.calls, world.spend.held(RUN)) == (calls, held)


def test_a_submission_that_broke_off_goes_on_where_it_was() -> None:
    world = World(cases(*"abcd"), max_records=2)
    world.model.refuses = lambda job: ModelThrottled("later") if job.name.endswith("-1") else None
    with pytest.raises(ModelThrottled):
        world.submit()
    planned = world.submission.jobs
    world.model.refuses = lambda _: None
    world.replies.known = {world.key_of(case) for case in cases("c")}  # answered since: the plan stays
    assert world.submit() == SubmitBatchResult(jobs=2, records=4)
    assert [job.name for job in world.submission.jobs] == [job.name for job in planned]
    assert world.model.calls == 3
    assert world.spend.held(RUN) == pytest.approx(2.0)


def test_what_was_set_aside_before_a_crash_is_not_set_aside_again() -> None:
    world = World(cases("a", "b"))
    world.submit()
    crashed = world.submission
    world.data.write(
        keys.batch(RUN),
        crashed.model_copy(
            update={"reserved_usd": 0.0, "jobs": tuple(j.model_copy(update={"job_arn": None}) for j in crashed.jobs)}
        )
        .model_dump_json()
        .encode(),
    )
    world.submit()
    assert world.spend.held(RUN) == pytest.approx(1.0)


def test_importing_again_settles_nothing_twice_and_writes_the_same() -> None:
    world = World(cases("a", "b"))
    world.submit()
    world.end()
    first = world.take()
    written, spent = dict(world.data.objects), world.spend.spent(RUN)
    assert spent == pytest.approx(0.04)
    assert world.spend.held(RUN) == pytest.approx(0.0)
    assert world.take() == first
    assert world.data.objects == written
    assert world.spend.spent(RUN) == pytest.approx(spent)
    assert world.spend.held(RUN) == pytest.approx(0.0)


def test_importing_again_settles_nothing_twice_whatever_other_calls_left_set_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[Usage] = []
    monkeypatch.setattr("plumbline.import_batch.count_usage", lambda _model, usage, batch: counted.append(usage))
    world = World(cases("a", "b"))
    world.submit()
    world.end()
    world.take()
    spent = world.spend.spent(RUN)
    world.spend.reserve(RUN, 5.0, 50.0)  # a call on demand that got no answer
    world.take()
    assert (world.spend.spent(RUN), world.spend.held(RUN)) == pytest.approx((spent, 5.0))
    assert len(counted) == 1


def test_a_batch_is_set_aside_whole_beside_what_other_calls_left_set_aside() -> None:
    world = World(cases("a", "b"))
    world.spend.reserve(RUN, 0.7, 50.0)
    world.submit()
    assert world.spend.held(RUN) == pytest.approx(1.7)


def test_of_attempts_that_overlap_the_first_plan_stands() -> None:
    world = World(cases("a", "b"))
    record = world.model.record

    def meanwhile(record_id: str, request: ModelRequest) -> bytes:
        world.model.record = record  # type: ignore[method-assign]  # another attempt plans and submits now
        assert world.submit().jobs == 1
        world.replies.known = {world.key_of(case) for case in cases("b")}
        return record(record_id, request)

    world.model.record = meanwhile  # type: ignore[method-assign]  # the fake's records
    assert world.submit() == SubmitBatchResult(jobs=1, records=2)
    assert world.model.calls == 1
    assert world.spend.held(RUN) == pytest.approx(1.0)


# ----------------------------------------------------------------------------------------------- refusals and money
def test_a_run_that_is_to_fail_fast_asks_on_demand_where_the_service_takes_no_job_now() -> None:
    world = World(cases("a", "b"))
    world.run = b.run(mode="batch", fail_fast=True)
    world.model.refuses = lambda _: ModelThrottled("too many jobs")
    result = world.submit()
    assert result.jobs == 0
    assert "too many jobs" in str(result.reason)
    assert world.spend.held(RUN) == 0


def test_a_model_without_batch_sets_nothing_aside_and_says_why() -> None:
    world = World(cases("a", "b"))
    world.model.refuses = lambda _: BatchRefused("no batch inference of this model")
    result = world.submit()
    assert (result.jobs, result.reason) == (0, "no batch inference of this model")
    assert world.spend.held(RUN) == 0
    world.model.refuses = lambda _: None
    assert world.submit().jobs == 0, "its cases are asked on demand by now: a job would pay for them again"


def test_a_later_job_that_is_refused_leaves_the_first_ones_running() -> None:
    world = World(cases(*"abc"), max_records=1)
    refused: PlumblineError = BatchRefused("too many")
    world.model.refuses = lambda job: refused if job.name.endswith("-1") else None
    assert world.submit() == SubmitBatchResult(jobs=1, records=1, reason="too many")
    assert world.spend.held(RUN) == pytest.approx(0.5)
    world.end()
    assert world.take() == ImportBatchResult(answered=1, to_ask=0)
    assert world.spend.held(RUN) == pytest.approx(0.0)


def test_what_the_budget_has_no_room_for_stays_out_of_the_jobs() -> None:
    world = World(cases(*"abcd"))
    world.run = b.run(mode="batch", budget_usd=1.2)
    result = world.submit()
    assert (result.records, world.submission.over_budget) == (2, 2)
    assert "budget" in str(result.reason)
    assert world.spend.held(RUN) == pytest.approx(1.0)


def test_a_model_without_a_price_is_not_capped() -> None:
    world = World(cases("a"))
    world.usd_of_a_record = 0.0
    assert world.submit().jobs == 1
    assert world.spend.held(RUN) == 0


def test_an_account_that_does_not_add_up_is_an_error() -> None:
    world = World(cases("a", "b"))
    world.submit()
    world.end()
    index = world.data.read(keys.batch_index(RUN)).splitlines(keepends=True)
    world.data.write(keys.batch_index(RUN), index[0])
    with pytest.raises(BrokenInvariant, match="2 records were submitted"):
        world.take()


# -------------------------------------------------------------------------------------------------------- the waiting
def test_waits_grow_and_a_day_is_some_150_checks() -> None:
    waits = [wait_seconds(checked) for checked in range(200)]
    assert waits[0] == 60
    assert waits == sorted(waits)
    assert max(waits) == LONGEST_WAIT
    checks = next(checked for checked in range(1000) if waited_seconds(checked) >= 24 * 3600)
    assert 140 <= checks <= 160


def test_a_check_counts_itself_and_ends_when_every_job_has_ended() -> None:
    world = World(cases(*"ab"), max_records=1)
    world.submit()
    task = CheckBatchTask(run=world.run, checked=3)
    going = check_batch(task, data=world.data, model=world.model, batch_hours=24)
    assert (going.ended, going.checked, going.records) == (False, 4, 2)
    first, second = world.model.submitted
    world.model.states[first] = "Failed"
    assert not check_batch(task, data=world.data, model=world.model, batch_hours=24).ended
    world.model.states[second] = "Stopped"
    assert check_batch(task, data=world.data, model=world.model, batch_hours=24).ended
    assert world.model.stopped == []


def test_a_job_that_outlives_its_time_is_stopped() -> None:
    world = World(cases("a"))
    world.submit()
    checks = next(checked for checked in range(1000) if waited_seconds(checked) > 27 * 3600)
    task = CheckBatchTask(run=world.run, checked=checks)
    assert not check_batch(task, data=world.data, model=world.model, batch_hours=24).ended
    assert world.model.stopped == list(world.model.submitted)
    check_batch(task, data=world.data, model=world.model, batch_hours=24)
    assert len(world.model.stopped) == 1


# ------------------------------------------------------------------------------------------------------- the answers
def test_an_answer_to_another_request_than_todays_is_not_used() -> None:
    world = World(cases("a"))
    world.submit()
    world.end()
    world.take()
    b.store_cases(world.data, b.case("a", text="masked in another way since"))
    assert world.label(on_demand())["a"].text == "asked on demand"


def test_a_shard_that_is_labeled_for_another_reason_takes_no_batchs_answers() -> None:
    world = World(cases("a"))
    world.submit()
    world.end()
    world.take()
    assert answers_of(ClassifyTask(run=world.run, shard="00000", mode="all"), world.data) == ()
    [answer] = answers_of(ClassifyTask(run=world.run, shard="00000", mode="answered"), world.data)
    assert isinstance(answer, BatchAnswer)


def test_a_jobs_name_is_one_that_the_service_takes_and_no_other_runs() -> None:
    for run_id in ("run-0123456789abcdef0123", "_" * 80, "a_b", "a-b", "x" * 80):
        assert BatchJob.model_validate(new_job(run_id, 12_345).model_dump())
    assert job_name("a_b", 0) != job_name("a-b", 0)
    assert record_id("123456", 49) == "12345600049"
    assert shard_of(int(record_id("00042", 7))) == "00042"
    assert shard_of(int(record_id("123456", 7))) == "123456"
    BatchRecord(record_id=record_id("00042", 7), case_id="a", request="k")
