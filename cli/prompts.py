"""`plumbline prompts`: list, check and publish prompt versions."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.errors import CliError, UsageProblem
from cli.paths import shown
from plumbline.contracts.errors import InvalidPrompt
from plumbline.drafting.prompt_text import TODO
from plumbline.evaluate.judge_prompt import judge_versions, load_judge, publish_judge
from plumbline.prompt_lock import read_lock
from plumbline.prompting import JUDGES, LoadedPrompt, load_prompt, publish_prompt, system_text, tasks, versions


def list_prompts(folder: Path, console: Console) -> int:
    """Every task and version, whether it is published, and what it changes; 1 when one of them is broken."""
    published, broken = read_lock(folder), False
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 2, 0, 0))
    for head in ("Task", "Version", "State", "Classes", "Examples", "Summary"):
        table.add_column(head, justify="right" if head in ("Classes", "Examples") else "left", overflow="fold")
    for task in (*tasks(folder), JUDGES):
        for version in _versions(folder, task):
            state = "published" if f"{task}/{version}.yaml" in published else "draft"
            style = "green" if state == "published" else "yellow"
            try:
                if task == JUDGES:
                    summary = load_judge(folder, version).prompt.summary
                    table.add_row(task, version, Text(state, style=style), "", "", Text(summary))
                    continue
                prompt = load_prompt(folder, task, version).prompt
            except InvalidPrompt as error:
                broken = True
                table.add_row(task, version, Text("broken", style="red"), "", "", Text(str(error), style="red"))
                continue
            examples = len(prompt.good_examples) + len(prompt.bad_examples)
            table.add_row(
                task,
                version,
                Text(state, style=style),
                str(len(prompt.categories)),
                str(examples),
                Text(prompt.summary),
            )
    console.print(table)
    return int(broken)


def check_prompts(folder: Path, wanted: str, console: Console) -> int:
    """Check a prompt file (a path), a version (task/version) or a whole task; 1 when one is broken."""
    broken = False
    for where, task, version in _meant(folder, wanted):
        try:
            told = _judge(where, version) if task == JUDGES else _described(load_prompt(where, task, version))
        except InvalidPrompt as error:
            broken = True
            console.print(Text.assemble(("✗ ", "red"), f"{task}/{version}: {error}"))
            continue
        state = "published" if f"{task}/{version}.yaml" in read_lock(where) else "draft, not published"
        console.print(Text.assemble(("✓ ", "green"), f"{task}/{version}: {told}; {state}"))
    return int(broken)


def publish(folder: Path, task: str, version: str, console: Console) -> int:
    """Publish a version: from then on it never changes. Raises CliError for one that `mine` left to a person."""
    path = folder / task / f"{version}.yaml"
    if path.is_file() and TODO in path.read_text(encoding="utf-8", errors="replace"):
        hint = "Look for TODO in it; it stands above each example that a person has to write."
        raise CliError(f"{shown(path)} is not finished, so it was not published.", hint)
    try:
        fresh = publish_judge(folder, version) if task == JUDGES else publish_prompt(folder, task, version)
    except InvalidPrompt as error:
        raise CliError(str(error)) from None
    if fresh:
        console.print(f"Published {task}/{version}. It is locked now; commit prompts.lock, and deploy to use it.")
    else:
        console.print(f"{task}/{version} was published before and has not changed.")
    return 0


def _versions(folder: Path, task: str) -> tuple[str, ...]:
    return judge_versions(folder) if task == JUDGES else versions(folder, task)


def _judge(folder: Path, version: str) -> str:
    prompt = load_judge(folder, version).prompt
    return f"a judge's, {len(prompt.scale)} scores"


def _described(loaded: LoadedPrompt) -> str:
    prompt = loaded.prompt
    words = len(system_text(prompt).split())
    return (
        f"{len(prompt.categories)} classes, {len(prompt.good_examples)} good and {len(prompt.bad_examples)} bad "
        f"examples, {words:,} words"
    )


def _meant(folder: Path, wanted: str) -> list[tuple[Path, str, str]]:
    """(prompts folder, task, version) of what was named."""
    path = Path(wanted)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise UsageProblem(f"There is no file {wanted}.")
        path = path.resolve()
        task, version = path.parent.name, path.stem
        if version not in _versions(path.parent.parent, task):
            raise UsageProblem(f"{path.name} is no prompt version.", "A prompt file is named TASK/v1.yaml, v2.yaml, …")
        return [(path.parent.parent, task, version)]
    task, _, version = wanted.partition("/")
    known = _versions(folder, task)
    if not known:
        raise UsageProblem(f"There is no task {task!r}.", f"Tasks: {', '.join(tasks(folder))}.")
    if version and version not in known:
        raise UsageProblem(f"The task {task} has no version {version!r}.", f"Versions: {', '.join(known)}.")
    return [(folder, task, name) for name in known if version in ("", name)]
