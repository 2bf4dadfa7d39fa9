"""How an execution of PredictCases ended: fetch what it made, show it, and give the command's exit code."""

import json
from collections.abc import Sequence

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from cli.downloads import Downloads, fetch_predictions
from cli.errors import CliError
from cli.paths import plumbline
from cli.results import file_lines
from cli.stack import Stack
from cli.trend import figures_of, rendered_trend
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.predictions import ExportPredicted, SummarizeResult, TrendSummary, predictions_scope
from plumbline.report.words import plural
from plumbline.summarize_predictions.tally import OfExport, Tally, tally_of


def conclude_batch(where: Stack, result: SummarizeResult, console: Console, *, as_json: bool) -> int:
    """Show what became of the execution's exports; 0 when every case of theirs was predicted, else 1."""
    data = S3ObjectStore(where.data_bucket)
    try:
        summary = TrendSummary.model_validate_json(data.read(result.summary_key))
        exports = [ExportPredicted.model_validate_json(data.read(key)) for key in result.exports]
        tally = tally_of(exports, data, fresh=())
    except MissingObject as error:
        raise CliError(f"The cases are predicted, but a result is gone: {error}.") from None
    except ValidationError as error:
        message = f"The day's summary does not fit this version of the commands ({error.error_count()} fields)."
        raise CliError(message, "Use the commands of the version that is deployed.") from None
    found = fetch_predictions(where, exports)
    if as_json:
        print(json.dumps(_as_json(summary, exports, tally, found, result.left), indent=2))
    else:
        console.print(rendered_trend(summary, exports, figures_of(tally) if exports else None))
        for line in _notes(where, exports, result):
            console.print(line, soft_wrap=True)
        for line in file_lines(found, tally.rejected) if found.files or found.notes else ():
            console.print(line, soft_wrap=True)
    return 1 if tally.failures or any(export.error for export in exports) else 0


def _as_json(
    summary: TrendSummary, exports: Sequence[ExportPredicted], tally: Tally, found: Downloads, left: int
) -> dict[str, object]:
    return {
        "summary": summary.model_dump(mode="json"),
        "exports": [_export_as_json(export, tally.by_run[export.run.run_id]) for export in exports],
        "files": [str(path) for path in found.files.get("Predictions", [])],
        "rejects": [str(path) for path in found.files.get("Rejects", [])],
        "left": left,
    }


def _export_as_json(export: ExportPredicted, counted: OfExport) -> dict[str, object]:
    """One export's own figures; the summary has the whole day's."""
    ingest = export.ingest
    return {
        "key": export.run.key,
        "run_id": export.run.run_id,
        "error": export.error,
        "predicted": counted.predicted,
        "abstained": counted.abstained,
        "failed": counted.failed,
        "unchanged": ingest.unchanged if ingest else 0,
        "rejected": ingest.rejected if ingest else 0,
        "reject_reasons": dict(ingest.reject_reasons) if ingest else {},
    }


def _notes(where: Stack, exports: Sequence[ExportPredicted], result: SummarizeResult) -> list[Text]:
    """Why exports failed, in the ledger's words; what still waits; other days that were brought up to date."""
    ledger, notes = DynamoLedger(where.ledger_table), []
    for export in exports:
        if export.error:
            row = ledger.get_run(predictions_scope(export.run.task), export.run.run_id)
            cause = (row.cause if row else None) or export.error
            failed = "" if cause.startswith(export.run.key) else f"{export.run.key} failed: "
            notes.append(Text(f"{failed}{cause}", style="red"))
    if not exports:
        notes.append(Text("No export was waiting; upload one, or name a FILE."))
    if result.left:
        again = plumbline(f"predict-batch{where.option}")
        still = "still waits" if result.left == 1 else "still wait"
        notes.append(Text(f"{plural(result.left, 'export')} {still}: {again}", style="yellow"))
    days = sorted({export.run.day.isoformat() for export in exports} - {result.day.isoformat()})
    if days:
        notes.append(Text(f"Exports of {', '.join(days)} were taken up again; that day's summary has changed too."))
    return notes
