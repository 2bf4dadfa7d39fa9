"""Where moto is made to do what AWS does: nothing else in this repository touches moto's inside.

moto is pinned, because a patch replaces a function whose neighbours must be the ones read when it was written. Each
patch says what moto does and what AWS does. `applied` puts all of them in place and takes them back.
"""

import contextlib
import logging
from collections.abc import Iterator
from unittest import mock

import moto
from moto.cloudformation.parsing import get_model_map
from moto.core.config import default_user_config
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.models import moto_api_backend

from local.moto_patches import events, functions, maps, server, states, tables, training
from local.moto_patches.events import publish_batch_job
from local.moto_patches.objects import restore_upload
from local.moto_patches.server import bind
from local.moto_patches.states import abort_running
from local.moto_patches.training import forget_training_jobs, restore_training_jobs
from local.moto_patches.wiring import Wiring

__all__ = [
    "MOTO_VERSION",
    "Wiring",
    "abort_running",
    "applied",
    "bind",
    "cloudformation_types",
    "forget_everything",
    "forget_training_jobs",
    "publish_batch_job",
    "restore_training_jobs",
    "restore_upload",
    "seed_identifiers",
]

MOTO_VERSION = "5.2.5"


@contextlib.contextmanager
def applied(wiring: Wiring) -> Iterator[None]:
    """Run moto as patched while the block runs.

    Raises RuntimeError for a moto that the patches were not written for.
    """
    if moto.__version__ != MOTO_VERSION:
        message = (
            f"The embedded AWS patches moto {MOTO_VERSION}, but moto {moto.__version__} is installed. "
            f"Install moto=={MOTO_VERSION}, or read local/moto_patches against the new version and raise its pin."
        )
        raise RuntimeError(message)
    with contextlib.ExitStack() as stack:

        def patch(target: object, name: str, replacement: object, /, *, new: bool = False) -> None:
            stack.enter_context(mock.patch.object(target, name, replacement, create=new))

        # moto logs a failing state with its whole parse tree; the execution's history and the function's log have it.
        logger = logging.getLogger("moto.stepfunctions")
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)
        stack.enter_context(mock.patch.dict(default_user_config, {"stepfunctions": {"execute_state_machine": True}}))
        server.patch(patch)
        functions.patch(patch, wiring)
        events.patch(patch, wiring)
        states.patch(patch, wiring)
        maps.patch(patch, wiring)
        training.patch(patch, wiring)
        tables.patch(patch)
        yield


def cloudformation_types() -> frozenset[str]:
    """The resource types that moto's CloudFormation makes; it warns about any other and goes on without.

    API Gateway is not among them: moto's breaks on an API that is described by a body alone, and calls no function.
    `local.api` stands in its place.
    """
    return frozenset(kind for kind in get_model_map() if not kind.startswith("AWS::ApiGateway::"))


def forget_everything() -> None:
    """Empty every service of moto's in this process."""
    moto_api_backend.reset()


def seed_identifiers(seed: int | None) -> None:
    """Make moto's random identifiers (the physical names of resources) repeat for the same seed; None ends that."""
    mock_random.seed(seed)
