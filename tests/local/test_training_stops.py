"""Training jobs when the stack stops, crashes, comes back, or has nothing to train with."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import info
from local.sagemaker.runner import PYTHON_VARIABLE, training_python
from local.stack import LocalStack
from tests.local.conftest import FIXTURE, Driver, NoModel, until
from tests.local.test_process import ENVIRONMENT, ROOT, alive, first_line
from tests.local.test_stopping import client
from tests.local.training import SLEEPER, Sage, pids

DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def stack_of(folder: Path, python: Path = Path(sys.executable), **more: Any) -> LocalStack:
    return LocalStack(FIXTURE, state_dir=folder, model_server=NoModel(), training_python=python, **more)


def test_a_stop_of_the_stack_ends_the_training_tells_of_it_and_remembers_the_jobs(tmp_path: Path) -> None:
    with stack_of(tmp_path) as stack:
        sage = Sage(stack)
        done = sage.begin("print('done')")
        before = sage.over(done)
        running = sage.begin(SLEEPER.format(before=DEAF))
        waiting = sage.begin("print('never')")
        started = pids(sage, running)
        # The queue goes with the stack: a function that counts hears of the end in its place.
        rule = {"source": ["aws.sagemaker"], "detail": {"TrainingJobStatus": ["Stopped"]}}
        sage["events"].put_rule(Name="stopped", EventPattern=json.dumps(rule))
        transformer = {
            "InputPathsMap": {"name": "$.detail.TrainingJobName"},
            "InputTemplate": '{"do": "count", "key": "<name>"}',
        }
        arn = sage["lambda"].get_function(FunctionName=sage.physical("WorkFunction"))["Configuration"]["FunctionArn"]
        sage["lambda"].add_permission(
            FunctionName=arn, StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
        )
        sage["events"].put_targets(Rule="stopped", Targets=[{"Id": "1", "Arn": arn, "InputTransformer": transformer}])
    assert not [pid for pid in started if alive(pid)]
    assert not (tmp_path / "training").exists()
    with stack_of(tmp_path) as stack:
        driver = Driver(stack)
        described = driver["sagemaker"].describe_training_job
        again = described(TrainingJobName=done)
        for field in (
            "CreationTime",
            "ModelArtifacts",
            "HyperParameters",
            "SecondaryStatusTransitions",
            "TrainingJobArn",
        ):
            assert again[field] == before[field], field
        assert described(TrainingJobName=running)["TrainingJobStatus"] == "Stopped"
        assert described(TrainingJobName=waiting)["TrainingJobStatus"] == "Stopped"
        heard = driver["dynamodb"].scan(TableName=driver.physical("Counts"))["Items"]
        assert {item["pk"]["S"] for item in heard} == {running, waiting}
        # moto makes the bucket of these tests no resource of the stack, so that only the names are left to clash.
        with pytest.raises(ClientError, match="must be unique"):
            driver["sagemaker"].create_training_job(
                TrainingJobName=done,
                RoleArn="arn:aws:iam::123456789012:role/training",
                AlgorithmSpecification={"TrainingInputMode": "File"},
                OutputDataConfig={"S3OutputPath": "s3://training/models"},
                ResourceConfig={"VolumeSizeInGB": 1},
                StoppingCondition={},
            )


def test_a_training_dies_with_a_stack_that_is_killed_and_has_failed_when_the_next_one_looks(tmp_path: Path) -> None:
    arguments = ["--template", str(FIXTURE), "--model", "scripted", "--state-dir", str(tmp_path)]
    environment = ENVIRONMENT | {PYTHON_VARIABLE: sys.executable}
    command = [sys.executable, "-m", "local", *arguments]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        first_line(process)
        note = info.read(tmp_path)
        assert note is not None
        sage = Remote(note)
        name = sage.begin(SLEEPER.format(before=DEAF))
        started = pids(sage, name)
        # Anything that ends an execution has the state saved.
        states = client("stepfunctions", note)
        empty = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        arn = states.create_state_machine(
            name="m", definition=json.dumps(empty), roleArn="arn:aws:iam::123456789012:role/r"
        )["stateMachineArn"]
        states.start_execution(stateMachineArn=arn, input="{}")
        saved = tmp_path / "state" / "training-jobs.jsonl"
        until(lambda: saved.exists() and name in saved.read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not [pid for pid in started if alive(pid)])
    with stack_of(tmp_path) as stack:
        job = Driver(stack)["sagemaker"].describe_training_job(TrainingJobName=name)
        assert job["TrainingJobStatus"] == "Failed"
        assert "start training again" in job["FailureReason"]


class Remote(Sage):
    """The same, for a stack in another process."""

    def __init__(self, note: info.LocalInfo) -> None:
        self.note = note
        super().__init__(stack=None)  # type: ignore[arg-type]  # there is none here

    def __getitem__(self, service: str) -> Any:
        if service not in self.aws:
            self.aws[service] = client(service, self.note)
        return self.aws[service]


def test_without_an_environment_to_train_in_the_job_says_how_to_get_one(tmp_path: Path) -> None:
    with stack_of(tmp_path, python=tmp_path / "no" / "python", keep_state=False) as stack:
        sage = Sage(stack)
        name = sage.begin("print('never')")
        reason = sage.over(name)["FailureReason"]
        assert "make training-env" in reason
        assert str(tmp_path / "no" / "python") in reason
        assert sage.lines(name) == [reason]


def test_the_interpreter_is_the_variables_or_the_repositorys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    assert training_python(tmp_path) == tmp_path / ".venv-training" / "bin" / "python"
    monkeypatch.setenv(PYTHON_VARIABLE, "elsewhere/python")
    assert training_python(tmp_path) == Path("elsewhere/python")
