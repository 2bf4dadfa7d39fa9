"""One local stack as tests/statemachine and `make chaos` use it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from local.stack import LocalStack
from tests.conftest import ROOT
from tests.statemachine.pipeline import Pipeline


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Pipeline]:
    """The shipped template, state machine and handlers, and a model with a script; all that it keeps is in `folder`."""
    stack = LocalStack(
        ROOT / "template.yaml",
        state_dir=folder,
        parameters={
            "TargetPerClass": "100000",
            "TrainingImage": "registry.example.com/training:1",
            "BatchMinRecords": "4",
            "BatchMaxRecords": "6",
        },
        model="scripted",
        parallel=1,  # shards still run side by side; a second worker of each function would only take its time to start
        time_scale=0.001,
        keep_state=False,
        training_python=folder / "none",  # a job that starts is enough here; without this it would train
    )
    with stack:
        stack.pools.idle_seconds = 900.0  # on a busy machine a worker's start takes longer than all that it does
        yield Pipeline(stack, folder / "logs")
