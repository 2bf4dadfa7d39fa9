"""How training ended: promoted, rejected, failed or stopped; what serves now, the figures, the command's exit code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.errors import CliError
from cli.hint import Hint
from cli.in_service import InService, in_service
from cli.models_view import short, warnings_of
from cli.paths import home, plumbline, shown
from cli.stack import Stack
from cli.training_job import Job, Seen, training_again
from cli.training_log import log_place
from cli.training_pipeline import is_execution
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject, StoreDenied
from plumbline.contracts.models import CARD_FILE, Comparison, ModelCard, ModelRow
from plumbline.report.words import duration, elapsed, interval_span, moment, percent, plural

_STYLES = {"promoted": "green", "rejected": "yellow", "failed": "red", "stopped": "red"}
_REFRESH: Final = timedelta(seconds=30)  # within which the functions pick a moved pointer up


@dataclass(frozen=True)
class Verdict:
    """All that there is to say. `serving` is None where the credentials may not read what serves."""

    where: Stack
    job: Job
    row: ModelRow | None
    card: ModelCard | None
    card_path: Path | None
    serving: InService | None
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """What promotion decided, or how the job ended where it decided nothing."""
        return self.row.status if self.row else self.job.status.lower()

    @property
    def serves(self) -> bool:
        """Whether the job's model serves now, as far as can be known."""
        if self.serving is None:
            return self.status == "promoted"
        return self.serving.version == self.job.name


def conclude(console: Console, where: Stack, seen: Seen, *, as_json: bool) -> int:
    """Show how training ended; 0 when the model was promoted, else 1. `as_json` prints it to standard output."""
    job, row = seen.job, seen.row
    if job is None:
        raise CliError("The training job cannot be seen.", f"Look into {where.log_of('start_training')}.")
    path = fetch_card(where, job.task, job.name) if row else None
    card = _card(path) if path else None
    verdict = Verdict(where, job, row, card, path, _serving(where, job.task), seen.notes)
    console.print(rendered(verdict, datetime.now(UTC)), crop=False)
    if as_json:
        print(json.dumps(_as_json(verdict), indent=2))
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


def _serving(where: Stack, task: str) -> InService | None:
    try:
        return in_service(where, task)
    except StoreDenied:
        return None


def rendered(verdict: Verdict, now: datetime) -> RenderableType:
    """The verdict first, then the figures, then what to do."""
    job, row = verdict.job, verdict.row
    reasons = row.reasons if row else (job.reason,) if job.reason else ()
    parts: list[RenderableType] = [Text(), *_title(verdict, now)]
    listed = Table.grid(padding=(0, 1, 0, 0))
    listed.add_column(width=3, justify="right", style="cyan")
    listed.add_column(overflow="fold")
    for reason in reasons:
        listed.add_row("•" if row and row.status == "promoted" else "→", reason)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _facts(verdict):
        grid.add_row(name, value)
    parts += [listed] if reasons else []
    parts += [Text(), grid] if grid.row_count else []
    return Group(*parts, Text(), *_after(verdict))


def _title(verdict: Verdict, now: datetime) -> Iterator[Text]:
    job, style = verdict.job, f"bold {_STYLES.get(verdict.status, 'yellow')}"
    if verdict.row is None and not job.ended_badly:
        words = "Trained, but not decided about:"
        if not job.judged_by(verdict.where):
            words = f"Trained; promotion does not judge what goes to {job.output or 'nowhere'}:"
        yield Text(words, style=style)
    else:
        yield Text(_words(verdict, now), style=style)
    yield Text(job.name, style="bold", overflow="fold")


def _words(verdict: Verdict, now: datetime) -> str:
    """What was decided, and what is true of it now."""
    task, serving = verdict.job.task, verdict.serving
    stays = "the model in service stays"
    if serving is not None and serving.version is None:
        stays = "the pointer to the model in service is damaged" if serving.trouble else "no model is in service"
    if verdict.status == "promoted":
        if serving is None or (serving.pointer and verdict.serves and now - serving.pointer.promoted_at < _REFRESH):
            return "Promoted: it serves within 30 seconds"
        if serving.pointer and verdict.serves:
            return f"Promoted: it serves since {moment(serving.pointer.promoted_at)}"
        return f"Promoted then; {short(task, serving.version)} serves now" if serving.version else (
            f"Promoted then; {stays} now"
        )  # fmt: skip
    if verdict.row and serving and verdict.serves:
        return f"{verdict.status.capitalize()} then, but put into service by hand: it serves now"
    begin = {"failed": "Training failed", "stopped": "Training was stopped"}
    return f"{begin.get(verdict.status, verdict.status.capitalize())}: {stays}"


def _facts(verdict: Verdict) -> Iterator[tuple[str, RenderableType]]:
    job, row, card = verdict.job, verdict.row, verdict.card
    if row and row.accuracy:
        text = Text.assemble((percent(row.accuracy.value), "bold"), f" of {plural(row.accuracy.n, 'test case')}")
        text.append(f" (95% interval {interval_span(row.accuracy)})")
        yield "Accuracy", text
    if row and row.macro_f1 is not None:
        yield "Macro F1", Text(f"{row.macro_f1:.2f}", style="bold")
    if card:
        for number, other in enumerate(card.baselines):
            figures = f"{other.name} {percent(other.accuracy.value)}, macro F1 {other.macro_f1:.2f}"
            yield "Baselines" if not number else "", Text(figures, style="dim")
        yield "Calibration", Text(f"expected error {percent(card.test.calibration_error)}", style="dim")
    if row and row.comparison:
        yield "Compared", _comparison(job.task, row.comparison)
    if card:
        rows = ", ".join(f"{number} {split}" for split, number in card.dataset.rows.items())
        yield "Dataset", Text(f"{card.dataset.version}: {rows}", style="dim")
        size = sum(file.bytes for file in card.files) / 10**6
        yield "Model", Text(f"{card.encoder.partition(' (')[0]}, {card.precision}, {size:,.0f} MB", style="dim")
    if job.ended:
        yield "Time", Text(duration(elapsed(job.created, job.ended)), style="dim")
    for warning in warnings_of(verdict.notes if card is None else card.warnings, row):
        yield "Warning", Text(warning, style="yellow")


def _comparison(task: str, found: Comparison) -> RenderableType:
    lines = [
        Text(f"with {short(task, found.current)} on {plural(found.cases, 'case')}: right alone {found.only_candidate} "
             f"to {found.only_current} (McNemar p = {found.p_value:.2f})", style="dim")
    ]  # fmt: skip
    for part in found.differences:
        name = part.metric.replace("_", " ").replace("macro f1", "macro F1")
        lines.append(Text(f"{name} {part.value:+.3f} (95% interval {part.low:+.3f} to {part.high:+.3f})", style="dim"))
    return Group(*lines)


def _after(verdict: Verdict) -> Iterator[RenderableType]:
    where, job, row = verdict.where, verdict.job, verdict.row
    name, option = short(job.task, job.name), where.option
    if verdict.card_path:
        yield Hint("Model card", shown(verdict.card_path), mark="")
    if row is None or row.status in ("failed", "stopped"):
        steps = f"aws sagemaker list-pipeline-execution-steps --pipeline-execution-arn {job.name}"
        yield Hint("Its steps:", steps, "") if is_execution(job.name) else log_place(where, job.name)
    if verdict.serves:
        yield Hint("Predict:", plumbline(f"predict FILE{option}"))
        pointer = verdict.serving.pointer if verdict.serving else None
        if pointer is None or pointer.previous:  # the first model has none before it to go back to
            yield Hint("Roll back:", plumbline(f"models rollback{option}"))
    elif row and row.status == "promoted":
        yield Hint("Put it into service again:", plumbline(f"models promote {name}{option}"))
    elif row and row.status == "rejected":
        yield Hint("Promote it all the same:", plumbline(f"models promote {name}{option}"))
    elif row is None and not job.ended_badly and job.judged_by(where):
        yield Hint("Judge it again:", plumbline(f"models judge {job.name}{option}"))
        yield Text.assemble(("→ ", "cyan"), f"Look into {where.log_of('promote_model')}.")
    elif job.ended_badly:
        yield Hint("Try again:", training_again(job.dataset, where))


def _as_json(verdict: Verdict) -> dict[str, object]:
    job, row = verdict.job, verdict.row
    return {
        "job": job.name,
        "status": verdict.status,
        "serves": verdict.serves,
        "in_service": verdict.serving.version if verdict.serving else None,
        "reasons": list(row.reasons) if row else [job.reason] if job.reason else [],
        "model": row.model_dump(mode="json") if row else None,
        "model_card": str(verdict.card_path) if verdict.card_path else None,
        "seconds": round(elapsed(job.created, job.ended).total_seconds(), 1) if job.ended else None,
    }
