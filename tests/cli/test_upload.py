"""Handing a file over: what is checked first, what goes along as metadata, and which run it starts."""

from pathlib import Path

import boto3
import pytest

from cli.errors import CliError, UsageProblem
from cli.stack import Stack
from cli.upload import checked, metadata_of, upload_cases, upload_mapping
from plumbline.contracts.runs import RunRequest
from plumbline.start_run import OPTIONS, run_id_of


def cases(tmp_path: Path, size: int = 12) -> Path:
    path = tmp_path / "my cases é.csv"
    path.write_bytes(b"x" * size)
    return path


def test_options_travel_as_metadata_that_start_run_reads() -> None:
    settings = {
        "task": "root_cause",
        "prompt_version": "v3",
        "model_id": None,
        "target_per_class": 40,
        "budget_usd": 2.5,
        "force": True,
    }
    metadata = metadata_of(settings)
    assert metadata == {
        "task": "root_cause",
        "prompt_version": "v3",
        "target_per_class": "40",
        "budget_usd": "2.5",
        "force": "true",
    }
    assert set(metadata) <= set(OPTIONS)
    fixed = {"run_id": "r", "model_id": "m", "key": "k", "started_at": "2026-01-01T00:00:00Z"}
    run = RunRequest.model_validate(metadata | fixed)
    assert (run.target_per_class, run.budget_usd, run.force) == (40, 2.5, True)


def test_what_is_not_asked_for_is_left_to_the_stack() -> None:
    assert metadata_of({"task": None, "force": False}) == {}


def test_an_option_that_start_run_does_not_know_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="colour"):
        metadata_of({"colour": "red"})


@pytest.mark.parametrize("text", ["größe", "a\nb", "  "])
def test_text_that_metadata_cannot_hold_is_refused_by_the_option_s_name(text: str) -> None:
    with pytest.raises(UsageProblem, match="--model-id"):
        metadata_of({"model_id": text})


def test_the_run_is_that_of_the_uploaded_version(stack: Stack, tmp_path: Path) -> None:
    path, s3 = cases(tmp_path), boto3.client("s3")
    first = upload_cases(stack, path, {"task": "root_cause"})
    second = upload_cases(stack, path, {})
    listed = s3.list_object_versions(Bucket="raw", Prefix="incoming/")["Versions"]
    assert {first.run_id, second.run_id} == {run_id_of("raw", first.key, v["VersionId"]) for v in listed}
    assert first.run_id != second.run_id
    old = next(v["VersionId"] for v in listed if not v["IsLatest"])
    assert s3.head_object(Bucket="raw", Key=first.key, VersionId=old)["Metadata"] == {"task": "root_cause"}


def test_a_large_file_goes_in_parts_and_its_progress_adds_up(stack: Stack, tmp_path: Path) -> None:
    size = 20 * 1024 * 1024
    path = cases(tmp_path, size)
    moved: list[int] = []
    uploaded = upload_cases(stack, path, {"task": "t"}, moved.append)
    head = boto3.client("s3").head_object(Bucket="raw", Key=uploaded.key)
    assert "-" in head["ETag"]  # a multipart etag
    assert head["Metadata"] == {"task": "t"}
    assert uploaded.run_id == run_id_of("raw", uploaded.key, head["VersionId"])
    assert sum(moved) == size == uploaded.size


def test_without_versioning_the_run_is_named_by_the_etag(stack: Stack, tmp_path: Path) -> None:
    boto3.client("s3").create_bucket(Bucket="plain")
    unversioned = Stack(**{**vars(stack), "raw_bucket": "plain"})
    uploaded = upload_cases(unversioned, cases(tmp_path), {})
    etag = boto3.client("s3").head_object(Bucket="plain", Key=uploaded.key)["ETag"].strip('"')
    assert uploaded.run_id == run_id_of("plain", uploaded.key, etag)


def test_an_upload_that_s3_refuses_says_why(stack: Stack, tmp_path: Path) -> None:
    nowhere = Stack(**{**vars(stack), "raw_bucket": "not-there"})
    with pytest.raises(CliError, match="NoSuchBucket"):
        upload_cases(nowhere, cases(tmp_path), {})


def test_the_same_mapping_always_gets_the_same_key_and_another_one_another(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "größe map.yaml"
    path.write_text("id: key\n")
    first = upload_mapping(stack, path)
    assert upload_mapping(stack, path) == first
    assert first.startswith("mappings/")
    assert first.isascii()
    path.write_text("id: other\n")
    assert upload_mapping(stack, path) != first


def test_files_that_cannot_be_a_case_file_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(UsageProblem, match="is empty"):
        checked(empty)
    with pytest.raises(UsageProblem, match="is a folder"):
        checked(tmp_path)
    with pytest.raises(UsageProblem, match="There is no file"):
        checked(tmp_path / "absent.csv")
    with pytest.raises(UsageProblem, match="too large"):
        checked(cases(tmp_path), limit=5)
    assert checked(cases(tmp_path)) == 12
