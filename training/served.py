"""From the trained predictor to the graph that is served: export, choose int8 or fp32, calibrate, measure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.contracts.models import MODEL_FILE, ClassifierConfig, Metrics, Parity, Precision
from plumbline.predict.classifier import Classifier, softmax
from training import export, figures
from training.dataset import Dataset
from training.progress import say
from training.recipe import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """The graph that will be served, calibrated, in `folder`."""

    folder: Path
    precision: Precision
    config: ClassifierConfig
    parity: tuple[Parity, ...]
    validation: Metrics
    test: Metrics
    confidences: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Ran:
    """What a graph answered to the held-out texts."""

    logits: "Floats"
    parity: Parity


def export_served(
    predictor: Any, saved: Path, dataset: Dataset, expected: "Floats", recipe: Recipe, work: Path, threads: int
) -> Served:
    """Export into folders of `work`; every graph runs once over the held-out texts, validation first, then test.

    `saved` is the predictor's own folder, `expected` its probabilities for these texts (texts x categories). Raises
    UnusableEncoder.
    """
    folders: dict[Precision, Path] = {"fp32": work / "fp32", "int8": work / "int8"}
    config = export.export_fp32(predictor, saved, recipe, folders["fp32"])
    texts = dataset.texts("validation") + dataset.texts("test")

    def run(precision: Precision) -> _Ran:
        folder = folders[precision]
        logits = Classifier.load(folder, threads).logits(texts)
        size = (folder / MODEL_FILE).stat().st_size
        ran = _Ran(logits, figures.parity(precision, softmax(logits), expected, size))
        say(_parity_line(ran.parity))
        return ran

    ran = {"fp32": run("fp32")}
    if recipe.quantize == "auto":
        export.quantize(folders["fp32"], folders["int8"])
        ran["int8"] = run("int8")
    precision, warnings = export.choose(ran["fp32"].parity, ran["int8"].parity if "int8" in ran else None)
    logits, held = ran[precision].logits, len(dataset.rows["validation"])
    answers = [config.categories.index(label) for label in dataset.labels("validation")]
    config = config.model_copy(update={"temperature": figures.fit_temperature(logits[:held], answers)})
    export.write_config(config, folders[precision])
    probabilities = softmax(logits / config.temperature)
    return Served(
        folder=folders[precision],
        precision=precision,
        config=config,
        parity=tuple(one.parity for one in ran.values()),
        validation=figures.metrics(probabilities[:held], dataset.labels("validation"), config.categories),
        test=figures.metrics(probabilities[held:], dataset.labels("test"), config.categories),
        confidences=figures.histogram(np.max(probabilities, axis=1)),
        warnings=warnings,
    )


def _parity_line(found: Parity) -> str:
    return (
        f"{found.precision}: {found.bytes / 1e6:.0f} MB, at most {found.max_difference:.1e} from the predictor, "
        f"{found.label_changes} of {found.cases} labels changed"
    )
