"""What the patches share."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from local.sagemaker.job import Recorder, TrainingJob
from local.workers import Answer, FunctionConfig

# An object of moto's own; moto tells a type checker little about them.
Moto: TypeAlias = Any


class Patch(Protocol):
    """Puts something in the place of a module's or class's own; `new` where it has nothing of that name."""

    def __call__(self, target: object, name: str, replacement: object, /, *, new: bool = False) -> None:
        """Patch it for as long as the stack runs."""


class Invoke(Protocol):
    """Runs a Lambda function; gives an error in place of a start once `unless` is set."""

    def __call__(self, config: FunctionConfig, event: bytes, unless: threading.Event | None = None, /) -> Answer:
        """The function's answer."""


class Training(Protocol):
    """Runs training jobs."""

    def submit(self, job: TrainingJob, record: Recorder) -> None:
        """Take a job; `record` hears what becomes of it."""

    def stop(self, name: str) -> bool:
        """Stop a job; False when it has ended, or there is none."""


@dataclass(frozen=True)
class Wiring:
    """What the patches reach out to.

    `endpoint` is the moto server's URL. `invoke` runs a Lambda function. `background` runs what AWS does
    asynchronously. `training` runs training jobs. `time_scale` multiplies the state machines' Wait states and Retry
    intervals (1 = as written). Once `stopping` is set, no execution starts and none goes on. `ended` is called after
    each execution and training job.
    """

    endpoint: str
    invoke: Invoke
    background: Executor
    training: Training
    time_scale: float = 1.0
    stopping: threading.Event = field(default_factory=threading.Event)
    ended: Callable[[], None] = lambda: None

    def rest_if_stopping(self) -> None:
        """Never return, once the stack is stopping, to the calling thread (an execution's): no Retry, no Catch follows.

        The thread is a daemon and waits at no cost until the process ends. An exception would go through moto's hands.
        """
        if self.stopping.is_set():
            threading.Event().wait()
