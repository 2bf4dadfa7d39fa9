"""The base of every model that Plumbline owns: frozen, and an unknown field is an error."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable; refuses fields it does not know; its errors name fields and never quote what stood in them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
