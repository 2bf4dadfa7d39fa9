"""Files that are broken, gone, or only partly good: a clear message, nothing lost, the accounts add up."""

import gzip
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.statemachine.pipeline import TASK, Pipeline, Row, csv_file

BROKEN = {
    "empty.csv": (b"", "the file is empty"),
    "blank.jsonl": (b" \n\n\t\n", "the file is empty"),
    "header.csv": (b"case_id,subject,text\n", "the file holds no cases"),
    "array.json": (b"[]", "the file holds no cases"),
    "utf16.csv": ("case_id,text\nu-1,größer\n".encode("utf-16-le"), "save it as UTF-8"),
    "latin1.csv": ("case_id,text\nl-1,größer\nl-2,schön\n".encode("latin-1"), "2 bad encoding"),
    "book.csv": (b"PK\x03\x04" + bytes(60), "an Excel workbook; export it as CSV"),
    "cut.csv.gz": (gzip.compress(b"case_id,text\ng-1,some words\n", mtime=0)[:-12], "damaged or cut off"),
    "unknown.csv": (b"alpha,beta\n1,2\n", "could not find a case id"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_unreadable_file_fails_its_run_and_says_what_was_expected(pipeline: Pipeline, name: str) -> None:
    body, said = BROKEN[name]
    answered = pipeline.calls.answered
    run = pipeline.run(body, f"broken/{name}").check_failed("InvalidCaseFile", f"incoming/broken/{name}: ", said)
    assert run.states() == ["WhereToStart", "Ingest", "RecordFailure", "Failed"]
    assert pipeline.calls.answered == answered


def test_a_file_deleted_before_it_is_read_fails_its_run_and_asks_for_it_again(pipeline: Pipeline) -> None:
    run_id, version = pipeline.put(b"case_id,text\n", "gone.csv")
    pipeline.ended(run_id).check_failed("InvalidCaseFile", "holds no cases")  # a request to go by
    raw = pipeline.physical("RawBucket")
    pipeline.aws["s3"].delete_object(Bucket=raw, Key="incoming/gone.csv", VersionId=version)
    pipeline.start(pipeline.request(run_id) | {"run_id": "run-late"})
    pipeline.ended("run-late").check_failed("InvalidCaseFile", "incoming/gone.csv", "deleted", "upload it again")


def test_a_folder_made_in_the_console_starts_no_run(pipeline: Pipeline) -> None:
    run_id, version = pipeline.put(b"", "folder/")
    event = pipeline.event("incoming/folder/", version)
    assert pipeline.invoke("StartRunFunction", event) == {"run_id": None, "started": False}
    assert run_id not in pipeline.executions()


def test_bad_rows_are_set_aside_with_line_and_reason_and_the_good_ones_are_labeled(pipeline: Pipeline) -> None:
    good, repeated = Row("rows-1"), Row("rows-2")
    lines = csv_file([good, repeated, repeated]).splitlines()
    lines += [
        b"rows-2,other,quite another text than before,",  # 5: a duplicate id with other text
        b",no id,some text,",  # 6
        b"rows-3,,,",  # 7: no text
        b"rows-4,latin,gr\xf6\xdfer,",  # 8
        b"rows-5,unknown gold,a text with a gold label of another task,Not A Category",  # 9
        b"rows-6,giant," + b"x" * 9_000_000 + b",",  # 10: above the limit of a row
        b"rows-7,last,the row after the giant,Billing Inquiry",  # 11
    ]
    run = pipeline.run(b"\n".join(lines) + b"\n", "rows.csv").check_succeeded()
    assert {case_id: o.outcome for case_id, o in run.outcomes.items()} == dict.fromkeys(
        ("rows-1", "rows-2", "rows-5", "rows-7"), "labeled"
    )
    assert sorted((r.line, r.reason) for r in run.rejects) == [
        (5, "duplicate id with other text"),
        (6, "missing id"),
        (7, "no text"),
        (8, "bad encoding"),
        (10, "oversize"),
    ]
    summary = run.summary
    assert (summary.ingest.cases, summary.ingest.rejected, summary.ingest.repeated) == (4, 5, 1)
    assert summary.accuracy is not None
    assert (summary.accuracy.unknown_gold, summary.accuracy.accuracy.n) == (1, 1)
    page = pipeline.read(f"runs/{run.run_id}/report.html").decode()
    assert "duplicate id with other text" in page


def test_a_file_of_nothing_but_one_giant_cell_fails_and_says_so(pipeline: Pipeline) -> None:
    body = b"case_id,text\nbig-1," + b"y" * 12_000_000 + b"\n"
    pipeline.run(body, "giant.csv").check_failed("InvalidCaseFile", "1 oversize")


def test_a_changed_case_is_labeled_again_and_an_unchanged_one_is_not_unless_forced(pipeline: Pipeline) -> None:
    pipeline.run(csv_file([Row("update-1"), Row("update-2")]), "update.csv").check_succeeded()
    changed = csv_file([Row("update-1", says="now with more to say"), Row("update-2")])
    run = pipeline.run(changed, "update.csv").check_succeeded()
    assert {case_id: o.outcome for case_id, o in run.outcomes.items()} == {
        "update-1": "labeled",
        "update-2": "unchanged",
    }
    forced = pipeline.run(changed, "update.csv", force="true").check_succeeded()
    assert {o.outcome for o in forced.outcomes.values()} == {"labeled"}
    assert (forced.summary.model_calls, forced.summary.reused_calls) == (0, 2)  # the answers were paid for already


# ---------------------------------------------------------------------------------------------------- prompts, options


@pytest.fixture
def broken_prompts(tmp_path: Path) -> Path:
    """The shipped prompts, v1 with a key too many and under no lock."""
    task = tmp_path / TASK
    task.mkdir()
    text = (ROOT / "prompts" / TASK / "v1.yaml").read_text()
    (task / "v1.yaml").write_text(f"{text}\npersonna: a typo\n")
    return tmp_path


def test_a_prompt_file_with_an_unknown_key_starts_no_run_and_the_ledger_says_why(
    pipeline: Pipeline, broken_prompts: Path
) -> None:
    with pipeline.environment("StartRunFunction", PROMPTS_DIR=str(broken_prompts)):
        run_id, _ = pipeline.put(csv_file([Row("typo-1")]), "typo.csv", prompt_version="v1")
        row = pipeline.row(run_id)
    assert (row.status, row.error) == ("FAILED", "InvalidPrompt")
    assert row.cause == f"prompts/{TASK}/v1.yaml: personna: unknown key."
    assert run_id not in pipeline.executions()


def test_a_prompt_that_breaks_once_the_run_has_started_fails_the_run(pipeline: Pipeline, broken_prompts: Path) -> None:
    with pipeline.environment("IngestFunction", PROMPTS_DIR=str(broken_prompts)):
        run = pipeline.run(csv_file([Row("typo-2")]), "typo.csv", prompt_version="v1")
    run.check_failed("InvalidPrompt", "personna: unknown key")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"task": "no_such_task"}, "InvalidPrompt", "Tasks: npm_issue, root_cause"),
        ({"prompt_version": "v99"}, "InvalidPrompt", "Versions: v1, v2, v3, v4"),
        ({"target_per_class": "many"}, "InvalidEvent", "target_per_class"),
    ],
)
def test_an_upload_that_asks_for_what_there_is_not_is_entered_as_failed_with_the_choices(
    pipeline: Pipeline, options: dict[str, str], error: str, said: str
) -> None:
    run_id, _ = pipeline.put(csv_file([Row("option-1")]), "option.csv", **options)
    row = pipeline.row(run_id)
    assert (row.status, row.error) == ("FAILED", error)
    assert said in (row.cause or "")
