"""Classify's process dies in the middle of a shard. No call that was answered is made twice."""

from tests.statemachine.pipeline import Pipeline, Row, Run, csv_file, until

ANSWERED = 12
HANGING = 8  # as many as Classify asks at a time, so that it hangs once the others are answered
# In production a dead worker's locks open after two minutes.
LOCK = {"LOCK_SECONDS": "0.2"}
# Longer than any test takes to get to the kill, and shorter than Classify waits for an answer.
HANG = {"do": "answer", "contains": "anvil", "seconds": 25.0}


def cases(prefix: str) -> bytes:
    rows = [Row(f"{prefix}-{n}") for n in range(ANSWERED)]
    return csv_file(rows + [Row(f"{prefix}-slow-{n}", says="anvil") for n in range(HANGING)])


def start_and_hang(pipeline: Pipeline, name: str) -> str:
    """A run whose Classify has 12 answers stored and waits for 8 more."""
    pipeline.script(HANG)
    before = pipeline.stored_replies()
    run_id, _ = pipeline.put(cases(name), f"{name}.csv")
    until(lambda: pipeline.stored_replies() == before + ANSWERED, "the answers that come at once")
    return run_id


def test_a_worker_killed_in_the_middle_of_classify_is_replaced_and_nothing_is_asked_twice(pipeline: Pipeline) -> None:
    before = pipeline.calls
    with pipeline.environment("ClassifyFunction", **LOCK):
        run_id = start_and_hang(pipeline, "killed-once")
        assert pipeline.kill("ClassifyFunction") == 1
        # Only now: a call that was still on its way to the model must not be answered before its worker dies.
        pipeline.script()
        run: Run = pipeline.ended(run_id).check_succeeded()
    assert run.summary.outcomes["labeled"] == ANSWERED + HANGING
    assert (run.summary.model_calls, run.summary.reused_calls) == (ANSWERED + HANGING, 0)
    calls = pipeline.calls
    assert calls.answered == before.answered + ANSWERED + HANGING
    assert calls.repeated == before.repeated


def test_a_run_whose_every_retry_is_killed_fails_and_the_next_one_reuses_what_was_answered(pipeline: Pipeline) -> None:
    before = pipeline.calls
    with pipeline.environment("ClassifyFunction", **LOCK):
        run_id = start_and_hang(pipeline, "killed-often")
        kills = 0

        def ended() -> Run | None:
            nonlocal kills
            kills += pipeline.kill("ClassifyFunction")
            return pipeline.ended_now(run_id)

        run = until(ended, "the end of a run that nobody lets live")
        said = ("Runtime.ExitError (20)", "mend the cause, then `plumbline resume")
        run.check_failed("NothingLabeled", *said).check_accounts()
        assert kills >= 1 + 4  # the state machine's MaxAttempts

        pipeline.script()
        again = pipeline.run(cases("killed-often"), "killed-often.csv").check_succeeded()
    assert again.run_id != run_id
    assert again.summary.outcomes["labeled"] == ANSWERED + HANGING
    assert (again.summary.model_calls, again.summary.reused_calls) == (HANGING, ANSWERED)
    calls = pipeline.calls
    assert calls.answered == before.answered + ANSWERED + HANGING
    assert calls.repeated == before.repeated
