"""The cases that a model is measured on, and the ones that a model has learned from."""

import hashlib
from contextlib import closing

from pydantic import ValidationError

from plumbline import keys
from plumbline.check_balance.pick import stable_hash
from plumbline.contracts.datasets import DatasetManifest, DatasetRow, SplitFile
from plumbline.contracts.errors import InvalidDataset, MissingObject
from plumbline.contracts.models import CARD_FILE, ModelCard
from plumbline.jsonl import read_models
from plumbline.ports import ObjectStore

MOST_CASES = 3_000  # two models of 512 tokens read so many within the function's time limit


def manifest_of(data: ObjectStore, task: str, card: ModelCard, key: str | None) -> DatasetManifest:
    """The manifest that the model was trained on: the one that its job was given, or else the dataset's own.

    Raises InvalidDataset when neither is the one of the card.
    """
    wanted = card.dataset
    for place in dict.fromkeys([*([key] if key else []), keys.dataset_manifest(task, wanted.version)]):
        try:
            raw = data.read(place)
            if hashlib.sha256(raw).hexdigest() == wanted.manifest_sha256:
                return DatasetManifest.model_validate_json(raw)
        except MissingObject:
            continue
        except ValidationError:
            raise InvalidDataset(f"{place} is no dataset manifest") from None
    raise InvalidDataset(f"the manifest of dataset {wanted.version} is gone or has changed since training; train again")


def test_rows(data: ObjectStore, manifest: DatasetManifest) -> list[DatasetRow]:
    """The test split, whole up to MOST_CASES; of a larger one about so many, the same ones every time.

    Raises InvalidDataset when it is missing, empty, or not the file of the manifest.
    """
    file = _split(manifest, "test")
    digest, rows = hashlib.sha256(), []
    share = MOST_CASES / max(file.rows, 1)
    try:
        with closing(data.open(file.key)) as stream:
            for line in stream:
                digest.update(line)
                row = DatasetRow.model_validate_json(line)
                if share >= 1 or int.from_bytes(stable_hash(row.case_id)[:4]) < share * 2**32:
                    rows.append(row)
    except MissingObject:
        raise InvalidDataset(f"{file.key} is gone; the model cannot be measured") from None
    except ValidationError:
        raise InvalidDataset(f"{file.key} holds a line that is no dataset row") from None
    if digest.hexdigest() != file.sha256:
        raise InvalidDataset(f"{file.key} is not the file that its manifest describes (another sha256)")
    if not rows:
        raise InvalidDataset(f"{file.key} holds no case; the model cannot be measured")
    return rows


def learned_from(data: ObjectStore, manifest: DatasetManifest) -> set[str]:
    """Ids of the cases that training read: the train split, and validation, which chose the epoch and temperature.

    Raises InvalidDataset when they cannot be read.
    """
    seen: set[str] = set()
    for name in ("train", "validation"):
        file = _split(manifest, name)
        try:
            seen |= {row.case_id for row in read_models(data, file.key, DatasetRow)}
        except MissingObject:
            raise InvalidDataset(f"{file.key} is gone") from None
        except ValidationError:
            raise InvalidDataset(f"{file.key} holds a line that is no dataset row") from None
    return seen


def learned_by(data: ObjectStore, task: str, version: str) -> set[str]:
    """Ids of the cases that a model of the past has learned from, by its stored card. Raises InvalidDataset."""
    try:
        card = ModelCard.model_validate_json(data.read(keys.serving(task, version, CARD_FILE)))
    except MissingObject:
        raise InvalidDataset("its model card is gone") from None
    except ValidationError:
        raise InvalidDataset("its model card cannot be read") from None
    return learned_from(data, manifest_of(data, task, card, None))


def _split(manifest: DatasetManifest, name: str) -> SplitFile:
    for file in manifest.files:
        if file.split == name:
            return file
    raise InvalidDataset(f"dataset {manifest.version} has no {name} split")
