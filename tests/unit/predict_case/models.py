"""Tiny models in service, for the tests of PredictCase."""

from pathlib import Path

from plumbline.contracts.models import DatasetRef, ModelPointer
from tests.fakes import MemoryModelRegistry, MemoryStore
from tools.tiny_model import put_in_service

__all__ = ["CATEGORIES", "World"]
CATEGORIES = ("Billing Inquiry", "Software Defect")
WORDS = {"invoice": "Billing Inquiry", "crash": "Software Defect"}
DATASET = DatasetRef(version="d1", manifest_sha256="0" * 64, rows={"train": 4}, train_per_class={})


class World:
    """A bucket, a registry, and a folder for what is fetched."""

    def __init__(self, cache: Path) -> None:
        self.data = MemoryStore()
        self.registry = MemoryModelRegistry()
        self.cache = cache

    def promote(self, version: str, *, swapped: bool = False) -> ModelPointer:
        """Put a model into service; a swapped one answers the other category, so that one sees which one answered."""
        words = dict(zip(WORDS, reversed(CATEGORIES), strict=True)) if swapped else WORDS
        return put_in_service(self.data, self.registry, version, CATEGORIES, words, DATASET)

    def folders(self) -> list[str]:
        """What lies in the cache, by name."""
        return sorted(path.name for path in self.cache.glob("*/*"))
