"""Personal data in every field of an export: outside the room for raw text it is nowhere, however a run ends."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from rich.console import Console

from cli import stack
from cli.predict_batch import BatchOptions, predict_at
from cli.run import watch
from cli.status import status
from plumbline.adapters import clients
from tests.statemachine import canaries
from tests.statemachine.canaries import Bus, as_csv, as_json, broken_masking, leaks
from tests.statemachine.pipeline import Pipeline, Run
from tests.statemachine.test_predict_cases import WORDS, Daily


@pytest.fixture(scope="module")
def bus(_stack: Pipeline) -> Bus:
    return Bus(_stack)


@pytest.fixture
def home(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where the commands leave what they fetch; they talk to the running stack."""
    for name, value in (("AWS_ENDPOINT_URL", pipeline.stack.endpoint), ("PLUMBLINE_HOME", str(tmp_path / "home"))):
        monkeypatch.setenv(name, value)
    clients._client.cache_clear()
    yield tmp_path / "home"
    clients._client.cache_clear()


def commands(pipeline: Pipeline, run: Run, home: Path) -> dict[str, str]:
    """What the commands print of a run and leave on the machine."""
    console = Console(width=100, record=True, file=io.StringIO())
    where = stack.read(pipeline.stack.stack_name)
    watch(where, run.run_id, console, as_json=False)
    files = {f"file {path.name}": path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file()}
    return {"printed": console.export_text(), **files}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_run_that_succeeds_leaks_nothing(pipeline: Pipeline, bus: Bus, home: Path, form: str) -> None:
    # A request that held a planted word would not be answered.
    pipeline.script(
        *({"do": "junk", "contains": word} for word in (canaries.CUSTOMER, canaries.AGENT, "zyx", "qorvath-mail"))
    )
    body = as_csv("room-csv") if form == "csv" else as_json("room-json")
    run = pipeline.run(body, f"room.{form}").check_succeeded()
    assert (run.summary.outcomes["labeled"], run.summary.ingest.rejected) == (2, 2 if form == "csv" else 3)
    printed = commands(pipeline, run, home)
    events = bus.heard()
    assert all(run.run_id in text for text in (printed["printed"], pipeline.logged(), events))
    assert {"report.html", "labels.csv", "rejects.jsonl"} <= {name.removeprefix("file ") for name in printed}
    assert leaks(pipeline, events=events, **printed) == []
    held = pipeline.read(f"runs/{run.run_id}/anonymized/00000.jsonl").decode()
    for masked in ("NAME", "EMAIL", "PHONE", "CARD", "IBAN", "PASSWORD", "KEY", "IP", "ARN", "SSN"):
        assert f"[{masked}_1]" in held, masked


def test_the_search_finds_what_lies_in_the_open(pipeline: Pipeline) -> None:
    s3, bucket = pipeline.aws["s3"], pipeline.physical("DataBucket")
    s3.put_object(Bucket=bucket, Key="runs/open", Body=gzip.compress(b"so says Gwendolyn"))
    assert leaks(pipeline) == [("DataBucket runs/open", "gwendolyn")]
    s3.delete_object(Bucket=bucket, Key="runs/open")
    assert leaks(pipeline, answer=b"ZYXSUBJECT") == [("answer", "zyxsubject")]
    run = pipeline.run(as_csv("searched"), "searched.csv").check_succeeded()
    seen = {place.split()[0] for place, text in canaries.places(pipeline) if run.run_id in text or run.run_id in place}
    assert seen >= {"log", "table", "DataBucket", "RawBucket", "execution", "history"}


def test_a_model_that_denies_access_leaks_nothing(pipeline: Pipeline, bus: Bus, home: Path) -> None:
    pipeline.script({"do": "fault", "code": "AccessDeniedException"})
    run = pipeline.run(as_csv("denied"), "denied.csv").check_failed("NothingLabeled")
    assert leaks(pipeline, events=bus.heard(), **commands(pipeline, run, home)) == []


def test_masking_that_breaks_with_the_text_in_its_error_leaks_nothing(
    pipeline: Pipeline, bus: Bus, home: Path, tmp_path: Path
) -> None:
    with broken_masking(pipeline, "AnonymizeFunction", tmp_path):
        run = pipeline.run(as_json("breaks"), "breaks.json").check_failed("NothingLabeled")
    assert "ValueError" in pipeline.logged()
    assert "ValueError" in (run.row.cause or "")
    assert leaks(pipeline, events=bus.heard(), **commands(pipeline, run, home)) == []


def test_a_day_of_predictions_leaks_nothing(pipeline: Pipeline, bus: Bus, home: Path, tmp_path: Path) -> None:
    daily = Daily(pipeline)
    daily.promote(WORDS, "canary-1")
    export = tmp_path / "daily-room.csv"
    export.write_bytes(as_csv("daily-room"))
    console = Console(width=100, record=True, file=io.StringIO())
    where = stack.read(pipeline.stack.stack_name)
    assert predict_at(where, BatchOptions(file=export), console) == 0
    printed = console.export_text()
    assert "2 cases predicted" in printed
    files = {f"file {path.name}": path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file()}
    assert leaks(pipeline, events=bus.heard(), printed=printed, **files) == []


def asked(pipeline: Pipeline, body: Any) -> tuple[int, str]:
    """The API's answer: status, and everything that came back."""
    request = Request(f"{pipeline.stack.api_endpoint}/predictions", data=json.dumps(body).encode())
    try:
        with urlopen(request) as answer:
            return answer.status, f"{answer.headers}{answer.read().decode()}"
    except HTTPError as error:
        with error:
            return error.code, f"{error.headers}{error.read().decode()}"


def test_an_answer_of_the_api_leaks_nothing_also_where_a_request_is_wrong_or_the_function_breaks(
    pipeline: Pipeline, home: Path, tmp_path: Path
) -> None:
    Daily(pipeline).promote(WORDS, "canary-2")
    case = json.loads(as_json("api", 1))[0]
    wrong = {
        "subject": [canaries.CUSTOMER],
        "messages": "zyxtext",
        "Gwendolyn": 1,
        "created_at": {"zyxdate": "zyxdate"},
    }
    answers = [asked(pipeline, case), asked(pipeline, wrong), asked(pipeline, {"subject": case, "zyxheader": []})]
    with broken_masking(pipeline, "PredictCaseFunction", tmp_path):
        answers.append(asked(pipeline, case))
    assert [status for status, _ in answers] == [200, 422, 422, 500]
    assert '"NAME"' in answers[0][1]
    no_request = pipeline.invoke("PredictCaseFunction", {"body": json.dumps(case), "zyxheader": canaries.CUSTOMER})
    assert no_request["errorType"] == "InvalidEvent"
    answers.append((0, json.dumps(no_request)))
    assert leaks(pipeline, answers="\n".join(text for _, text in answers)) == []


def test_the_list_of_runs_leaks_nothing(pipeline: Pipeline, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = stack.read(pipeline.stack.stack_name)
    monkeypatch.setattr("cli.stack.find", lambda _: where)
    console = Console(width=100, record=True, file=io.StringIO())
    assert status(None, pipeline.stack.stack_name, console, as_json=False, follow=False, limit=50) == 0
    assert leaks(pipeline, printed=console.export_text()) == []
