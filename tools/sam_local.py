"""`sam local invoke` of every function with every event of events/, against the local AWS, answers checked.

Needs what `make build` built and a Docker-compatible engine (DOCKER_HOST, or the default socket). SAM itself says
"success" whatever a handler answers, so the answers are read and compared here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from local import moto_patches
from local.stack import LocalStack
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.stepfunctions import LabelCasesWorkflow
from tools import world
from tools.answers import ROOT, Example, differences, examples
from tools.built import BuiltFunction, built_functions
from tools.engine import Engine, EngineMissing

_CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}  # nobody checks them
_SECONDS_EACH: Final = 600
_SECONDS_TO_FAIL: Final = 60


def main() -> int:
    """0 when every answer is the expected one; 1 when one is not, or when there is no engine to try it with."""
    parser = argparse.ArgumentParser(prog="python -m tools.sam_local", description=__doc__)
    parser.add_argument("functions", nargs="*", help="only these (ingest, parse …); all by default")
    parser.add_argument(
        "--host",
        default=os.environ.get("PLUMBLINE_HOST_FROM_CONTAINER"),
        help="address of this machine for a container; default: PLUMBLINE_HOST_FROM_CONTAINER, or what the engine says",
    )
    asked = parser.parse_args()
    built = {function.stage: function for function in built_functions()}
    chosen = [example for example in examples() if not asked.functions or example.function in asked.functions]
    try:
        engine = Engine.connect()
        host = asked.host or engine.host_address()
    except EngineMissing as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(
            ROOT / "template.yaml",
            state_dir=Path(folder),
            parameters=world.PARAMETERS,
            model="scripted",
            model_options=world.SCRIPT,
            # The engine's own bridge where this machine has it; else every address, since it is not known which one
            # the engine forwards to.
            host=host if engine.is_this_machine(host) else "0.0.0.0",
            keep_state=False,
            training_python=Path(folder) / "none",  # that a job was started is to be seen, not what becomes of it
        )
        with stack:
            return _Session(stack, engine, host, built, Path(folder)).check(chosen)


class _Session:
    """One local stack with the world in it, and what `sam local invoke` is to be told about it."""

    def __init__(
        self, stack: LocalStack, engine: Engine, host: str, built: Mapping[str, BuiltFunction], folder: Path
    ) -> None:
        self._stack = stack
        self._engine = engine
        self._built = built
        self._variables = folder / "variables.json"
        # The adapters that seed the world find the local AWS as a function would.
        os.environ.update(_CREDENTIALS | {"AWS_ENDPOINT_URL": stack.endpoint, "AWS_DEFAULT_REGION": stack.region})
        for bucket in ("RawBucket", "DataBucket"):  # an upload of the world must not start anything by itself
            stack.client("s3").put_bucket_notification_configuration(
                Bucket=stack.resources[bucket], NotificationConfiguration={}
            )
        self._machine: str = stack.client("stepfunctions").create_state_machine(
            name="DoNothing", definition=world.DO_NOTHING, roleArn="arn:aws:iam::123456789012:role/none"
        )["stateMachineArn"]
        self._write_variables(host)

    def check(self, chosen: list[Example]) -> int:
        """Invoke each, print a table, and say how many answers were wrong."""
        print(f"{'event':<40}{'s':>7}  answer", flush=True)
        wrong = 0
        for example in chosen:
            self._reset()
            started = time.monotonic()
            faults = self._faults(example)
            wrong += bool(faults)
            said = "; ".join(faults) if faults else example.error or "as expected"
            seconds = time.monotonic() - started
            print(f"{example.name:<40}{seconds:>7.1f}  {'WRONG: ' if faults else ''}{said}", flush=True)
        print(f"{len(chosen) - wrong} of {len(chosen)} answers are right.")
        return 1 if wrong else 0

    def _faults(self, example: Example) -> list[str]:
        function = self._built[example.function].logical_id
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("sam"), "local", "invoke", function),
                *("--event", self._event(example), "--env-vars", self._variables),
                *(["--skip-pull-image"] if self._engine.has_runtime_image() else []),
            ],
            cwd=ROOT,
            env=_quiet_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_EACH,
        )
        answer = _answer(done.stdout)
        if done.returncode or answer is None:
            return [f"sam said: {' / '.join(done.stderr.strip().splitlines()[-3:])}"]
        return differences(example.answer, answer)

    def _event(self, example: Example) -> Path:
        """The event with this stack's data bucket in it."""
        text = example.path.read_text("utf-8").replace(world.EVENT_DATA_BUCKET, self._stack.resources["DataBucket"])
        path = self._variables.with_name("event.json")
        path.write_text(text, "utf-8")
        return path

    def _reset(self) -> None:
        """The world as it was: objects are written over; training jobs and new entries in the ledger are taken away."""
        self._forget_training_jobs()  # first: the end of one may write into the ledger
        table, client = self._stack.resources["LedgerTable"], self._stack.client("dynamodb")
        for item in client.scan(TableName=table)["Items"]:
            client.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
        parameters = f"/{self._stack.stack_name}/models/"
        registry, ssm = AwsModelRegistry(parameters, table), self._stack.client("ssm")
        for found in ssm.get_parameters_by_path(Path=parameters)["Parameters"]:
            ssm.delete_parameter(Name=found["Name"])
        world.seed(
            S3ObjectStore(self._stack.resources["RawBucket"]),
            S3ObjectStore(self._stack.resources["DataBucket"]),
            DynamoLedger(table),
            LabelCasesWorkflow(self._machine),
            registry,
        )

    def _forget_training_jobs(self) -> None:
        """A job of the same name would get the next number. Each fails by itself, having no Python to run in."""
        sagemaker, until = self._stack.client("sagemaker"), time.monotonic() + _SECONDS_TO_FAIL
        while sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
            if time.monotonic() > until:
                raise TimeoutError("a training job of the local stack does not end")
            time.sleep(0.1)
        moto_patches.forget_training_jobs(self._stack.region)

    def _write_variables(self, host: str) -> None:
        """Each function's variables as the local AWS deployed them, with addresses that a container can reach."""
        reachable = {
            "AWS_ENDPOINT_URL": _seen_from(host, self._stack.endpoint),
            "AWS_ENDPOINT_URL_BEDROCK": _seen_from(host, self._stack.bedrock_endpoint),
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": _seen_from(host, self._stack.bedrock_endpoint),
        }
        variables: dict[str, dict[str, str]] = {}
        for function in self._built.values():
            name = self._stack.resources[function.logical_id]
            deployed = self._stack.client("lambda").get_function_configuration(FunctionName=name)
            machine = {"STATE_MACHINE_ARN": self._machine} if "STATE_MACHINE_ARN" in function.environment else {}
            variables[function.logical_id] = deployed["Environment"]["Variables"] | reachable | machine
        self._variables.write_text(json.dumps(variables), "utf-8")


def _seen_from(host: str, endpoint: str) -> str:
    return f"http://{host}:{endpoint.rsplit(':', 1)[1]}"


def _answer(printed: str) -> Any:
    """The last line that is JSON: what the function answered. None where there is none."""
    for line in reversed(printed.strip().splitlines()):
        try:
            return json.loads(line)
        except ValueError:
            continue
    return None


def _quiet_environment() -> dict[str, str]:
    """For SAM: no credentials, real or not (it would ask STS about them, and hand them on into the container)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAM_CLI_TELEMETRY": "0",
    }


if __name__ == "__main__":
    sys.exit(main())
