"""SelectNext: balance as a quota that steers which cases of a backlog are labeled next.

Reading order: `stage` (one round), `labeled` (what is labeled so far), `chances` (the classifier), `choose` (the
choice), `vectors` (how a vector is stored). Works on vectors and ids alone: no text is read but that of labeled cases
without a vector, and of the prompt.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plumbline.select_next.stage import select_next

__all__ = ["select_next"]


def __getattr__(name: str) -> Any:
    """The stage at its first use: embed_shard takes `vectors` from here and needs no more."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.stage"), name)
