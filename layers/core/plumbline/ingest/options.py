"""How ingest is set."""

from collections.abc import Callable, Mapping

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.predictions import PredictionRun
from plumbline.contracts.runs import RunRequest
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.prompting import load_prompt, prompt_tokens
from plumbline.settings import IngestFunctionSettings


class IngestSettings(Model):
    """Limits of one ingest, and what its cost estimate assumes.

    For limits a token is taken as four characters. `prompt_tokens` is the static part of the prompt, sent with every
    case, and `answer_tokens` the usual length of a reply. `raw_bucket` is the name of the bucket that `raw` stands
    for; with it a Ground Truth manifest may name its texts by `source-ref`. A gold label that is not one of the
    prompt's answers, `categories`, is known to later stages as UNKNOWN_GOLD alone; None lets every gold label pass.
    From `batch_from` new cases on a run of mode auto takes a batch, where the model has batch inference
    (`model_has_batch`).
    """

    max_case_tokens: int = Field(default=6000, ge=200)
    cases_per_shard: int = Field(default=50, ge=1, le=50)
    max_row_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    prompt_tokens: int = Field(default=2500, ge=0)
    answer_tokens: int = Field(default=ANSWER_TOKENS, ge=0)
    batch_from: int = Field(default=1000, ge=1)
    model_has_batch: bool = False
    raw_bucket: str | None = None
    categories: tuple[str, ...] | None = None


def settings_for(run: RunRequest | PredictionRun, settings: IngestFunctionSettings) -> IngestSettings:
    """The limits and, for a run that labels, what its prompt adds. Raises InvalidPrompt.

    A run that predicts needs no gold labels: every one of them is known to later stages as UNKNOWN_GOLD.
    """
    common = IngestSettings(
        max_case_tokens=settings.max_case_tokens,
        cases_per_shard=settings.cases_per_shard,
        raw_bucket=settings.raw_bucket,
        batch_from=settings.batch_from,
        categories=(),
    )
    if isinstance(run, PredictionRun):
        return common
    prompt = load_prompt(settings.prompts_dir, run.task, run.prompt_version)
    return common.model_copy(
        update={
            "prompt_tokens": prompt_tokens(prompt),
            "answer_tokens": min(ANSWER_TOKENS, prompt.prompt.model.max_tokens),
            "model_has_batch": price_table().has_batch(run.model_id),
            "categories": prompt.prompt.answer_names,
        }
    )


def with_mapping(run: PredictionRun, metadata: Callable[[str, str | None], Mapping[str, str]]) -> PredictionRun:
    """The run with the field-mapping file that its export's own S3 metadata name, as an upload to incoming/ does."""
    try:
        return run.model_copy(update={"mapping_key": metadata(run.key, run.version_id).get("mapping_key") or None})
    except MissingObject:
        return run  # ingest says so in better words
