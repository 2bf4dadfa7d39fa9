"""The first prediction of a stack that has just started: asked here, so that no user waits for the model to load."""

import time
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.status import Status

from cli.api import PredictionApi, Refused
from cli.errors import CliError
from cli.in_service import in_service
from cli.stack import Stack
from cli.wrapping import say
from plumbline.contracts.errors import PlumblineError

# A name in it makes the names model load, too.
_CASE: Final[dict[str, Any]] = {"messages": [{"role": "customer", "text": "Hello, my name is Ann Miller."}]}


def warm(where: Stack, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
    """Ask the local stack about a made-up case where a model is in service, and say how long that took.

    A model that does not answer is said and no reason to stop: the stack serves all the same.
    """
    began = clock()
    try:
        version = in_service(where, where.task).version
        if version is None:
            return
        with Status(f"Loading {version} for predictions", console=console):
            PredictionApi(where).predict(_CASE)
    except (CliError, PlumblineError, Refused) as error:
        say(console, f"The model in service does not answer yet: {error}", style="yellow")
        return
    say(console, f"Loaded {version} for predictions in {clock() - began:.0f} s.", style="dim")
