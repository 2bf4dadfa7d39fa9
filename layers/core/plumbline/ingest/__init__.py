"""Ingest: a helpdesk's export into shards of cases. Raw text stays in the raw bucket; nothing here calls a model.

Reading order: `run` (the stage), `source` (bytes to text), `formats`, `csv_rows`, `json_rows` (text to rows),
`profiles`, `mapping`, `ground_truth` (which field is what), `conversation`, `cases`, `cut` (rows to cases).
"""

from plumbline.ingest.options import IngestSettings, settings_for, with_mapping
from plumbline.ingest.run import ingest

__all__ = ["IngestSettings", "ingest", "settings_for", "with_mapping"]
