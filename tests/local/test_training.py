"""Training jobs on the embedded AWS, with small scripts in the place of a real training."""

import io
import json
import os
import re
import signal
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.sagemaker.logs import GROUP
from local.stack import LocalStack
from tests.local.conftest import FIXTURE, NoModel, until
from tests.local.test_process import alive
from tests.local.training import SLEEPER, Sage, pids


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def sage(folder: Path) -> Iterator[Sage]:
    stack = LocalStack(
        FIXTURE,
        state_dir=folder,
        model_server=NoModel(),
        keep_state=False,
        training_python=Path(sys.executable),
        training_grace=0.5,
    )
    with stack:
        yield Sage(stack)


LOOK = """
    import json, os, sys
    from pathlib import Path
    import helper
    channel = Path(os.environ["SM_CHANNEL_TRAINING"])
    seen = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "files": sorted(str(p.relative_to(channel.parent)) for p in channel.parent.rglob("*") if p.is_file()),
        "config": {p.stem: json.loads(p.read_text()) for p in Path(os.environ["SM_INPUT_CONFIG_DIR"]).iterdir()},
        "folder": os.getcwd(),
    }
    Path(os.environ["SM_MODEL_DIR"], "deep").mkdir()
    Path(os.environ["SM_MODEL_DIR"], "deep", "seen.json").write_text(json.dumps(seen))
    Path(os.environ["SM_OUTPUT_DATA_DIR"], "table.txt").write_text("t")
    print("epoch 1")
    print(helper.NAME, file=sys.stderr)
"""


def test_a_job_finds_what_a_container_gives_and_its_artifacts_are_where_sagemaker_puts_them(
    sage: Sage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-developers")
    monkeypatch.setenv("SECRET_TOKEN", "the-developers")
    code = sage.put_code(LOOK, **{"helper.py": "NAME = 'from the code folder'"})
    name = sage.begin(code=code, hyperparameters={"epochs": 3, "encoder": "mini lm", "fast": True, "lr": 0.5})
    job = sage.over(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job.get("FailureReason")
    assert "FailureReason" not in job
    model = f"s3://{sage.bucket}/models/task/{name}/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": model}
    assert sage.members(f"s3://{sage.bucket}/models/task/{name}/output/output.tar.gz") == {"table.txt": b"t"}
    seen = json.loads(sage.members(model)["deep/seen.json"])
    assert seen["arguments"] == ["--encoder", "mini lm", "--epochs", "3", "--fast", "True", "--lr", "0.5"]
    assert seen["files"] == ["many/2.txt", "many/x/1.txt", "training/train.jsonl"]
    base = seen["environment"]["SAGEMAKER_BASE_DIR"]
    assert base.endswith("/opt/ml")
    assert os.path.realpath(seen["folder"]) == os.path.realpath(f"{base}/code")
    expected = {
        "SM_CHANNELS": '["many","training"]',
        "SM_CHANNEL_MANY": f"{base}/input/data/many",
        "SM_MODEL_DIR": f"{base}/model",
        "SM_OUTPUT_DATA_DIR": f"{base}/output/data",
        "SM_OUTPUT_DIR": f"{base}/output",
        "SM_HPS": '{"encoder":"mini lm","epochs":3,"fast":true,"lr":0.5}',
        "SM_HP_EPOCHS": "3",
        "SM_HP_ENCODER": "mini lm",
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(os.cpu_count()),
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_MODULE_NAME": "training/train",
        "SM_USER_ENTRY_POINT": "training/train.py",
        "SM_LOG_LEVEL": "20",
        "PYTHONPATH": f"{base}/code",
        "TRAINING_JOB_NAME": name,
        "HF_HUB_OFFLINE": "1",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    assert {key: seen["environment"].get(key) for key in expected} == expected
    assert json.loads(seen["environment"]["SM_TRAINING_ENV"])["hyperparameters"]["epochs"] == 3
    assert "the-developers" not in json.dumps(seen)
    assert seen["config"]["hyperparameters"]["encoder"] == '"mini lm"'
    assert seen["config"]["inputdataconfig"]["training"]["TrainingInputMode"] == "File"
    assert seen["config"]["resourceconfig"]["current_host"] == "algo-1"
    assert set(sage.lines(name)) == {"epoch 1", "from the code folder"}
    assert "epoch 1\n" in (folder / "logs" / f"{name}.log").read_text()
    assert not list((folder / "training").iterdir())


def test_every_change_is_described_and_told_to_eventbridge(sage: Sage) -> None:
    name = sage.begin("print('quick')")
    job = sage.over(name)
    steps = ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert sage.secondaries(name) == steps
    assert all("EndTime" in step for step in job["SecondaryStatusTransitions"])
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    until(lambda: len(sage.heard(name)) == len(steps))
    events = sage.heard(name)
    assert [event["detail"]["SecondaryStatus"] for event in events] == steps
    assert [event["detail"]["TrainingJobStatus"] for event in events] == ["InProgress"] * 4 + ["Completed"]
    last = events[-1]
    assert last["source"] == "aws.sagemaker"
    assert last["resources"] == [job["TrainingJobArn"]] == [last["detail"]["TrainingJobArn"]]
    assert last["detail"]["ModelArtifacts"] == job["ModelArtifacts"]
    assert last["detail"]["Tags"] == {"plumbline:task": "fruit"}
    assert last["detail"]["TrainingEndTime"] == int(job["TrainingEndTime"].timestamp() * 1000)
    listed = sage["sagemaker"].list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    assert [one["TrainingJobStatus"] for one in listed] == ["Completed"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "import os, sys; open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('one class only'); sys.exit(1)",
            r"^AlgorithmError: one class only, exit code: 1$",
        ),
        ("raise SystemExit(7)", r"^AlgorithmError: .*exit code: 7$"),
        ("import nowhere", r"^AlgorithmError: .*No module named 'nowhere'.*exit code: 1$"),
        (
            "import os; os.kill(os.getpid(), 9)",
            r"^AlgorithmError: .*SIGKILL, often for lack of memory, exit code: 137$",
        ),
        ("import os; os.kill(os.getpid(), 15)", r"^AlgorithmError: .*SIGTERM, exit code: 143$"),
        (
            "import os, sys; open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('x' * 5000); sys.exit(2)",
            r"^AlgorithmError: x{900,}, exit code: 2$",
        ),
    ],
    ids=["failure-file", "exit-code", "traceback", "killed", "terminated", "long"],
)
def test_a_script_that_fails_fails_the_job_with_its_reason(sage: Sage, script: str, reason: str) -> None:
    name = sage.begin("import os; open(os.environ['SM_MODEL_DIR'] + '/half', 'w').close()\n" + script)
    job = sage.over(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert len(job["FailureReason"]) <= 1024
    assert re.search(reason, job["FailureReason"]), job["FailureReason"]
    assert sage.keys(name) == []
    assert until(lambda: [e for e in sage.heard(name) if e["detail"].get("FailureReason") == job["FailureReason"]])


DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
POLITE = "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(0)))"


@pytest.mark.parametrize("before", ["", DEAF, POLITE], ids=["default", "deaf", "polite"])
def test_a_stop_ends_the_whole_process_group_and_uploads_what_there_is(sage: Sage, before: str) -> None:
    name = sage.begin(SLEEPER.format(before=before))
    started = pids(sage, name)
    sage["sagemaker"].stop_training_job(TrainingJobName=name)
    assert sage.describe(name)["TrainingJobStatus"] in {"Stopping", "Stopped"}
    job = sage.over(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert sage.members(job["ModelArtifacts"]["S3ModelArtifacts"]) == {"checkpoint": b""}
    assert not [pid for pid in started if alive(pid)]
    assert ("saved" in sage.lines(name)) == (before == POLITE)
    statuses = [event["detail"]["TrainingJobStatus"] for event in until(lambda: heard_end(sage, name))]
    assert statuses[-1] == "Stopped"
    assert "Stopping" in statuses
    with pytest.raises(ClientError, match="training job is in status Stopped"):
        sage["sagemaker"].stop_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="resource not found"):
        sage["sagemaker"].stop_training_job(TrainingJobName="nobody")


def heard_end(sage: Sage, name: str) -> list[dict[str, Any]]:
    events = sage.heard(name)
    over = events and events[-1]["detail"]["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"}
    return events if over else []


def test_a_job_over_its_time_limit_is_stopped(sage: Sage) -> None:
    name = sage.begin(SLEEPER.format(before=""), seconds=1)
    job = sage.over(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert sage.secondaries(name)[-3:] == ["Stopping", "Uploading", "MaxRuntimeExceeded"]
    assert sage.keys(name) == ["output/model.tar.gz"]


def test_a_process_that_somebody_kills_fails_its_job(sage: Sage) -> None:
    name = sage.begin(SLEEPER.format(before=""))
    script, child = pids(sage, name)
    os.kill(script, signal.SIGKILL)
    assert "SIGKILL" in sage.over(name)["FailureReason"]
    until(lambda: not alive(child))


def test_jobs_run_one_at_a_time_and_one_that_waits_can_be_stopped(sage: Sage) -> None:
    first = sage.begin(SLEEPER.format(before=""))
    pids(sage, first)
    second, third = sage.begin("print('second')"), sage.begin("print('third')")
    assert sage.describe(second)["SecondaryStatus"] == "Starting"
    sage["sagemaker"].stop_training_job(TrainingJobName=second)
    sage["sagemaker"].stop_training_job(TrainingJobName=first)
    assert sage.over(first)["TrainingJobStatus"] == "Stopped"
    stopped = sage.over(second)
    assert stopped["TrainingJobStatus"] == "Stopped"
    assert "ModelArtifacts" not in stopped
    assert "TrainingStartTime" not in stopped
    assert sage.over(third)["TrainingJobStatus"] == "Completed"
    assert sage.lines(third) == ["third"]


def test_a_name_is_taken_once(sage: Sage) -> None:
    name = sage.begin("print('once')")
    with pytest.raises(ClientError, match="must be unique") as caught:
        sage.begin("print('twice')", name=name)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError, match="trainingJobName"):
        sage.begin("print('out')", name="../out")


def test_large_output_arrives_whole_and_in_order(sage: Sage) -> None:
    name = sage.begin(
        """
        import sys
        for n in range(30_000):
            print(f"line {n:05d}")
        print("x" * 1_000_000)
        sys.stdout.write("10%\\r20%\\r")
        sys.stdout.buffer.write(b"\\xff\\xfe no text\\nlast, without an end")
        """
    )
    assert sage.over(name)["TrainingJobStatus"] == "Completed"
    stream = f"{name}/"
    found = sage["logs"].describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=stream)["logStreams"]
    lines: list[str] = []
    page = {"nextForwardToken": None}
    while True:
        token: dict[str, Any] = {"nextToken": page["nextForwardToken"]} if page["nextForwardToken"] else {}
        where = {"logGroupName": GROUP, "logStreamName": found[0]["logStreamName"], "startFromHead": True}
        page = sage["logs"].get_log_events(**where, **token)
        if not page["events"]:
            break
        lines += [event["message"] for event in page["events"]]
    assert lines[:30_000] == [f"line {n:05d}" for n in range(30_000)]
    rest = lines[30_000:]
    assert "".join(rest[:-4]) == "x" * 1_000_000
    assert max(map(len, rest)) <= 256 * 1024
    assert rest[-4:] == ["10%", "20%", "\ufffd\ufffd no text", "last, without an end"]


def broken_archives() -> dict[str, bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("../../escaped.py")
        tar.addfile(member, io.BytesIO())
    return {"climbs-out": buffer.getvalue(), "no-archive": b"half", "cut-short": buffer.getvalue()[:30]}


@pytest.mark.parametrize("kind", ["climbs-out", "no-archive", "cut-short"])
def test_code_that_is_no_sound_archive_fails_the_job(sage: Sage, folder: Path, kind: str) -> None:
    job = sage.over(sage.begin(code=sage.put_archive(broken_archives()[kind])))
    assert job["FailureReason"].startswith("ClientError: s3://training/code/")
    assert "is no archive of training code" in job["FailureReason"]
    assert not list(folder.rglob("escaped.py"))


def test_what_a_job_names_and_is_not_there_fails_it_with_its_address(sage: Sage) -> None:
    gone = sage.begin("print()", InputDataConfig=[sage.channel("training", "data/gone.jsonl")])
    assert 'No S3 objects found under S3 URL "s3://training/data/gone.jsonl"' in sage.over(gone)["FailureReason"]
    manifest = sage.begin("print()", InputDataConfig=[sage.channel("training", "data/", "ManifestFile")])
    assert "no ManifestFile on this machine" in sage.over(manifest)["FailureReason"]
    no_code = sage.begin(code="s3://training/code/gone.tar.gz")
    assert "s3://training/code/gone.tar.gz" in sage.over(no_code)["FailureReason"]
    other = sage.begin("print()", hyperparameters={"sagemaker_program": "other.py"})
    assert "holds no other.py" in sage.over(other)["FailureReason"]
    bare = sage.begin("print()", HyperParameters={})
    assert (
        "sagemaker_program" in sage.over(bare)["FailureReason"]
        or "sagemaker_submit" in sage.over(bare)["FailureReason"]
    )
