"""Ingest: a helpdesk's export into shards of cases. Raw text stays in the raw bucket; nothing here calls a model.

Reading order: `run` (the stage), `source` (bytes to text), `formats`, `csv_rows`, `json_rows` (text to rows),
`profiles`, `mapping`, `ground_truth` (which field is what), `conversation`, `cases`, `cut` (rows to cases).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plumbline.ingest.options import IngestSettings, settings_for, with_mapping
    from plumbline.ingest.run import ingest

__all__ = ["IngestSettings", "ingest", "settings_for", "with_mapping"]


def __getattr__(name: str) -> Any:
    """The stage's names at their first use: predict_case reads rows too, and its cold start need not load a run."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{'run' if name == 'ingest' else 'options'}"), name)
