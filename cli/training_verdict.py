"""How training ended: promoted, rejected, failed or stopped; the figures, and the command's exit code."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.errors import CliError
from cli.local_stack import log_folder
from cli.paths import home, plumbline, shown
from cli.stack import Stack
from cli.training_job import LOG_GROUP, Job, Seen, training_again
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.accuracy import Interval
from plumbline.contracts.errors import MissingObject, StoreDenied
from plumbline.contracts.models import CARD_FILE, Comparison, ModelCard, ModelRow
from plumbline.report.words import elapsed, interval_span, percent, plural

_STYLES = {"promoted": "green", "rejected": "yellow", "failed": "red", "stopped": "red"}


def conclude(console: Console, where: Stack, seen: Seen, *, as_json: bool) -> int:
    """Show how training ended; 0 when the model was promoted, else 1. `as_json` prints it to standard output."""
    job, row = seen.job, seen.row
    if job is None:
        raise CliError("The training job cannot be seen.", f"Look into {where.log_of('start_training')}.")
    card_path = fetch_card(where, job.task, job.name) if row else None
    card = _card(card_path) if card_path else None
    console.print(rendered(where, job, row, card, card_path), soft_wrap=True)
    if as_json:
        print(json.dumps(_as_json(job, row, card_path), indent=2))
    return 0 if row is not None and row.status == "promoted" else 1


def fetch_card(where: Stack, task: str, version: str) -> Path | None:
    """Download a model's card to this machine; None where the model has none."""
    try:
        body = S3ObjectStore(where.data_bucket).read(keys.serving(task, version, CARD_FILE))
    except (MissingObject, StoreDenied):  # without the right to list, S3 denies what is absent
        return None
    path = home() / "models" / version / CARD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def _card(path: Path) -> ModelCard | None:
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValidationError:  # of another version: its figures stand in the row as well
        return None


def rendered(where: Stack, job: Job, row: ModelRow | None, card: ModelCard | None, path: Path | None) -> RenderableType:
    """The verdict first, then the figures, then what to do."""
    parts: list[RenderableType] = [Text(), _title(job, row)]
    reasons = row.reasons if row else (job.reason,) if job.reason else ()
    mark = "•" if row and row.status == "promoted" else "→"
    parts += [Text.assemble((f"  {mark} ", "cyan"), reason) for reason in reasons]
    facts = list(_facts(row, card))
    if facts:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in facts:
            grid.add_row(name, value)
        parts += [Text(), grid]
    parts += [Text(), *_after(where, job, row, path)]
    return Group(*parts)


def _title(job: Job, row: ModelRow | None) -> Text:
    if row is None and not job.ended_badly:
        return Text.assemble(("Trained, but not decided about: ", "bold yellow"), (job.name, "bold"))
    status = row.status if row else job.status.lower()
    words = {
        "promoted": "Promoted: it serves within 30 seconds",
        "rejected": "Rejected: the model in service stays",
        "failed": "Training failed: the model in service stays",
        "stopped": "Training was stopped: the model in service stays",
    }
    return Text.assemble((words.get(status, status), f"bold {_STYLES.get(status, '')}"), "  ", (job.name, "bold"))


def _facts(row: ModelRow | None, card: ModelCard | None) -> Iterator[tuple[str, RenderableType]]:
    if row and row.accuracy:
        text = Text.assemble((percent(row.accuracy.value), "bold"), f" of {plural(row.accuracy.n, 'test case')}")
        text.append(f" (95% interval {interval_span(row.accuracy)})")
        yield "Accuracy", text
    if row and row.macro_f1 is not None:
        yield "Macro F1", Text(f"{row.macro_f1:.2f}", style="bold")
    if card:
        for baseline in card.baselines:
            yield baseline.name, Text(f"{_figure(baseline.accuracy)}, macro F1 {baseline.macro_f1:.2f}", style="dim")
        yield "Calibration", Text(f"expected error {percent(card.test.calibration_error)}", style="dim")
    if row and row.comparison:
        yield "Compared", _comparison(row.comparison)
    if card:
        rows = ", ".join(f"{number} {split}" for split, number in card.dataset.rows.items())
        yield "Dataset", Text(f"{card.dataset.version}: {rows}", style="dim")
        size = sum(file.bytes for file in card.files) / 10**6
        yield "Model", Text(f"{card.encoder.partition(' (')[0]}, {card.precision}, {size:,.0f} MB", style="dim")
        yield from (("Warning", Text(warning, style="yellow")) for warning in card.warnings)


def _figure(figure: Interval) -> str:
    return f"{percent(figure.value)} ({interval_span(figure)})"


def _comparison(found: Comparison) -> RenderableType:
    lines = [
        Text(f"with {found.current} on {plural(found.cases, 'case')}: right alone {found.only_candidate} to "
             f"{found.only_current} (McNemar p = {found.p_value:.2f})", style="dim")
    ]  # fmt: skip
    for part in found.differences:
        name = part.metric.replace("_", " ").replace("macro f1", "macro F1")
        lines.append(Text(f"{name} {part.value:+.3f} (95% interval {part.low:+.3f} to {part.high:+.3f})", style="dim"))
    return Group(*lines)


def _after(where: Stack, job: Job, row: ModelRow | None, path: Path | None) -> Iterator[RenderableType]:
    if path:
        yield Text.assemble(("Model card  ", "dim"), (shown(path), "bold cyan"))
    if row is None or row.status in ("failed", "stopped"):
        yield Text.assemble(("Log  ", "dim"), log_place(where, job.name))
    if row and row.status == "promoted":
        yield Text.assemble(("→ ", "cyan"), f"Predict: {plumbline(f'predict FILE{where.option}')}")
        yield Text.assemble(("→ ", "cyan"), f"Roll back: {plumbline(f'models rollback{where.option}')}")
    elif row is None and not job.ended_badly:
        yield Text.assemble(("→ ", "cyan"), f"Judge it again: {plumbline(f'models judge {job.name}{where.option}')}")
        yield Text.assemble(("→ ", "cyan"), f"Look into {where.log_of('promote_model')}.")
    elif row and row.status == "rejected":
        words = f"Promote it all the same: {plumbline(f'models promote {job.name}{where.option}')}"
        yield Text.assemble(("→ ", "cyan"), words)
    elif job.ended_badly:
        yield Text.assemble(("→ ", "cyan"), f"Try again: {training_again(job.dataset, where)}")


def log_place(where: Stack, job: str) -> str:
    """Where a training job's log is, in words."""
    if where.local:
        return shown(log_folder() / f"{job}.log")
    return f"the log group {LOG_GROUP}, the stream that begins with {job}/"


def _as_json(job: Job, row: ModelRow | None, path: Path | None) -> dict[str, object]:
    return {
        "job": job.name,
        "status": row.status if row else job.status.lower(),
        "reasons": list(row.reasons) if row else [job.reason] if job.reason else [],
        "model": row.model_dump(mode="json") if row else None,
        "model_card": str(path) if path else None,
        "seconds": round(elapsed(job.created, row.decided_at).total_seconds(), 1) if row else None,
    }
