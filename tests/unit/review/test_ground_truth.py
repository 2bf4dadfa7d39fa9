"""Ground Truth's files: what a job takes, and its output manifest."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from plumbline.contracts.prompts import Category
from plumbline.review.cases import ReviewCase
from plumbline.review.ground_truth import category_file, manifest_line, read_manifest, unknown, worker_page
from tests import builders as b

BILLING, DEFECT, EDUCATION = b.CATEGORIES
METADATA = {
    "class-name": DEFECT,
    "confidence": 0.87,
    "type": "groundtruth/text-classification",
    "job-name": "labeling-job/plumbline-abc",
    "human-annotated": "yes",
    "creation-date": "2026-03-05T10:00:00.527256",
}


def case(case_id: str = "C1", text: str = "hello\n[NAME_1]") -> ReviewCase:
    return ReviewCase(case_id, f"hash-{case_id}", "random", text, BILLING, None, "because", 0.9, calibrated=False)


def line(case_id: str = "C1", run_id: str = "run-1", fields: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """An input line as it comes back from a job, with what the job added."""
    made: dict[str, Any] = json.loads(manifest_line(case(case_id), run_id))
    return json.dumps(made | dict(fields)).encode()


def labeled(case_id: str = "C1", **metadata: Any) -> bytes:
    return line(case_id, fields={"root-cause": 1, "root-cause-metadata": METADATA | metadata})


def test_an_input_line_is_one_line_of_json_with_the_text_as_source() -> None:
    written = manifest_line(case(text="a\nb \N{LINE SEPARATOR} \N{GRINNING FACE}"), "run-1")
    assert len(written.splitlines()) == 1
    fields = json.loads(written)
    assert fields["source"] == "a\nb \N{LINE SEPARATOR} \N{GRINNING FACE}"
    assert (fields["case_id"], fields["plumbline"]["content_hash"]) == ("C1", "hash-C1")


def test_the_category_file_has_the_form_that_a_job_takes() -> None:
    answers = [Category(name=name, description="d") for name in b.CATEGORIES]
    assert json.loads(category_file(answers)) == {
        "document-version": "2018-11-28",
        "labels": [{"label": name} for name in b.CATEGORIES],
    }


def test_no_description_can_add_to_the_workers_page() -> None:
    page = worker_page([Category(name="<b>", description='{{ task.input }} <script>alert("x")</script>')])
    assert page.count("<script") == 1
    assert page.count("{{") == 2


def test_labels_of_people_become_gold_and_the_others_are_counted() -> None:
    found = read_manifest(
        [
            labeled("C1"),
            labeled("C2", **{"human-annotated": "no"}),
            line("C3", fields={"root-cause-metadata": {"failure-reason": "ClientError", "job-name": "labeling-job/x"}}),
            line("C4"),
            b"\n",
        ],
        b.NOW,
    )
    assert found.problems == []
    assert (found.by_machine, found.failed, found.unlabeled, len(found.asked)) == (1, 1, 1, 4)
    [label] = found.labels
    assert (label.case_id, label.category, label.source, label.run_id) == ("C1", DEFECT, "ground_truth", "run-1")
    assert label.labeled_at.isoformat() == "2026-03-05T10:00:00.527256+00:00"
    assert label.note == "job plumbline-abc; confidence 0.87"
    assert found.name == "ground-truth-run-1-plumbline-abc"


def test_of_chained_jobs_the_last_label_counts_unless_an_attribute_is_named() -> None:
    chained = json.loads(labeled("C1")) | {"check": 0, "check-metadata": METADATA | {"class-name": EDUCATION}}
    lines = [json.dumps(chained).encode()]
    assert read_manifest(lines, b.NOW).labels[0].category == EDUCATION
    assert read_manifest(lines, b.NOW, "root-cause").labels[0].category == DEFECT
    assert read_manifest(lines, b.NOW, "absent").unlabeled == 1


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([b"{"], "line 1: not a line of JSON"),
        ([b"[1]"], "line 1: it does not say which case it is"),
        ([b'{"source": "hello", "plumbline": 1}'], "line 1: it does not say which case it is"),
        ([b'{"source": "hello", "sport-metadata": {}}'], "line 1: it does not say which case it is"),
        ([b'{"plumbline": {"run_id": "r", "case_id": 1}}'], "line 1: not a line of JSON with what"),
        ([labeled("C1"), labeled("C1")], "line 2: the case of line 1 again"),
        ([labeled("C1"), line("C2", "run-2")], "line 2: of another run (run-2, not run-1)"),
    ],
)
def test_every_problem_names_its_line(lines: list[bytes], problem: str) -> None:
    [said] = read_manifest(lines, b.NOW).problems
    assert said.startswith(problem)


def test_a_label_that_is_no_category_is_a_problem() -> None:
    lines = [labeled("C1"), *(labeled(case_id, **{"class-name": "Sport"}) for case_id in ("C2", "C3", "C4"))]
    found = read_manifest(lines, b.NOW)
    [said] = unknown(found, b.CATEGORIES)
    assert said.startswith("line 2 and 2 more: 'Sport' is no category of this task.")
    assert unknown(found, ("Sport", DEFECT)) == []
    assert unknown(read_manifest(lines[:2], b.NOW), b.CATEGORIES)[0].startswith("line 2: 'Sport' is")
