"""The base of every model that Plumbline owns: frozen, and an unknown field is an error."""

from pydantic import BaseModel, ConfigDict, ValidationError

_SHOWN = 5


class Model(BaseModel):
    """Immutable; refuses fields it does not know; its errors name fields and never quote what stood in them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def wrong_fields(error: ValidationError) -> str:
    """The first fields that are wrong, by name and without what stood in them; `not JSON` where it is no field."""
    places = (".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)[:_SHOWN])
    return ", ".join(place for place in places if place) or "not JSON"
