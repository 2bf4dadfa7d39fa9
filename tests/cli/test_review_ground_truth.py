"""`plumbline review ground-truth` against a stack in moto."""

import json
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from rich.console import Console

from cli.errors import CliError
from cli.review_ground_truth import export, import_manifest
from cli.stack import Stack
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.gold import read_gold
from tests.cli.reviewed import BILLING, DEFECT, RUN, store_run

CONSOLE = Console(width=200)


def exported(stack: Stack, folder: Path, *, upload: bool = False) -> Path:
    arns = "arn:aws:iam::123456789012:role/gt", "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/ours"
    assert export(stack, RUN, 5, 1, folder, *arns, CONSOLE, queue=False, upload=upload) == 0
    return folder


def answered(folder: Path, *names: str, lines: int = 5) -> Path:
    """The output manifest of a job in which people chose these categories."""
    rows = [json.loads(line) for line in (folder / "input.manifest").read_text("utf-8").splitlines()[:lines]]
    for row, name in zip(rows, names, strict=False):
        row["root-cause"] = 0
        row["root-cause-metadata"] = {"class-name": name, "human-annotated": "yes", "job-name": "labeling-job/j1"}
    out = folder / "output.manifest"
    out.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return out


@pytest.fixture
def reviewed(stack: Stack) -> Stack:
    return store_run(stack, {f"C{n}": {} for n in range(8)})


def test_the_job_is_what_sagemaker_takes_and_its_files_lie_where_it_says(
    reviewed: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = exported(reviewed, tmp_path / "job", upload=True)
    job = json.loads((folder / "job.json").read_text("utf-8"))
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateLabelingJob")
    assert shape.input_shape is not None
    assert not ParamValidator().validate(job, shape.input_shape).has_errors()
    uris = (
        job["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"],
        job["LabelCategoryConfigS3Uri"],
        job["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"],
    )
    for uri in uris:
        key = uri.removeprefix("s3://data/")
        assert S3ObjectStore("data").read(key) == (folder / key.rpartition("/")[2]).read_bytes()
    said = capsys.readouterr().out
    assert "aws sagemaker create-labeling-job --cli-input-json file://" in said
    assert f"review ground-truth import {job['OutputConfig']['S3OutputPath']}{job['LabelingJobName']}/" in said
    assert ":432418664414:function:PRE-TextMultiClass" in job["HumanTaskConfig"]["PreHumanTaskLambdaArn"]


def test_what_people_chose_becomes_gold_from_a_file_or_from_s3(
    reviewed: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = answered(exported(reviewed, tmp_path / "job"), BILLING, BILLING, DEFECT)
    S3ObjectStore("data").write("out/output.manifest", manifest.read_bytes())
    for source in (str(manifest), "s3://data/out/output.manifest"):
        capsys.readouterr()
        assert import_manifest(reviewed, source, None, CONSOLE, as_json=False) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Reviewed: 3 of 5 cases." in said
        assert "Accuracy: 66.7% of 3 random rows" in said
        assert "Left out: 0 failed, 0 labeled by machine, 2 without a label." in said
    found = read_gold("root_cause", S3ObjectStore("data"))
    assert sorted(label.category for label in found.values()) == [BILLING, BILLING, DEFECT]
    assert len(list(S3ObjectStore("data").objects_under("gold/"))) == 1


def test_a_manifest_with_problems_stores_nothing(reviewed: Stack, tmp_path: Path) -> None:
    folder = exported(reviewed, tmp_path / "job")
    manifest = answered(folder, BILLING, "Sport")
    manifest.write_text(manifest.read_text("utf-8") + "{}\n", "utf-8")
    with pytest.raises(CliError) as raised:
        import_manifest(reviewed, str(manifest), None, CONSOLE, as_json=False)
    assert "output.manifest has 2 problems; nothing was stored." in str(raised.value)
    assert "line 6: it does not say which case it is" in str(raised.value)
    assert "'Sport' is no category of this task. Known: Billing Inquiry" in str(raised.value)
    with pytest.raises(CliError, match="has no label that a person gave"):
        import_manifest(reviewed, str(answered(folder)), None, CONSOLE, as_json=False)
    store_run(reviewed, {"C0": {}})
    with pytest.raises(CliError, match="cases are not as the run run-4f2a has them"):
        import_manifest(reviewed, str(answered(folder, BILLING)), None, CONSOLE, as_json=False)
    assert read_gold("root_cause", S3ObjectStore("data")) == {}
