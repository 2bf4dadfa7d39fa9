"""What the patches share."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeAlias

from local.workers import Answer, FunctionConfig

# An object of moto's own; moto tells a type checker little about them.
Moto: TypeAlias = Any
Patch = Callable[[object, str, object], None]


@dataclass(frozen=True)
class Wiring:
    """What the patches reach out to.

    `endpoint` is the moto server's URL. `invoke` runs a Lambda function. `background` runs what AWS does
    asynchronously. `time_scale` multiplies the state machines' Wait states and Retry intervals (1 = as written).
    """

    endpoint: str
    invoke: Callable[[FunctionConfig, bytes], Answer]
    background: Executor
    time_scale: float = 1.0
