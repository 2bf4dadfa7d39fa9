"""The models of the seeded world: what is in service, and what training jobs left to be judged."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from plumbline import keys
from plumbline.contracts.datasets import DatasetManifest, DatasetRow, Split, SplitFile
from plumbline.contracts.models import DatasetRef, ModelPointer, ServingFile
from plumbline.ports import ModelRegistry, ObjectStore
from tools.tiny_model import MADE, put_in_service, tiny_artifact, tiny_files, with_card

TASK, OTHER_TASK = "root_cause", "npm_issue"
# A model of the world knows a case's category by one of these words.
WORDS: Final = {
    "invoice": "Billing Inquiry",
    "phishing": "Security Awareness",
    "wish": "Feature Request",
    "guide": "Documentation Improvement",
    "crash": "Software Defect",
    "how": "Customer Education",
}
MORE_WORDS: Final = {**WORDS, "outage": "Software Defect"}
OTHER_WORDS: Final = {
    "upgrade": "Extrinsic",
    "exception": "Intrinsic",
    "question": "Not a Bug",
    "unclear": "Unknown",
}
CATEGORIES: Final = tuple(WORDS.values())

IN_SERVICE, DELETED = "plumbline-root-cause-in-service", "plumbline-npm-issue-deleted"
BETTER, WORSE, WITHOUT_CARD = (
    "plumbline-root-cause-better",
    "plumbline-root-cause-worse",
    "plumbline-root-cause-no-card",
)
FIRST_OF_OTHER = "plumbline-npm-issue-new"
EARLIER_SET, JUDGED_SET = "earlier", "judged"
_ROWS: Final[Mapping[Split, int]] = {"train": 20, "validation": 10, "test": 10}  # of each word


def seed_models(data: ObjectStore, registry: ModelRegistry) -> None:
    """Datasets, a model in service, and artifacts: one better, one worse, one without a card, one of another task."""
    earlier = put_dataset(data, EARLIER_SET, WORDS)
    judged = put_dataset(data, JUDGED_SET, MORE_WORDS)
    put_in_service(data, registry, IN_SERVICE, CATEGORIES, WORDS, earlier)
    mixed_up = dict(zip(WORDS, (*CATEGORIES[1:], CATEGORIES[0]), strict=True))
    put_artifact(data, BETTER, CATEGORIES, MORE_WORDS, judged)
    put_artifact(data, WORSE, CATEGORIES, mixed_up, judged)
    files = tiny_files(CATEGORIES, WORDS)
    data.write(keys.model_artifact(TASK, WITHOUT_CARD), tiny_artifact(files), "application/gzip")
    _put_other_task(data, registry)


def _put_other_task(data: ObjectStore, registry: ModelRegistry) -> None:
    """A task whose pointer names a version that somebody deleted, and the next model of it."""
    names = tuple(OTHER_WORDS.values())
    dataset = put_dataset(data, JUDGED_SET, OTHER_WORDS, OTHER_TASK)
    put_artifact(data, FIRST_OF_OTHER, names, OTHER_WORDS, dataset, OTHER_TASK)
    files = put_artifact(data, DELETED, names, OTHER_WORDS, dataset, OTHER_TASK)
    registry.point_to(
        ModelPointer(
            task=OTHER_TASK,
            version=DELETED,
            prefix=keys.serving(OTHER_TASK, DELETED),
            files=files,
            promoted_at=MADE,
            why="gate",
        )
    )


def put_artifact(
    data: ObjectStore,
    version: str,
    categories: Sequence[str],
    words: Mapping[str, str],
    dataset: DatasetRef,
    task: str = TASK,
) -> tuple[ServingFile, ...]:
    """What the training job of that name leaves; the files that it holds."""
    files, card = with_card(tiny_files(categories, words, task), categories, dataset, task)
    data.write(keys.model_artifact(task, version), tiny_artifact(files), "application/gzip")
    return card.files


def put_dataset(data: ObjectStore, version: str, words: Mapping[str, str], task: str = TASK) -> DatasetRef:
    """A dataset whose texts each hold one of the words; what a card says of it."""
    categories = tuple(dict.fromkeys(words.values()))
    splits = [_put_split(data, version, split, words, task) for split in _ROWS]
    per_class = {name: sum(file.per_class[name] for file in splits) for name in categories}
    manifest = DatasetManifest(
        task=task,
        version=version,
        created_at=MADE,
        verdict="balanced",
        target_per_class=1,
        categories=categories,
        per_class=per_class,
        files=tuple(splits),
        prompts=(),
        model_ids=("a-model",),
        run_ids=("run-typical",),
        near_duplicates_left_out=0,
    )
    raw = manifest.model_dump_json().encode()
    data.write(keys.dataset_manifest(task, version), raw)
    return DatasetRef(
        version=version,
        manifest_sha256=hashlib.sha256(raw).hexdigest(),
        rows={file.split: file.rows for file in splits},
        train_per_class=splits[0].per_class,
    )


def _put_split(data: ObjectStore, version: str, split: Split, words: Mapping[str, str], task: str) -> SplitFile:
    rows = [
        DatasetRow(case_id=f"{split}-{word}-{n}", text=f"Case {n} is about: {word}", category=category)
        for word, category in words.items()
        for n in range(_ROWS[split])
    ]
    content = b"".join(row.model_dump_json().encode() + b"\n" for row in rows)
    key = keys.dataset_split(task, version, split)
    data.write(key, content, "application/x-ndjson")
    return SplitFile(
        split=split,
        key=key,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        rows=len(rows),
        per_class={name: sum(row.category == name for row in rows) for name in dict.fromkeys(words.values())},
    )
