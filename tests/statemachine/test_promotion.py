"""A training job's event on the shipped template: rule, function, registry, pointer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from plumbline.adapters import clients
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.models import ModelRow
from tests.conftest import ROOT
from tests.statemachine.pipeline import Pipeline, until
from tools import world
from tools import world_models as w


@pytest.fixture
def registry(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsModelRegistry]:
    """The local stack's own registry, with the models of the seeded world."""
    stack = pipeline.stack
    for name, value in {
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)
    clients._client.cache_clear()
    registry = AwsModelRegistry(f"/{stack.stack_name}/models/", stack.resources["LedgerTable"])
    w.seed_models(S3ObjectStore(stack.resources["DataBucket"]), registry)
    yield registry
    clients._client.cache_clear()


def tell(pipeline: Pipeline, event: str) -> None:
    """Put an event of events/promote_model on the bus, with this stack's bucket in it."""
    text = (ROOT / "events" / "promote_model" / f"{event}.json").read_text("utf-8")
    said = json.loads(text.replace(world.EVENT_DATA_BUCKET, pipeline.stack.resources["DataBucket"]))
    entry = {"Source": said["source"], "DetailType": said["detail-type"], "Detail": json.dumps(said["detail"])}
    pipeline.stack.client("events").put_events(Entries=[entry])


def row(registry: AwsModelRegistry, version: str) -> Any:
    def found() -> ModelRow | None:
        return next((row for row in registry.rows(w.TASK) if row.version == version), None)

    return until(found, f"a row about {version}")


def test_a_job_that_failed_or_is_worse_leaves_the_old_model_and_a_better_one_serves(
    pipeline: Pipeline, registry: AwsModelRegistry
) -> None:
    def serving() -> str | None:
        pointer = registry.current(w.TASK)
        return pointer.version if pointer else None

    tell(pipeline, "not-our-job")
    tell(pipeline, "training-failed")
    assert row(registry, "plumbline-root-cause-failed").status == "failed"
    tell(pipeline, "rejected")
    assert row(registry, w.WORSE).status == "rejected"
    assert serving() == w.IN_SERVICE
    tell(pipeline, "typical")
    promoted = row(registry, w.BETTER)
    assert (promoted.status, promoted.comparison.current) == ("promoted", w.IN_SERVICE)
    assert serving() == w.BETTER
    assert "somebody-elses" not in {known.version for known in registry.rows(w.TASK)}


def test_the_stack_names_where_its_pointers_lie(pipeline: Pipeline) -> None:
    [stack] = pipeline.stack.client("cloudformation").describe_stacks()["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["ModelParameters"] == f"/{pipeline.stack.stack_name}/models/"
