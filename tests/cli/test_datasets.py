"""Choosing a dataset to train on."""

from pathlib import Path

import boto3
import pytest

from cli.datasets import as_file, choose, datasets_of, drop
from cli.errors import CliError, UsageProblem
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from tests.cli import training as t


def put(stack: Stack, version: str, day: int) -> str:
    key = keys.dataset_manifest("root_cause", version)
    S3ObjectStore(stack.data_bucket).write(key, t.manifest(version, day=day).model_dump_json().encode())
    return key


def test_the_newest_is_taken_unless_another_is_named(stack: Stack) -> None:
    put(stack, "d-zz", 3)
    newest = put(stack, "d-aa", 9)
    put(stack, "d-ab", 5)
    assert choose(stack, "root_cause", "latest").key == newest
    assert choose(stack, "root_cause", "d-z").manifest.version == "d-zz"
    assert [d.manifest.version for d in datasets_of(stack, "root_cause")] == ["d-aa", "d-ab", "d-zz"]
    with pytest.raises(UsageProblem, match="Several datasets begin with the version 'd-a'"):
        choose(stack, "root_cause", "d-a")
    with pytest.raises(UsageProblem, match="no dataset with the version 'x'") as caught:
        choose(stack, "root_cause", "x")
    assert caught.value.hint == "Newest first: d-aa, d-ab, d-zz."


def test_without_a_dataset_it_says_to_label_first(stack: Stack) -> None:
    S3ObjectStore(stack.data_bucket).write(keys.dataset_manifest("root_cause", "old"), b'{"of": "another version"}')
    with pytest.raises(CliError, match="no dataset of the task root_cause yet") as caught:
        choose(stack, "root_cause", "latest")
    assert "run FILE --stack demo" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "is_file"), [("latest", False), ("d2026-1f", False), ("m.json", True), ("runs/x/manifest.json", True)]
)
def test_a_file_is_told_from_a_version(text: str, is_file: bool) -> None:
    assert (as_file(text) is not None) is is_file


def test_a_manifest_file_is_dropped_where_its_dataset_is(stack: Stack, tmp_path: Path) -> None:
    file, manifest = tmp_path / "manifest.json", t.manifest()
    file.write_text(manifest.model_dump_json())
    with pytest.raises(UsageProblem, match="does not hold datasets/root_cause"):
        drop(stack, file)
    for split in manifest.files:
        S3ObjectStore(stack.data_bucket).write(split.key, b"{}")
    found = drop(stack, file)
    assert found.key.startswith("manifests/root_cause-d20261122-1f3a-")
    assert boto3.client("s3").get_object(Bucket="data", Key=found.key)["Body"].read() == file.read_bytes()
    assert drop(stack, file).key == found.key


def test_a_file_that_is_no_manifest_names_the_fields(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(t.manifest().model_dump_json().replace('"task"', '"tusk"'))
    with pytest.raises(UsageProblem, match=r"no dataset manifest \(wrong: tusk, task\)"):
        drop(stack, file)
