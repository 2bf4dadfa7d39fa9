"""The stack as a process (`python -m local`), and that no worker outlives its parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3

from local import info
from tests.local.conftest import FIXTURE, until

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join((str(ROOT / "layers/core"), str(ROOT))),
    # What a developer's shell may hold; none of it may matter.
    "AWS_PROFILE": "there-is-none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def python(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # In a container without an init nobody may collect it: a zombie has ended all the same.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_says_when_it_is_ready_serves_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    # The stand-in for Bedrock is tested elsewhere; its scripted model has nothing to load.
    arguments = ("--template", str(FIXTURE), "--model", "scripted", "--state-dir", str(tmp_path))
    with python("-m", "local", *arguments) as process:
        line = first_line(process)
        note = info.read(tmp_path)
        assert note is not None, line
        assert line == f"ready: AWS at {note.endpoint}, Bedrock at {note.bedrock_endpoint}\n"
        assert note.pid == process.pid
        client = boto3.client("cloudformation", endpoint_url=note.endpoint, region_name=note.region)
        assert client.describe_stacks(StackName=note.stack_name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not (tmp_path / "local.json").exists()
    assert (tmp_path / "state" / "Inbox.tar").exists()


HOLDER = """
import sys, threading
from pathlib import Path
from local.workers import CodeLayout, FunctionConfig, WorkerPools

folder = Path(sys.argv[1])
pools = WorkerPools(folder, parallel=2, environment={})
pools.register("f", CodeLayout(search_path=(folder,)))
config = FunctionConfig("f", "arn", "own.handler", 60, 128, {})
print(pools.invoke(config, b"{}").payload.decode(), flush=True)
threading.Thread(target=pools.invoke, args=(config, b'{"hang": true}')).start()
threading.Event().wait()
"""
OWN = """
import os, time

def handler(event, context):
    while "hang" in event:
        time.sleep(1)
    return os.getpid()
"""


def test_a_worker_dies_with_its_parent_even_in_the_middle_of_a_handler(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    with python("-c", HOLDER, str(tmp_path)) as process:
        worker = int(first_line(process))
        assert alive(worker)
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not alive(worker))


def test_a_wrong_file_of_faults_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('{"rules": [{"do": "dance"}]}')
    command = [sys.executable, "-m", "local", "--template", str(FIXTURE), "--model", "scripted"]
    variables = ENVIRONMENT | {"PLUMBLINE_FAULTS": str(tmp_path / "faults.json")}
    ended = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "faults.json is wrong in: rules.0.do" in ended.stderr
