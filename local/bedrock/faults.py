"""Faults in front of any stand-in model, on demand and in batch jobs: seeded, so that the same ones come every time."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from local.bedrock.answering import STATUS, ServiceError, StandInError, StandInModel
from local.bedrock.job_wire import Job
from local.bedrock.rules import Road, Rule, Rules, drawn, reply_by
from plumbline.contracts.base import Model, wrong_fields
from plumbline.contracts.replies import ModelReply, ModelRequest

End = Literal["Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired"]


class JobFaults(Model):
    """What goes wrong with the batch jobs that it takes: all, unless narrowed by `order` or `name_contains`.

    Shares are of a job's records, drawn by the seed and what the record asks; they are tried in the order below, and of
    `missing` and `errors` a record meets one at most. Neither of these two is answered, nor counted as a call.
    """

    order: tuple[int, ...] = Field(default=(), description="only these jobs, 1 = the first name that came")
    name_contains: str = ""
    refuse: str | None = Field(default=None, description="CreateModelInvocationJob answers with this error code")
    times: int | None = Field(default=None, ge=1, description="only the first so many submissions of each name")
    answer_lost: int = Field(default=0, ge=0, description="so many submissions are taken and answered with a 500")
    throttled_polls: float = Field(default=0.0, ge=0, le=1, description="share of GetModelInvocationJob's calls")
    seconds: float = Field(default=0.0, ge=0, description="waits Scheduled for so long")
    ends: End = "Completed"
    after: float = Field(default=0.5, ge=0, le=1, description="for another end: the share of records answered by then")
    missing: float = Field(default=0.0, ge=0, le=1, description="no line in the output")
    errors: float = Field(default=0.0, ge=0, le=1, description="a line with an error in place of an answer")
    error_code: str = "InternalServerException"
    repeated: float = Field(default=0.0, ge=0, le=1, description="the line stands twice in the output")
    strangers: float = Field(default=0.0, ge=0, le=1, description="a further line about a record that nobody sent")
    reordered: bool = False

    @model_validator(mode="after")
    def _codes_are_bedrocks(self) -> Self:
        if {self.refuse, self.error_code} - {None} - STATUS.keys():
            raise ValueError(f"refuse and error_code are one of {', '.join(sorted(STATUS))}")
        return self

    def records_until_end(self, total: int) -> int | None:
        """After how many records the job ends otherwise than Completed; None when it does not."""
        if self.ends == "Completed":
            return None
        return 0 if self.ends == "Expired" else int(self.after * total)


class Faults(Model):
    """`rules` are for calls and records, `jobs` for batch jobs as a whole; of each the first that takes it acts."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()
    jobs: tuple[JobFaults, ...] = ()


def read_faults(path: Path) -> Faults:
    """The faults of a JSON file. Raises StandInError."""
    try:
        return Faults.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StandInError(f"the file of faults {path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise StandInError(f"the file of faults {path} is wrong in: {wrong_fields(error)}") from None


class FaultInjection:
    """Follows Faults; safe for threads."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._lock = threading.Lock()
        self.follow(faults or Faults())

    def follow(self, faults: Faults) -> None:
        """Follow others from now on, with all counts at zero."""
        with self._lock:
            self.faults, self._rules = faults, Rules(faults.seed, faults.rules)
            self._names: dict[str, int] = {}
            self._counts: Counter[tuple[str, str]] = Counter()
            self._acted: Counter[str] = Counter()

    def acted(self) -> dict[str, int]:
        """How often each fault acted so far: `rules.0` the first rule, `jobs.1.missing` that field of the second job
        entry. Of `throttled_polls` and what comes before a job runs it counts calls, of a job's records records."""
        with self._lock:
            of_rules = {f"rules.{number}": times for number, times in self._rules.acted().items()}
            return of_rules | dict(self._acted)

    def answer(self, model: StandInModel, request: ModelRequest, road: Road) -> ModelReply:
        """The model's answer, or what a rule makes of it. Raises ServiceError."""
        with self._lock:
            rules = self._rules
        rule = rules.choose(request, road)
        if rule is None:
            return model.answer(request)
        time.sleep(rule.seconds)
        if rule.do == "fault":
            raise ServiceError(rule.code, f"injected {rule.code}")
        return reply_by(rule, request, lambda: model.answer(request))

    def before_submission(self, name: str) -> None:
        """Refuse a job that is to be refused. Raises ServiceError."""
        number, faults = self._of(name)
        if faults.refuse is not None and (faults.times is None or self._count("submit", name) <= faults.times):
            self._act(number, "refuse")
            raise ServiceError(faults.refuse, f"injected {faults.refuse}")

    def after_submission(self, name: str) -> None:
        """Lose the answer to a submission that was taken. Raises ServiceError."""
        number, faults = self._of(name)
        if self._count("answer", name) <= faults.answer_lost:
            self._act(number, "answer_lost")
            raise ServiceError("InternalServerException", "injected: the job was taken, its answer is lost")

    def before_poll(self, job: Job) -> None:
        """Throttle a look at a job. Raises ServiceError."""
        name = job.asked.jobName
        number, faults = self._of(name)
        if drawn(self.faults.seed, "poll", name, self._count("poll", name)) < faults.throttled_polls:
            self._act(number, "throttled_polls")
            raise ServiceError("ThrottlingException", "injected ThrottlingException")

    def of_job(self, job: Job) -> "FaultsOfJob":
        """What goes wrong with a job that runs."""
        number, faults = self._of(job.asked.jobName)
        return FaultsOfJob(faults, self.faults.seed, lambda what: self._act(number, what))

    def _of(self, name: str) -> tuple[int, JobFaults]:
        """The entry that takes a job, with its place."""
        with self._lock:
            order = self._names.setdefault(name, len(self._names) + 1)
            for number, faults in enumerate(self.faults.jobs):
                if faults.name_contains in name and (not faults.order or order in faults.order):
                    return number, faults
        return -1, JobFaults()

    def _act(self, number: int, what: str) -> None:
        with self._lock:
            self._acted[f"jobs.{number}.{what}"] += 1

    def _count(self, what: str, name: str) -> int:
        with self._lock:
            self._counts[what, name] += 1
            return self._counts[what, name]


class FaultsOfJob:
    """What goes wrong with one job. `acts` hears of each fault that acts, by its field."""

    def __init__(self, faults: JobFaults, seed: int, acts: Callable[[str], None] = lambda _: None) -> None:
        self.faults, self._seed, self._acts = faults, seed, acts

    def ended(self, status: str) -> None:
        """The job has ended with that status."""
        if status == self.faults.ends != "Completed":
            self._acts("ends")

    def is_missing(self, record: dict[str, Any]) -> bool:
        """Whether the output says nothing of a record."""
        return self._meets("missing", record, self.faults.missing)

    def refuse_record(self, record: dict[str, Any]) -> None:
        """Raises ServiceError for a record that is to have an error in place of an answer."""
        if self._meets("errors", record, self.faults.errors):
            raise ServiceError(self.faults.error_code, f"injected {self.faults.error_code}")

    def arrange(self, answers: Path, output: Path) -> None:
        """Write the lines about the records as they are found in S3. Blank lines are left out."""
        places: list[tuple[int, int, bool]] = []  # offset, length, whether a stranger
        with answers.open("rb") as lines, output.open("wb") as kept:
            offset = 0
            for line in lines:
                if line.strip():
                    places += self._places(offset, line)
                offset += len(line)
            places.sort(key=lambda place: place[2])  # what nobody awaits stands behind the rest
            if self.faults.reordered:
                before = list(places)
                random.Random(self._seed).shuffle(places)  # noqa: S311 - to be the same every time
                if places != before:
                    self._acts("reordered")
            for start, length, stranger in places:
                lines.seek(start)
                line = lines.read(length)
                kept.write(_of_nobody(line) if stranger else line)

    def _places(self, offset: int, line: bytes) -> list[tuple[int, int, bool]]:
        found = [(offset, len(line), False)]
        if self.faults.repeated or self.faults.strangers:
            record = json.loads(line)
            if self._meets("repeated", record, self.faults.repeated):
                found.append((offset, len(line), False))
            if self._meets("strangers", record, self.faults.strangers):
                found.append((offset, len(line), True))
        return found

    def _meets(self, what: str, record: dict[str, Any], share: float) -> bool:
        if drawn(self._seed, what, json.dumps(record["modelInput"], sort_keys=True)) >= share:
            return False
        self._acts(what)
        return True


def _of_nobody(line: bytes) -> bytes:
    said = json.loads(line)
    said["recordId"] = f"X{said['recordId'][1:]}"
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"
