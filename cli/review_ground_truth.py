"""`plumbline review ground-truth`: a SageMaker Ground Truth job about a run's cases, and its labels back as gold."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from cli import review
from cli import stack as stacks
from cli.downloads import run_folder
from cli.errors import CliError, UsageProblem
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, shown
from cli.run import console_for
from cli.stack import Stack
from cli.status import run_summary
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.summary import RunSummary
from plumbline.report.words import plural
from plumbline.review import ground_truth as gt
from plumbline.review.cases import sheet_id_of
from plumbline.review.verdict import verdict

# Whose the functions of the built-in task types are, by region: CreateLabelingJob, PreHumanTaskLambdaArn.
_OWNERS: Final = {
    "us-east-1": "432418664414", "us-east-2": "266458841044", "us-west-2": "081040173940",
    "ca-central-1": "918755190332", "eu-west-1": "568282634449", "eu-west-2": "487402164563",
    "eu-central-1": "203001061592", "ap-northeast-1": "477331159723", "ap-northeast-2": "845288260483",
    "ap-south-1": "565803892007", "ap-southeast-1": "377565633583", "ap-southeast-2": "454466003867",
}  # fmt: skip
_SHOWN: Final = 25
ground_truth_app = typer.Typer(help="Label with SageMaker Ground Truth.", no_args_is_help=True)


@ground_truth_app.command("export", epilog=examples("plumbline review ground-truth export last --upload"))
def export_command(
    run: review.Run = "last",
    size: review.Size = review.DEFAULT_SAMPLE,
    queue: review.Queue = False,
    seed: review.Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Where the files go.")] = None,
    upload: Annotated[bool, typer.Option("--upload", help="Put them into the data bucket too.")] = False,
    role: Annotated[str, typer.Option("--role-arn", metavar="ARN", help="The role of the job.")] = "ROLE_ARN",
    team: Annotated[str, typer.Option("--workteam-arn", metavar="ARN", help="Who labels.")] = "WORKTEAM_ARN",
    stack: StackName = None,
) -> None:
    """Write what a Ground Truth labeling job takes, and say the command that starts it.

    Input manifest (anonymized text), categories, the workers' page, and the
    job itself as JSON. Ground Truth takes no new customers: an account that
    never used it can review with `review export`.
    """
    where = stacks.find(stack)
    console = console_for(as_json=False)
    raise typer.Exit(export(where, run, size, seed, out, role, team, console, queue=queue, upload=upload))


@ground_truth_app.command("import", epilog=examples("plumbline review ground-truth import output.manifest"))
def import_command(
    manifest: Annotated[
        str, typer.Argument(metavar="MANIFEST", help="The job's output manifest: a file or s3:// URI.")
    ],
    attribute: Annotated[
        str | None, typer.Option("--attribute", metavar="NAME", help="Which label attribute. [the line's last one]")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Keep the labels of a job's output manifest as gold, and say how right the model was.

    Lines that the job failed on or labeled without a person are counted and
    left out. A manifest with any problem is refused whole.
    """
    where = stacks.find(stack)
    raise typer.Exit(import_manifest(where, manifest, attribute, console_for(as_json=as_json), as_json=as_json))


def export(
    where: Stack, wanted: str, size: int, seed: int, out: Path | None, role: str, team: str, console: Console,
    *, queue: bool, upload: bool,
) -> int:  # fmt: skip
    """Write the four files, upload three where asked to, say the next command; 0."""
    summary = run_summary(where, wanted)
    cases = review.cases_for_people(where, summary, size, seed, queue=queue).cases
    answers = review.answers_of(summary, cases, console)
    if len(answers) > gt.MAX_CATEGORIES:
        raise CliError(
            f"The task has {len(answers)} categories; a Ground Truth job takes {gt.MAX_CATEGORIES}.",
            f"Review in a sheet: {plumbline(f'review export {summary.run_id}{where.option}')}",
        )
    sheet_id = sheet_id_of(summary.run_id, cases, seed, queue=queue)
    files = {
        "input.manifest": "".join(f"{gt.manifest_line(case, summary.run_id)}\n" for case in cases),
        "categories.json": gt.category_file(answers),
        "template.liquid": gt.worker_page(answers),
    }
    folder = out or run_folder(summary.run_id) / f"ground-truth-{sheet_id}"
    folder.mkdir(parents=True, exist_ok=True)
    job = labeling_job(where, summary, sheet_id, role, team)
    for name, text in (files | {"job.json": json.dumps(job, indent=2)}).items():
        (folder / name).write_text(text, "utf-8")
    say(console, f"{plural(len(cases), 'case')} for Ground Truth: {shown(folder)}/")
    there = f"s3://{where.data_bucket}/{keys.labeling_job(summary.run_id, sheet_id)}"
    if upload:
        data = S3ObjectStore(where.data_bucket)
        for name, text in files.items():
            data.write(keys.labeling_job(summary.run_id, sheet_id, name), text.encode(), "text/plain")
        say(console, f"Uploaded to {there}")
    else:
        say(console, "Upload them, by --upload or by:")
        say(console, f"  aws s3 cp {shown(folder)}/ {there} --recursive --exclude job.json")
    if role == "ROLE_ARN" or team == "WORKTEAM_ARN":
        say(console, "Put the job's role and your work team into job.json (--role-arn, --workteam-arn).")
    say(console, "Start the job:")
    say(console, f"  aws sagemaker create-labeling-job --cli-input-json file://{shown(folder / 'job.json')}")
    output = f"{job['OutputConfig']['S3OutputPath']}{job['LabelingJobName']}/manifests/output/output.manifest"
    say(console, "When it is done:")
    say(console, f"  {plumbline(f'review ground-truth import {output}{where.option}')}")
    return 0


def labeling_job(where: Stack, summary: RunSummary, sheet_id: str, role: str, team: str) -> dict[str, Any]:
    """The input of CreateLabelingJob: three people a case, as their agreement is what makes gold of it."""

    def uri(name: str) -> str:
        return f"s3://{where.data_bucket}/{keys.labeling_job(summary.run_id, sheet_id, name)}"

    owner = _OWNERS.get(where.region, "ACCOUNT_OF_GROUND_TRUTH_IN_THIS_REGION")
    function = f"arn:aws:lambda:{where.region}:{owner}:function:"
    return {
        "LabelingJobName": f"plumbline-{sheet_id}",
        "LabelAttributeName": gt.ATTRIBUTE,
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": uri("input.manifest")}}},
        "OutputConfig": {"S3OutputPath": uri("output/")},
        "RoleArn": role,
        "LabelCategoryConfigS3Uri": uri("categories.json"),
        "HumanTaskConfig": {
            "WorkteamArn": team,
            "UiConfig": {"UiTemplateS3Uri": uri("template.liquid")},
            "PreHumanTaskLambdaArn": f"{function}PRE-TextMultiClass",
            "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": f"{function}ACS-TextMultiClass"},
            "TaskTitle": f"Root causes of support cases ({summary.task})",
            "TaskDescription": "Read a support case and choose its root cause.",
            "NumberOfHumanWorkersPerDataObject": 3,
            "TaskTimeLimitInSeconds": 1800,
        },
    }


def import_manifest(where: Stack, manifest: str, attribute: str | None, console: Console, *, as_json: bool) -> int:
    """Check, store, show; 0. Raises CliError naming every problem, and then nothing is stored."""
    found = gt.read_manifest(_bytes(manifest).splitlines(), datetime.now(UTC), attribute)
    name = manifest.rpartition("/")[2]
    if found.run_id is not None:
        summary = review.summary_for(where, found.run_id, name)
        strangers = review.not_of_run(where, summary, found.asked)
        answers = review.known_answers(summary, [case for case in found.asked if case not in strangers])
        found.problems += gt.unknown(found, answers)
        if strangers:
            what = f"{plural(len(strangers), 'case')} are not as the run {found.run_id} has them"
            found.problems.append(f"{what}. Is it of another stack, or has the run been repeated since?")
    if found.problems:
        lines = "".join(f"\n  {problem}" for problem in found.problems[:_SHOWN])
        more = f"\n  … and {len(found.problems) - _SHOWN} more" if len(found.problems) > _SHOWN else ""
        raise CliError(f"{name} has {plural(len(found.problems), 'problem')}; nothing was stored.{lines}{more}")
    if not found.labels or found.run_id is None:
        left = f"{found.failed} failed, {found.by_machine} labeled by machine, {found.unlabeled} without a label"
        raise CliError(
            f"{name} has no label that a person gave ({left}).", "Has the job ended? --attribute names another."
        )
    kept = review.keep(where, summary.task, found.name, found.labels)
    review.show(verdict(found.asked, found.labels, answers), kept, summary, where, console, as_json=as_json)
    if not as_json and found.failed + found.by_machine + found.unlabeled:
        left = f"{found.failed} failed, {found.by_machine} labeled by machine, {found.unlabeled} without a label."
        say(console, f"Left out: {left}")
    return 0


def _bytes(manifest: str) -> bytes:
    if manifest.startswith("s3://"):
        bucket, _, key = manifest.removeprefix("s3://").partition("/")
        return S3ObjectStore(bucket).read(key)
    path = Path(manifest)
    if not path.is_file():
        raise UsageProblem(f"There is no file {path}.", "Give the job's output.manifest, or its s3:// URI.")
    return path.read_bytes()
