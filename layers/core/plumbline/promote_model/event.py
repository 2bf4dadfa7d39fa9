"""What SageMaker says of a training job that ended."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from plumbline import keys
from plumbline.contracts import errors
from plumbline.contracts.base import Model, wrong_fields
from plumbline.contracts.errors import InvalidEvent, PlumblineError

_MANIFEST_CHANNEL = "manifest"
_MODELS = keys.models("")
_LONGEST = 300  # characters of a reason
_OURS = "|".join(
    name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, PlumblineError)
)
_OUR_ERROR = re.compile(rf"\b({_OURS}): ([^\n]+?)[\"\s]*(?:\n|$)")
# The sentences of training/train.py and of local/sagemaker's runner, which quote nothing of a case.
_OUR_WORDS = re.compile(
    r"\b[A-Za-z_]\w{0,80} while training; the log's last lines show where it arose"
    r"|\bthe training process was killed by SIG[A-Z0-9]{1,10}(?:, often for lack of memory)?"
)
_EXIT_CODE = re.compile(r"exit ?code:? ?(-?\d+)", re.IGNORECASE)
_EXCEPTION = re.compile(r"\b([A-Z]\w*(?:Error|Exception|Interrupt|Killed))\b")
_OUT_OF_TIME: Final = "MaxRuntimeExceeded"  # the secondary status of a job that is Stopped by its own limit
_FROM_THE_SCRIPT: Final = "AlgorithmError"  # SageMaker's name for a failure of the training code itself


class EndedJob(Model):
    """A training job of ours that ended. `version` is its name, and so the model's."""

    task: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")
    version: str = Field(pattern=r"^[A-Za-z0-9](-*[A-Za-z0-9])*$", max_length=63)
    status: Literal["Completed", "Failed", "Stopped"]
    reason: str = ""
    manifest_key: str | None = Field(default=None, description="the dataset's manifest, in the data bucket")


def job_from_event(event: Mapping[str, Any], bucket: str) -> EndedJob:
    """Read EventBridge's "SageMaker Training Job State Change". Raises InvalidEvent, also for a job of somebody else.

    A job is ours when its output goes to models/<task> of the data bucket, whoever started it: start_training, a
    pipeline or a person. The detail has DescribeTrainingJob's fields (Amazon SageMaker Developer Guide, "Events that
    SageMaker AI sends to Amazon EventBridge").
    """
    try:
        detail = event["detail"]
        output = detail["OutputDataConfig"]["S3OutputPath"]
        key = _key_in(bucket, output)
        if key is None or not key.startswith(_MODELS):
            raise InvalidEvent(f"the job's output is not under s3://{bucket}/{_MODELS}; it is none of this stack's")
        return EndedJob(
            task=key.removeprefix(_MODELS).strip("/"),
            version=detail["TrainingJobName"],
            status=detail["TrainingJobStatus"],
            reason=reason_of(detail),
            manifest_key=_manifest_key(detail, bucket),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        fields = wrong_fields(error) if isinstance(error, ValidationError) else type(error).__name__
        raise InvalidEvent(f"no 'SageMaker Training Job State Change' of a job that ended ({fields})") from None


def reason_in_words(reason: str) -> str:
    """Why a job failed, short, and without what may quote a case.

    Our own errors and sentences never do, and neither does SageMaker. Of any other error of the training code only its
    class and the exit code are told: an exception's message may hold what the code was reading.
    """
    if own := _OUR_ERROR.search(reason):
        return f"{own[1]}: {_short(own[2])}"
    if not reason.startswith(_FROM_THE_SCRIPT):
        return _short(reason)
    code = _EXIT_CODE.search(reason)
    if words := _OUR_WORDS.search(reason):
        return words[0] + (f" (exit code {code[1]})" if code else "")
    said = [name for name in _EXCEPTION.findall(reason) if name != _FROM_THE_SCRIPT]
    parts = [*dict.fromkeys(said[-1:]), *([f"exit code {code[1]}"] if code else [])]
    return _FROM_THE_SCRIPT + (f" ({', '.join(parts)})" if parts else "")


def reason_of(detail: Mapping[str, Any]) -> str:
    """Why a job ended badly, by DescribeTrainingJob's fields, as `reason_in_words` says it; empty where it did not."""
    if detail.get("SecondaryStatus") == _OUT_OF_TIME:
        return "the job reached its time limit; raise the stack's parameter TrainingMaxSeconds, or train for less"
    return reason_in_words(str(detail.get("FailureReason") or ""))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _key_in(bucket: str, uri: str) -> str | None:
    parts = urlsplit(uri)
    return parts.path.lstrip("/") if (parts.scheme, parts.netloc) == ("s3", bucket) else None


def _manifest_key(detail: Mapping[str, Any], bucket: str) -> str | None:
    for channel in detail.get("InputDataConfig") or []:
        if channel["ChannelName"] == _MANIFEST_CHANNEL:
            return _key_in(bucket, channel["DataSource"]["S3DataSource"]["S3Uri"])
    return None
