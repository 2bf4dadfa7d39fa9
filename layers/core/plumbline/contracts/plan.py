"""What a run would cost, before it is started."""

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import IngestResult, Road, RunMode


class PlannedCosts(Model):
    """Estimates for asking once about every new case; None where no price is known or the model cannot do it."""

    tokens: Usage
    prefix_tokens: int = Field(description="the prompt's static part, sent with every call")
    cache_from: int | None = Field(
        description="the fewest tokens that the model's prompt cache holds; None: it has none"
    )
    on_demand_usd: float | None
    cached_usd: float | None = Field(description="on demand, the static part out of the prompt cache; None: no cache")
    batch_usd: float | None
    expected_usd: float | None = Field(description="on the road that a run would take")
    most_usd: float | None = Field(description="where one reply in ten is asked again and every label is voted on")


class Plan(Model):
    """`plumbline plan`'s answer."""

    ingest: IngestResult
    task: str
    prompt_version: str
    model_id: str
    mode: RunMode
    stack: str | None = Field(description="whose settings and labels count; None: no stack was in reach")
    known_cases: bool = Field(description="whether cases labeled before were looked up")
    budget_usd: float
    vote_samples: int
    costs: PlannedCosts
    road: Road
    road_reason: str
    affordable: int | None = Field(description="how many new cases the budget affords; None: all of them")
    human_hours: float
    minutes_per_case: float
    prices_as_of: str
