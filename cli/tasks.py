"""Which tasks a stack has."""

import difflib
from collections.abc import Iterator

from cli.errors import UsageProblem
from cli.paths import prompts_dir
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters import clients
from plumbline.prompting import tasks


def chosen_task(where: Stack, task: str | None) -> str:
    """The task that is meant: the one named, or the stack's own. Raises UsageProblem for one that there is not."""
    if task is None or task == where.task:
        return where.task
    known = {where.task, *tasks(prompts_dir())}
    if task in known:
        return task
    known.update(_with_objects(where))  # a deployed stack may have other prompts than the repository
    if task in known:
        return task
    close = difflib.get_close_matches(task, sorted(known), n=1)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise UsageProblem(f"There is no task {task!r}.", f"{meant}Tasks: {', '.join(sorted(known))}.")


def _with_objects(where: Stack) -> Iterator[str]:
    """The tasks that have datasets or models in the stack's bucket."""
    for prefix in (keys.datasets(""), keys.models("")):
        root = prefix.rstrip("/") + "/"
        pages = (
            clients.s3().get_paginator("list_objects_v2").paginate(Bucket=where.data_bucket, Prefix=root, Delimiter="/")
        )
        yield from (
            found["Prefix"].removeprefix(root).rstrip("/") for page in pages for found in page.get("CommonPrefixes", [])
        )
