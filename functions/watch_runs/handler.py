"""WatchRuns: the age of the oldest run under way."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.stepfunctions import started_under_way
from plumbline.observability import count, parse_event, stage
from plumbline.settings import WatchRunsSettings, from_env
from plumbline.watch_runs import WatchTask, watch_runs


@stage("watch_runs")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """WatchTask → RunsUnderWay."""
    parse_event(WatchTask, event)
    settings = from_env(WatchRunsSettings)
    result = watch_runs(started_under_way(settings.state_machine_arns), datetime.now(UTC))
    count("RunsUnderWay", result.running)
    count("OldestRunSeconds", result.oldest_seconds)
    return result.model_dump(mode="json")
