"""bench.label_noise's part in the training environment: `label_noise_child.py FOLDER SHARE KIND SEED`.

Breaks labels of split=train, looks for them as training does, and prints one JSON line: how many were broken, suspect
and both, and macro-F1 on the test split (TF-IDF + LR) trained on all cases, without the suspects, without the broken.
"""

import json
import random
import sys
from pathlib import Path

from sklearn.metrics import f1_score

from plumbline.contracts.datasets import DatasetRow
from training import noise
from training.baselines import tfidf
from training.dataset import Dataset, read_dataset
from training.recipe import Folders, Recipe

# What people and models take for one another in these six classes, by the confusions of the encoder on its test split.
_LIKE = {
    "Customer Education": "Software Defect",
    "Software Defect": "Customer Education",
    "Documentation Improvement": "Customer Education",
    "Feature Request": "Software Defect",
    "Billing Inquiry": "Customer Education",
    "Security Awareness": "Software Defect",
}


def main() -> None:
    """One setting."""
    folder, share, kind, seed = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    recipe = Recipe(task="bench", label_noise="out", seed=seed)
    folders = Folders(folder / "train", folder / "validation", folder / "test", folder / "manifest", folder)
    clean = read_dataset(folders, recipe.task, recipe.min_per_class)
    rows, broken = _broken(clean.rows["train"], share, kind, random.Random(seed))
    dataset = Dataset(clean.manifest, clean.manifest_sha256, {**clean.rows, "train": rows}, ())
    found = noise.look(dataset, recipe)
    suspects = {suspect.case_id for suspect in found.listed} | set(found.left_out) if found else set()
    trained = {
        "all": rows,
        "without suspects": noise.without_suspects(dataset, found).rows["train"],
        "without broken": tuple(row for row in rows if row.case_id not in broken),
    }
    figures = {name: _macro_f1(kept, clean, seed) for name, kept in trained.items()}
    answer = {"broken": len(broken), "suspects": len(suspects), "both": len(broken & suspects), "macro_f1": figures}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def _broken(
    rows: tuple[DatasetRow, ...], share: float, kind: str, chance: random.Random
) -> tuple[tuple[DatasetRow, ...], set[str]]:
    names = sorted({row.category for row in rows})
    broken = {row.case_id for row in chance.sample(rows, round(share * len(rows)))}

    def wrong(category: str) -> str:
        return _LIKE[category] if kind == "like" else chance.choice([name for name in names if name != category])

    changed = (
        row.model_copy(update={"category": wrong(row.category)}) if row.case_id in broken else row for row in rows
    )
    return tuple(changed), broken


def _macro_f1(rows: tuple[DatasetRow, ...], clean: Dataset, seed: int) -> float:
    model = tfidf(balanced=True, seed=seed).fit([row.text for row in rows], [row.category for row in rows])
    return float(f1_score(clean.labels("test"), model.predict(clean.texts("test")), average="macro"))


if __name__ == "__main__":
    main()
