"""Which model of a task serves now."""

from dataclasses import dataclass

from cli.stack import Stack
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.errors import ModelFileBroken
from plumbline.contracts.models import ModelPointer


@dataclass(frozen=True)
class InService:
    """The pointer to the model that serves, or `trouble`: what is wrong with it. Neither where no model serves."""

    pointer: ModelPointer | None = None
    trouble: str = ""

    @property
    def version(self) -> str | None:
        """The version that serves; None where none does."""
        return self.pointer.version if self.pointer else None


def registry_of(where: Stack) -> AwsModelRegistry:
    """The stack's registry of models."""
    return AwsModelRegistry(where.model_parameters, where.ledger_table)


def in_service(where: Stack, task: str) -> InService:
    """What serves now. Raises StoreUnavailable and StoreDenied."""
    try:
        return InService(registry_of(where).current(task))
    except ModelFileBroken as error:
        return InService(trouble=f"{str(error)[:1].upper()}{str(error)[1:]}.")
