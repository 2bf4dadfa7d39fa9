"""Gold cases for a language model: a fixed sample of a data set, cut and anonymized as a run does it."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.measuring import ROOT
from bench.pii_sets import DATA
from plumbline.anonymize import Privacy, anonymize
from plumbline.contracts.cases import AnonymizedCase, Case, Message, Role
from plumbline.ingest.cut import cut_case
from plumbline.ingest.options import IngestSettings

SEED: Final = 6
_MAINTAINERS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class DataSet(NamedTuple):
    """A file of gold cases and the task that has its categories."""

    file: Path
    task: str


SETS: Final = {
    "cases6": DataSet(DATA / "cases6_dev.jsonl", "root_cause"),
    "inexbug": DataSet(DATA / "inexbug_377.jsonl", "npm_issue"),
    "samples": DataSet(ROOT / "samples" / "cases.jsonl", "root_cause"),
}


class GoldCase(NamedTuple):
    """An anonymized case, and the category that a person gave it."""

    case: AnonymizedCase
    gold: str


def gold_sample(name: str, cases: int, privacy: Privacy, seed: int = SEED) -> list[GoldCase]:
    """So many cases of a set of SETS, at random; a larger sample begins with the smaller one.

    The seed and the ids alone decide. A case that a person has to see first is passed over, since no model sees it.
    Raises FileNotFoundError without the set's file.
    """
    rows = every_case(name)
    drawn: list[GoldCase] = []
    for case in sorted(rows, key=lambda case: _rank(seed, case.case_id)):
        if len(drawn) == cases:
            break
        [masked] = anonymize([cut_case(case, IngestSettings().max_case_tokens)], privacy)
        if not masked.review:
            drawn.append(GoldCase(masked, case.gold_category or ""))
    return drawn


def every_case(name: str) -> list[Case]:
    """All cases of a set of SETS, as people wrote them. Raises FileNotFoundError without the set's file."""
    with SETS[name].file.open(encoding="utf-8") as lines:
        return [_CASES[name](json.loads(line)) for line in lines]


def _rank(seed: int, case_id: str) -> bytes:
    return hashlib.sha256(f"{seed}/{case_id}".encode()).digest()


def _support_case(row: dict[str, Any]) -> Case:
    roles: dict[str, Role] = {"customer": "customer", "agent": "agent"}
    return Case(
        case_id=row["case_id"],
        subject=(row["title"] or "").strip(),
        messages=_messages((roles.get(turn["role"], "other"), turn["text"]) for turn in row["turns"]),
        gold_category=row["category"],
    )


def _issue(row: dict[str, Any]) -> Case:
    return Case(
        case_id=row["html_url"],
        subject=row["title"].strip(),
        messages=_messages(
            [("customer", row["body"]), *((_role(comment, row), comment["body"]) for comment in row["comments"])]
        ),
        gold_category=" ".join(row["final_classification"].split()),  # the set writes "Not  a Bug"
    )


def _role(comment: dict[str, Any], issue: dict[str, Any]) -> Role:
    """As the prompt has it: who opened the issue is the customer, who may merge is an agent."""
    if comment["author"]["username"] == issue["author"]["username"]:
        return "customer"
    return "agent" if comment["author"]["author_association"] in _MAINTAINERS else "other"


def _messages(written: Iterable[tuple[Role, str | None]]) -> tuple[Message, ...]:
    return tuple(Message(role=role, text=text.strip()) for role, text in written if text and text.strip())


_CASES: Final[dict[str, Callable[[dict[str, Any]], Case]]] = {
    "cases6": _support_case,
    "inexbug": _issue,
    "samples": Case.model_validate,
}
