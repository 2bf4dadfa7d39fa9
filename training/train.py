"""Train a classifier on a balanced dataset: the entry point that SageMaker starts. See training/__init__.py."""

import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from plumbline.contracts.errors import PlumblineError
from training.dataset import Dataset, read_dataset
from training.progress import duration, say
from training.recipe import Folders, Recipe, failure_folder, read_folders, read_recipe

_MAX_FAILURE = 1024  # SageMaker shows no more


def main(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Train; 0, or 1 with the reason on standard error and in the file `failure`."""
    started = time.monotonic()
    try:
        recipe = read_recipe(argv)
        folders = read_folders(environ)
        say(f"reading the dataset of {recipe.task}" + (f" ({recipe.manifest})" if recipe.manifest else ""))
        dataset = read_dataset(folders, recipe.task, recipe.min_per_class)
        _announce(dataset)
        _train(dataset, recipe, folders, gpus=int(environ.get("SM_NUM_GPUS") or 0))
    except PlumblineError as error:
        return _fail(environ, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker's failure file is where people look
        # Its message may quote a case; where it arose may not.
        sys.stderr.writelines(traceback.format_tb(error.__traceback__))
        return _fail(environ, f"{type(error).__name__} while training; the log's last lines show where it arose")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform != "darwin" else 1 << 30)
    say(f"done in {duration(time.monotonic() - started)}, {peak:.2f} GB of memory at the most")
    return 0


def _train(dataset: Dataset, recipe: Recipe, folders: Folders, gpus: int) -> None:
    # Late: a dataset that cannot be trained on is refused in a second, before these take their twenty to import.
    from training import quiet  # noqa: PLC0415

    quiet.hush()
    from training.run import train_and_export  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="plumbline-training-") as work:
        train_and_export(dataset, recipe, work=Path(work), model=folders.model, gpus=gpus)


def _announce(dataset: Dataset) -> None:
    rows = ", ".join(f"{split} {len(found):,}" for split, found in dataset.rows.items())
    say(f"dataset {dataset.manifest.version}: {rows} cases of {len(dataset.manifest.categories)} classes")
    for warning in dataset.warnings:
        say(f"note: {warning}")


def _fail(environ: Mapping[str, str], reason: str) -> int:
    folder = failure_folder(environ)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure").write_text(reason[:_MAX_FAILURE], encoding="utf-8")
    sys.stderr.write(reason + "\n")  # last: SageMaker's toolkit quotes the end of standard error
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
