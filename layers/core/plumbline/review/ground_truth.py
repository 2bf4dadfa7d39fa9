"""SageMaker Ground Truth: the files that a labeling job takes, and what people said in the manifest it writes.

The formats are AWS's: "Input data", "Labeling job output data" and "Create a labeling category configuration file" in
the SageMaker developer guide. Keys of an input line that Ground Truth does not know come back in the output line.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.prompts import Category
from plumbline.contracts.review import AskedCase
from plumbline.review.cases import ReviewCase, asked_of

MAX_CATEGORIES: Final = 50  # of a text classification job
ATTRIBUTE: Final = "root-cause"  # where a job that we describe writes its label
_OURS: Final = "plumbline"
_METADATA: Final = "-metadata"


def manifest_line(case: ReviewCase, run_id: str) -> str:
    """One line of an input manifest: the anonymized text, and what the import needs to know of the case."""
    known = {"run_id": run_id, **asked_of(case).model_dump(mode="json")}
    return json.dumps({"source": case.text, "case_id": case.case_id, _OURS: known})


def category_file(answers: Sequence[Category]) -> str:
    """The label category configuration file."""
    labels = [{"label": answer.name} for answer in answers]
    return json.dumps({"document-version": "2018-11-28", "labels": labels}, indent=2)


def worker_page(answers: Sequence[Category]) -> str:
    """The page that a worker sees (a Liquid template): the case, the categories as choices, what each means.

    Liquid escapes the case's text as it puts it in.
    """
    meanings = "".join(f"<p><b>{_html(a.name)}</b>: {_html(a.description)}</p>" for a in answers)
    return f"""<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <crowd-classifier name="crowd-classifier" categories="{{{{ task.input.labels | to_json | escape }}}}"
    header="What is the root cause of this case?">
    <classification-target style="white-space: pre-wrap">{{{{ task.input.taskObject }}}}</classification-target>
    <full-instructions header="The categories">{meanings}</full-instructions>
    <short-instructions>Personal data stands as placeholders such as [NAME_1]. Choose one category.</short-instructions>
  </crowd-classifier>
</crowd-form>
"""


def _html(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return plain.replace("{", "&#123;").replace("}", "&#125;")  # nothing for Liquid


@dataclass
class ReturnedManifest:
    """What an output manifest says. `problems` name the line and the fix; with any of them nothing is to be stored.

    `failed` lines the job could not label, `by_machine` ones it labeled without a person, `unlabeled` ones it left.
    """

    run_id: str | None = None
    jobs: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)  # by case id: the line that a case stands on
    asked: list[AskedCase] = field(default_factory=list)
    labels: list[GoldLabel] = field(default_factory=list)
    failed: int = 0
    by_machine: int = 0
    unlabeled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the import is kept under: the same for the same jobs about the same run."""
        jobs = "-".join(sorted(self.jobs)) or "no-job"
        return f"ground-truth-{self.run_id}-{re.sub(r'[^A-Za-z0-9-]+', '-', jobs)[:120]}"


def read_manifest(lines: Iterable[bytes], now: datetime, attribute: str | None = None) -> ReturnedManifest:
    """Read an output manifest. The label is that of `attribute`, else of the line's last label attribute.

    Labels that no person confirmed (automated data labeling) are counted and left out. `now` stands for a date that a
    line does not have. Whether a label is a category is for the caller to check, with `unknown`.
    """
    found = ReturnedManifest()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        asked = _asked(line, number, found)
        if asked is None:
            continue
        first = found.lines.setdefault(asked[0].case_id, number)
        if first != number:
            found.problems.append(f"line {number}: the case of line {first} again. Delete one of them.")
            continue
        found.asked.append(asked[0])
        _take(asked[0], asked[1], attribute, now, found)
    return found


def unknown(found: ReturnedManifest, answers: Sequence[str]) -> list[str]:
    """A problem for each label that is no category, with the first line that has it and how many others do."""
    lines: dict[str, list[int]] = {}
    for label in found.labels:
        if label.category not in answers:
            lines.setdefault(label.category, []).append(found.lines[label.case_id])
    return [
        f"line {at[0]}{f' and {len(at) - 1} more' if at[1:] else ''}: {name!r} is no category of this task. "
        f"Known: {', '.join(answers)}."
        for name, at in lines.items()
    ]


def _asked(line: bytes, number: int, found: ReturnedManifest) -> tuple[AskedCase, dict[str, Any]] | None:
    try:
        fields = json.loads(line)
        known = dict(fields[_OURS])
        run_id, asked = str(known.pop("run_id")), AskedCase.model_validate(known)
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        found.problems.append(
            f"line {number}: not a line of JSON with what `review ground-truth export` wrote into it."
        )
        return None
    except (KeyError, TypeError):
        found.problems.append(
            f"line {number}: it does not say which case it is. Import manifests of `review ground-truth export`; "
            "others are cases with gold labels, which `plumbline run` reads."
        )
        return None
    if found.run_id not in (None, run_id):
        found.problems.append(f"line {number}: of another run ({run_id}, not {found.run_id}). Import run by run.")
        return None
    found.run_id = run_id
    return asked, fields


def _take(
    asked: AskedCase, fields: Mapping[str, Any], attribute: str | None, now: datetime, found: ReturnedManifest
) -> None:
    metadata = _metadata(fields, attribute)
    if metadata is None:
        found.unlabeled += 1
    elif "failure-reason" in metadata or not isinstance(metadata.get("class-name"), str):
        found.failed += 1
    elif str(metadata.get("human-annotated", "yes")).lower() != "yes":
        found.by_machine += 1
    else:
        job = str(metadata.get("job-name", "")).removeprefix("labeling-job/")
        found.jobs.add(job)
        confidence = metadata.get("confidence")
        sure = f"; confidence {confidence:.2f}" if isinstance(confidence, int | float) else ""
        found.labels.append(
            GoldLabel(
                case_id=asked.case_id,
                category=metadata["class-name"],
                source="ground_truth",
                labeled_at=_date(metadata.get("creation-date")) or now,
                run_id=str(found.run_id),
                content_hash=asked.content_hash,
                note=f"job {job}{sure}",
                part=asked.part,
            )
        )


def _metadata(fields: Mapping[str, Any], attribute: str | None) -> Mapping[str, Any] | None:
    names = [name for name, value in fields.items() if name.endswith(_METADATA) and isinstance(value, dict)]
    wanted = [name for name in names if attribute is None or name == f"{attribute}{_METADATA}"]
    last: Mapping[str, Any] | None = fields[wanted[-1]] if wanted else None
    return last


def _date(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
