"""A run that is gone over again: outcomes, ledger and summary say what is true now. And cases that break a stage."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from plumbline import keys
from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import PatternDetector
from plumbline.asking import ask_each
from plumbline.collate import collate
from plumbline.contracts.cases import Case, Message
from plumbline.contracts.errors import DetectorUnavailable
from plumbline.contracts.labels import Outcome, Unparsed
from plumbline.contracts.replay import Replay, ReplayStage
from plumbline.contracts.replies import ModelRequest, Reply, Turn
from plumbline.contracts.runs import (
    BalanceResult,
    CaughtError,
    CollateTask,
    FailureTask,
    ReportTask,
    RunRow,
    ShardTask,
    TrainingOutcome,
)
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_models, write_models
from plumbline.parse import parse
from plumbline.parse_again import parse_again
from plumbline.record_failure import record_failure
from plumbline.report.facts import run_facts
from plumbline.report.finish import finish
from tests import builders as b
from tests.fakes import FakeModel, MemoryLedger, MemorySpend, MemoryStore

FIRST, SECOND = "Billing Inquiry", "Software Defect"


def again(stage: ReplayStage = "parse", number: int = 1) -> Replay:
    return Replay(number=number, stage=stage, at=b.NOW + timedelta(days=1))


class World:
    """One run of one shard in memory."""

    def __init__(self, **answers: str) -> None:
        self.data, self.ledger = MemoryStore(), MemoryLedger()
        b.store_cases(self.data, *(b.case(name) for name in answers))
        b.store_index(self.data, *(b.index(name) for name in answers))
        self.cases = len(answers)
        self.says(**answers)

    def says(self, **answers: str) -> None:
        write_models(self.data, keys.replies("run-1", "00000"), [b.reply(name, text) for name, text in answers.items()])

    def collate(self, replay: Replay | None = None) -> RunSummary:
        run = b.run(replay=replay, max_repairs=0)
        task = ShardTask(run=run, shard="00000")
        (parse_again if replay else parse)(task, data=self.data, prompt=b.prompt())
        self.collate_only(replay)
        return RunSummary.model_validate_json(self.data.read(keys.summary("run-1")))

    def collate_only(self, replay: Replay | None) -> None:
        collate(
            CollateTask(run=b.run(replay=replay, max_repairs=0), ingest=b.ingest_result(self.cases)),
            data=self.data,
            ledger=self.ledger,
            spend=MemorySpend(),
            prompt=b.prompt(),
            minutes_per_case=5,
        )

    @property
    def known(self) -> set[str]:
        return {case_id for _, case_id in self.ledger.hashes}


@pytest.fixture
def world() -> World:
    world = World(kept=b.answer(FIRST), moved=b.answer(FIRST), lost=b.answer(FIRST), gained="junk")
    assert world.collate().replay is None
    world.says(kept=b.answer(FIRST), moved=b.answer(SECOND), lost="junk", gained=b.answer(SECOND))
    return world


def test_a_replay_says_what_changed_and_a_case_without_its_label_is_new_again(world: World) -> None:
    found = world.collate(again()).replay
    assert found is not None
    assert (found.changed, found.gained, found.lost, found.prompt_before) == (1, 1, 1, b.REF)
    assert world.known == {"kept", "moved", "gained"}


def test_collate_tried_again_compares_with_the_same_and_does_nothing_twice(world: World) -> None:
    first = world.collate(again())
    world.collate_only(again())
    second = RunSummary.model_validate_json(world.data.read(keys.summary("run-1")))
    assert second.replay == first.replay
    assert world.known == {"kept", "moved", "gained"}
    third = world.collate(again(number=2))
    assert third.replay is not None
    assert (third.replay.number, third.replay.changed + third.replay.gained + third.replay.lost) == (2, 0)


def test_what_a_later_run_labeled_stays_that_runs_and_what_an_earlier_one_did_becomes_this_runs(world: World) -> None:
    row = RunRow(run_id="later", task="root_cause", status="SUCCEEDED", source="x", started_at=b.NOW + timedelta(1))
    world.ledger.put_run(row)
    world.ledger.put_run(row.model_copy(update={"run_id": "earlier", "started_at": b.NOW - timedelta(1)}))
    world.ledger.record_labeled("root_cause", "later", {"lost": "newer text", "moved": "newer text"})
    world.ledger.record_labeled("root_cause", "earlier", {"gained": "older text"})
    world.collate(again())
    assert world.ledger.recorded_by("root_cause", ["lost", "moved", "gained"]) == {
        "lost": "later",
        "moved": "later",
        "gained": "run-1",
    }
    assert world.ledger.hashes["root_cause", "moved"] == "newer text"
    assert world.ledger.hashes["root_cause", "gained"] == "hash-gained"


def test_votes_that_were_paid_for_still_count_and_those_of_a_label_that_is_gone_break_nothing(world: World) -> None:
    votes = [b.reply(name, b.answer(FIRST), sample=n) for name in ("kept", "lost") for n in (1, 2)]
    write_models(world.data, keys.votes("run-1", "00000"), votes)
    summary = world.collate(again())
    outcomes = {o.case_id: o for o in read_models(world.data, keys.outcomes("run-1"), Outcome)}
    assert outcomes["lost"].outcome == "dropped"
    assert outcomes["kept"].confidence != outcomes["moved"].confidence
    assert summary.vote_calls == 4  # they are the run's spend all the same


def test_a_shard_that_nobody_was_asked_about_stays_as_it_is() -> None:
    data = MemoryStore()
    assert parse_again(b.shard_task(replay=again()), data=data, prompt=b.prompt()).done == 0
    assert not data.objects


def test_report_closes_the_row_and_says_that_it_was_a_replay(world: World) -> None:
    world.collate()
    run = b.run(replay=again("report", number=3))
    task = ReportTask(run=run, balance=BalanceResult(verdict="short", counts=()), training=TrainingOutcome())
    finish(task, data=world.data, ledger=world.ledger, render=lambda _: "page")
    row = world.ledger.get_run("root_cause", "run-1")
    assert row is not None
    assert (row.status, row.replays, row.execution_name) == ("SUCCEEDED", 3, "run-1-replay-3")
    found = RunSummary.model_validate_json(world.data.read(keys.summary("run-1"))).replay
    assert found is not None
    assert (found.replayed_from, found.number, found.at) == ("report", 3, b.NOW + timedelta(days=1))


def test_late_word_of_the_execution_that_failed_does_not_end_the_one_that_goes_on() -> None:
    ledger = MemoryLedger()
    going = RunRow(run_id="run-1", task="root_cause", status="RUNNING", source="x", started_at=b.NOW, replays=1)
    ledger.put_run(going)
    error = CaughtError(Error="NothingLabeled", Cause="all failed")

    def record(replay: Replay | None) -> RunRow | None:
        task = FailureTask(run=b.run(replay=replay), error=error)
        record_failure(task, data=MemoryStore(), ledger=ledger, render=lambda _: "")
        return ledger.get_run("root_cause", "run-1")

    assert record(None) == going
    failed = record(again())
    assert failed is not None
    assert (failed.status, failed.replays) == ("FAILED", 1)


def test_the_report_says_that_the_run_was_gone_over_again(world: World) -> None:
    assert "Gone over again" not in {fact.term for fact in run_facts(world.collate())}
    summary = world.collate(again())
    [fact] = [fact for fact in run_facts(summary) if fact.term == "Gone over again"]
    assert fact.value.startswith("from parse, ")
    assert "labels: " in fact.note
    [span] = [fact for fact in run_facts(summary) if fact.term == "Duration"]
    assert span.value.endswith(" with the pauses")


def test_a_run_that_broke_off_before_it_had_labels_is_compared_with_nothing() -> None:
    world = World(a=b.answer(FIRST), b=b.answer(SECOND))
    summary = world.collate(again("label"))
    assert summary.replay is not None
    assert not summary.replay.compared
    [fact] = [fact for fact in run_facts(summary) if fact.term == "Gone over again"]
    assert fact.note == "it had broken off before it had labels"


# ------------------------------------------------------------------------------------------------------ poison
class BreakingDetector(PatternDetector):
    """Finds what has a shape, and breaks at one text."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        if any("poison" in text for text in texts):
            raise self.error
        return super().find(texts)


def raw(case_id: str, text: str) -> Case:
    return Case(case_id=case_id, subject="about", messages=(Message(role="customer", text=text),))


def test_a_case_that_breaks_the_detector_fails_by_itself_and_nothing_of_its_text_is_kept() -> None:
    cases = [raw("a", "hello"), raw("b", "the poison"), raw("c", "mail me@example.com")]
    masked = list(anonymize(cases, Privacy(BreakingDetector(RuntimeError("the poison")))))
    assert [case.case_id for case in masked] == ["a", "b", "c"]
    assert [case.error for case in masked] == [None, "RuntimeError", None]
    assert "poison" not in masked[1].model_dump_json()
    assert masked[2].entities == {"EMAIL": 1}

    data = MemoryStore()
    b.store_cases(data, *masked)
    b.store_index(data, *(b.index(case.case_id) for case in masked))
    write_models(data, keys.replies("run-1", "00000"), [b.reply(name, b.answer(FIRST)) for name in ("a", "c")])
    parse(b.shard_task(), data=data, prompt=b.prompt())
    task = CollateTask(run=b.run(), ingest=b.ingest_result(3))
    collate(task, data=data, ledger=MemoryLedger(), spend=MemorySpend(), prompt=b.prompt(), minutes_per_case=5)
    found = [(o.outcome, o.reason) for o in read_models(data, keys.outcomes("run-1"), Outcome)]
    assert found == [("labeled", None), ("failed", "RuntimeError"), ("labeled", None)]


@pytest.mark.parametrize("error", [DetectorUnavailable("down"), ImportError("no model"), OSError("no file")])
def test_what_is_of_no_single_case_still_stops_the_shard(error: Exception) -> None:
    with pytest.raises(type(error)):
        list(anonymize([raw("a", "hello"), raw("b", "the poison")], Privacy(BreakingDetector(error))))


def test_a_request_that_breaks_the_client_fails_by_itself() -> None:
    def answer(request: ModelRequest) -> str | Exception:
        return UnicodeError("cannot be sent") if "poison" in request.turns[0].text else b.answer(FIRST)

    model = FakeModel(answer)
    requests = [
        (name, ModelRequest(model_id="m", system="s", turns=(Turn(role="user", text=name),), max_tokens=9))
        for name in ("a", "poison", "c")
    ]
    asked = ask_each(requests, model=model, prompt=b.REF, attempt=0, concurrency=1)
    assert asked.error is None
    assert [reply.error for reply in asked.replies] == [None, "UnicodeError", None]
    assert len(model.requests) == 3  # once each


def test_a_reply_that_breaks_the_reader_fails_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from plumbline import parse as module  # noqa: PLC0415 - its name is the function's, too

    real = module.label_of

    def label_of(reply: Reply, *args: object) -> object:
        if reply.case_id == "poison":
            raise RecursionError("the text")
        return real(reply, *args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr("plumbline.parse.label_of", label_of)
    data = MemoryStore()
    replies = [b.reply(name, b.answer(FIRST)) for name in ("a", "poison", "c")]
    write_models(data, keys.replies("run-1", "00000"), replies)
    result = parse(b.shard_task(), data=data, prompt=b.prompt())
    assert (result.done, result.unparsed) == (2, 0)  # asking again is of no use
    [unparsed] = read_models(data, keys.unparsed("run-1", "00000"), Unparsed)
    assert (unparsed.case_id, unparsed.reason, unparsed.final) == ("poison", "RecursionError", True)
