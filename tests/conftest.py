"""Shared settings of every test: no sockets outside tests/local and tests/statemachine, AWS of nobody."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.update(
    {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_METRICS_NAMESPACE": "Plumbline",
        "POWERTOOLS_SERVICE_NAME": "plumbline",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
)

# No test is timed: a busy machine is no defect.
settings.register_profile("plumbline", deadline=None)
settings.load_profile("plumbline")

ROOT = Path(__file__).parents[1]
_NETWORKED = ("tests/local", "tests/statemachine", "tests/cli")  # loopback only


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> None:
    if not request.node.nodeid.startswith(_NETWORKED):
        request.getfixturevalue("socket_disabled")
    else:
        request.getfixturevalue("socket_enabled")
