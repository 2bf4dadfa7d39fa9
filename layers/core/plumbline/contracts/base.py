"""The base of every model that Plumbline owns: frozen, and an unknown field is an error."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable; refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
