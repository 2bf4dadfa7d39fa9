"""Case text stays where it belongs: planted words turn up in no log, ledger item or execution, however a run ends."""

import csv
import io
import json

import pytest

from tests.statemachine.pipeline import Pipeline, Run, words

BEHIND = ("gold", "note", "header", "duplicate", "noid", "latin", "mail")  # what must not leave the raw bucket


def planted(canary: str) -> bytes:
    """The canary in every column that holds text and in a column's name, in good rows and in bad ones."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["case_id", "subject", "text", "product", "gold_category", "internal_note", f"{canary}header"])
    for n in range(3):
        text = f"my {canary}text{n} fails {words(canary + str(n))}, write to {canary}mail@example.com"
        writer.writerow([f"{canary[3:]}-{n}", f"{canary}subject", text, "Printer", f"{canary}gold", f"{canary}note"])
    writer.writerow([f"{canary[3:]}-0", f"{canary}duplicate", f"{canary}duplicate"])
    writer.writerow(["", f"{canary}noid", f"{canary}noid"])
    writer.writerow([f"{canary} " * 40, "bad id", f"{canary}noid"])
    writer.writerow(["bad-encoding", f"{canary}latin", f"größer {canary}latin"])
    return stream.getvalue().encode("latin-1")


def assert_silent(pipeline: Pipeline, run: Run, canary: str) -> None:
    client = pipeline.aws["stepfunctions"]
    history = client.get_execution_history(executionArn=run.execution["executionArn"], maxResults=1000)["events"]
    public = {
        "logs": pipeline.logged(),
        "ledger": json.dumps(pipeline.table("LedgerTable")),
        "execution": json.dumps(run.execution, default=str),
        "history": json.dumps(history, default=str),
    }
    assert all(run.run_id in text for text in public.values())  # so a word of it would be seen
    assert [where for where, text in public.items() if canary in text.casefold()] == []


def test_a_run_that_succeeds_says_nothing_of_its_cases(pipeline: Pipeline) -> None:
    canary = "zyxgood"
    pipeline.script({"do": "junk", "contains": f"{canary}text2"})
    run = pipeline.run(planted(canary), "canary-good.csv").check_succeeded()
    assert (run.summary.outcomes["labeled"], run.summary.outcomes["dropped"], run.summary.ingest.rejected) == (2, 1, 4)
    assert_silent(pipeline, run, canary)
    data = pipeline.aws["s3"].list_objects_v2(Bucket=pipeline.physical("DataBucket"), Prefix=f"runs/{run.run_id}/")
    held = b"".join(pipeline.read(item["Key"]) for item in data["Contents"]).decode()
    assert f"{canary}subject" in held
    assert [word for word in BEHIND if f"{canary}{word}" in held] == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_a_run_that_fails_midway_says_nothing_of_its_cases(pipeline: Pipeline, code: str) -> None:
    canary = f"zyx{code[:6].lower()}"
    pipeline.script({"do": "fault", "code": code})
    run = pipeline.run(planted(canary), f"{code}.csv").check_failed("NothingLabeled")
    assert_silent(pipeline, run, canary)


UNREADABLE = {
    # Without a header the first case's text stands where column names are looked for.
    "headless.csv": "c-1,CANARY subject,Printer,it is my CANARY that no longer prints on 2026-01-02\n" * 3,
    "shortcells.csv": "c-1,CANARY refund,Printer\nc-2,CANARY again,Printer\n",
    "malformed.jsonl": '{"id": "c-1", "text": "CANARY\n{"id": "c-2", CANARY}\n',
    "keys.json": '[{"CANARY asks for money": "CANARY"}]',
    "prose.txt": "Dear support, my CANARY is broken.\nRegards, CANARY\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_not_quoted(pipeline: Pipeline, name: str) -> None:
    canary = f"zyx{name.partition('.')[0]}"
    run = pipeline.run(UNREADABLE[name].replace("CANARY", canary).encode(), f"quoted-{name}")
    assert_silent(pipeline, run.check_failed("InvalidCaseFile"), canary)
