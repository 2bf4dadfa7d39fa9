"""`plumbline models judge`: ask for the verdict on a training job again, where promotion was lost on its way.

The function gets the event that SageMaker sent, made anew from what SageMaker says of the job.
"""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.status import Status

from cli.errors import CliError
from cli.invoke import FunctionFailed, invoke
from cli.stack import Stack
from cli.training_job import Seen, client, described, following, job_name, job_of, newest, row_of
from cli.training_verdict import conclude

LAST: Final = "last"
# What the event's detail takes of DescribeTrainingJob; times are left out.
_DETAIL: Final = (
    "TrainingJobName", "TrainingJobStatus", "SecondaryStatus", "FailureReason", "InputDataConfig", "OutputDataConfig",
)  # fmt: skip


def judge(where: Stack, name: str, console: Console, *, as_json: bool) -> int:
    """Have PromoteModel judge a job that has ended, and show what it decided; 0 when its model was promoted, else 1.

    A job that was judged before is not judged again: its row is shown. Raises UsageProblem for a job that there is not,
    CliError for one that has not ended and where the function failed.
    """
    found = described(client("sagemaker"), job_name(where, newest(where) if name == LAST else name))
    job = job_of(found)
    if job.status in ("InProgress", "Stopping"):
        raise CliError(f"{job.name} has not ended yet.", f"Follow it: {following(job.name, where)}")
    row = row_of(where, job.task, job.name)
    if row is not None:
        console.print(f"{job.name} has been judged already; a job is judged once.", style="dim")
        return conclude(console, where, Seen(job, row=row), as_json=as_json)
    try:
        with Status(f"Judging {job.name} …", console=console):
            invoke(where, "PromoteModelFunction", _event(found))
    except FunctionFailed as failed:
        raise CliError(
            f"{job.name} could not be judged: {failed}", f"Look into {where.log_of('promote_model')}."
        ) from None
    return conclude(console, where, Seen(job, row=row_of(where, job.task, job.name)), as_json=as_json)


def _event(found: Mapping[str, Any]) -> dict[str, Any]:
    """EventBridge's "SageMaker Training Job State Change"."""
    return {
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Training Job State Change",
        "detail": {name: found[name] for name in _DETAIL if name in found},
    }
