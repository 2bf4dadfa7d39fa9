"""A dataset in SageMaker's folders, as CheckBalance and File mode would put it there."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.contracts.datasets import DatasetManifest, DatasetRow, Split, SplitFile
from tests import builders as b

CHANNELS: dict[Split, str] = {"train": "training", "validation": "validation", "test": "test"}


def rows(split: str, category: str, count: int, text: str = "") -> list[DatasetRow]:
    """Rows of one class; every text is another one."""
    return [
        DatasetRow(
            case_id=f"{split}-{category}-{n}",
            text=text or f"{category} text {n} of {split}: my {category} number {n * 7} does not work as it did",
            category=category,
        )
        for n in range(count)
    ]


def even(
    categories: Sequence[str] = ("Billing", "Defect"), train: int = 8, held: int = 1
) -> dict[Split, list[DatasetRow]]:
    """The same number of rows of every class."""
    counts: dict[Split, int] = {"train": train, "validation": held, "test": held}
    return {split: [row for c in categories for row in rows(split, c, n)] for split, n in counts.items()}


def write(root: Path, splits: Mapping[Split, Sequence[DatasetRow]], **changes: Any) -> dict[str, str]:
    """Write channels and manifest under `root`; the environment that SageMaker would set."""
    categories = tuple(sorted({row.category for found in splits.values() for row in found}))
    files = []
    for split, found in splits.items():
        content = b"".join(row.model_dump_json().encode() + b"\n" for row in found)
        folder = root / "input" / CHANNELS[split]
        folder.mkdir(parents=True)
        (folder / f"{split}.jsonl").write_bytes(content)
        files.append(
            SplitFile(
                split=split,
                key=f"datasets/root_cause/abc/{split}.jsonl",
                sha256=hashlib.sha256(content).hexdigest(),
                bytes=len(content),
                rows=len(found),
                per_class={c: sum(row.category == c for row in found) for c in categories},
            )
        )
    every = [row.category for found in splits.values() for row in found]
    fields = {
        "task": "root_cause",
        "version": "abc",
        "created_at": b.NOW,
        "verdict": "balanced",
        "target_per_class": 20,
        "categories": categories,
        "per_class": {c: every.count(c) for c in categories},
        "files": files,
        "prompts": (b.REF,),
        "model_ids": ("local.test",),
        "run_ids": ("run-1",),
        "near_duplicates_left_out": 0,
        "pool_per_class": {c: every.count(c) * (n + 1) for n, c in enumerate(categories)},
    }
    (root / "input" / "manifest").mkdir()
    manifest = DatasetManifest.model_validate(fields | changes)
    (root / "input" / "manifest" / "manifest.json").write_text(manifest.model_dump_json())
    channels = {f"SM_CHANNEL_{name.upper()}": str(root / "input" / name) for name in (*CHANNELS.values(), "manifest")}
    return channels | {
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DIR": str(root / "output"),
        "SM_OUTPUT_DATA_DIR": str(root / "output" / "data"),
        "SM_NUM_GPUS": "0",
    }
