"""How ingest is set."""

from pydantic import Field

from plumbline.contracts.base import Model


class IngestSettings(Model):
    """Limits of one ingest, and what its cost estimate assumes.

    A token is taken as four characters. `prompt_tokens` is the static part of the prompt, sent with every case, and
    `answer_tokens` the usual length of a reply. `raw_bucket` is the name of the bucket that `raw` stands for; with it
    a Ground Truth manifest may name its texts by `source-ref`. A gold label that is not one of the task's `categories`
    is known to later stages as UNKNOWN_GOLD alone; None lets every gold label pass.
    """

    max_case_tokens: int = Field(default=6000, ge=200)
    cases_per_shard: int = Field(default=50, ge=1, le=50)
    max_row_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    prompt_tokens: int = Field(default=2500, ge=0)
    answer_tokens: int = Field(default=300, ge=0)
    raw_bucket: str | None = None
    categories: tuple[str, ...] | None = None
