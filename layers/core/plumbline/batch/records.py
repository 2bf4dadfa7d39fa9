"""How records, jobs and their files are named. All of it follows from the run, so that doing it twice is doing it once.

A record id is 11 digits, the form that Bedrock's documentation shows: the shard in 6, the place in it in 5.
"""

import hashlib
import re

from plumbline import keys
from plumbline.contracts.batch import BatchJob

_PLACES = 100_000  # a shard has 50 cases at most
_NAME_CHARS = 32  # of the run's id in a job's name, which may have 63


def record_id(shard: str, position: int) -> str:
    """The id of the record about the case at `position` (from 0) of the anonymized shard."""
    return f"{int(shard):06d}{position:05d}"


def shard_of(record: int) -> str:
    """The shard of a record, given its id as a number."""
    return f"{record // _PLACES:05d}"


def job_name(run_id: str, number: int) -> str:
    """The job's name, which is its client token: letters, digits and hyphens, 63 at most, no other run's."""
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", run_id)[:_NAME_CHARS].strip("-")
    return "-".join(part for part in ("plumbline", readable, digest, str(number)) if part)


def output_key(job: BatchJob) -> str:
    """Where the service writes the answers of a job that it has taken.

    Source: Amazon Bedrock User Guide, "View the results of a batch inference job": a folder by the job's id, and in it
    each input file's name with `.out` behind it.
    """
    job_id = (job.job_arn or "").rsplit("/", 1)[-1]
    return f"{job.output_prefix}{job_id}/{job.records_key.rsplit('/', 1)[-1]}.out"


def new_job(run_id: str, number: int) -> BatchJob:
    """A job without records yet."""
    name = job_name(run_id, number)
    return BatchJob(
        name=name,
        records_key=keys.batch_records(run_id, name),
        output_prefix=keys.batch_output(run_id, name),
        records=0,
        bytes=0,
    )
