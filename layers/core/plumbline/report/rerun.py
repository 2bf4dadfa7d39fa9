"""The command that repeats a run."""

import shlex

from plumbline.contracts.summary import RunSummary


def rerun_command(summary: RunSummary) -> str:
    """`plumbline run FILE …` with this run's file name and settings, quoted for a shell."""
    words = ["plumbline", "run", summary.source.rsplit("/", 1)[-1] or "FILE"]
    words += ["--task", summary.task, "--prompt", summary.prompt.version]
    targets = {item.target for item in summary.balance.counts} if summary.balance else set()
    if len(targets) == 1:
        words += ["--target", str(targets.pop())]
    return shlex.join(words)
