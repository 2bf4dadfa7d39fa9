"""Label noise on real support cases: of labels that were broken on purpose, how many does training suspect?

`cases6_dev.jsonl`, split=train; a share of its labels is broken, at random or into the category that is most easily
taken for the right one. Precision counts only what was broken here as wrong, though people, too, disagree about a
sixth of these labels: it is a lower bound. Runs in the training environment, some twenty seconds a line.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.accuracy import DATA, cases6, write_dataset
from bench.measuring import ROOT, environment, machine, show
from bench.predict_latency import training_python

_CHILD = Path(__file__).with_name("label_noise_child.py")
_COLUMNS = ("broken", "how", "suspects", "recall", "precision", "F1 all", "F1 without suspects", "F1 without broken")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.label_noise", description=__doc__)
    parser.add_argument("--shares", default="0,0.1,0.2,0.3", help="shares of labels to break")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not (DATA / "cases6_dev.jsonl").is_file():
        sys.exit("skipped: cases6_dev.jsonl is not here; it is real data that is not part of the repository")
    python = training_python()
    if python is None:
        sys.exit("skipped: `make training-env` makes the environment that this needs")
    print(machine())
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(cases6(DATA / "cases6_dev.jsonl", set()), Path(folder))
        for share in options.shares.split(","):
            for kind in ("random", "like") if float(share) else ("none",):
                lines.append(_line(python, folder, share, kind, options.seed))
                print(" | ".join(lines[-1]), flush=True)
    show("Labels broken on purpose; macro-F1 of TF-IDF + LR on the test split", _COLUMNS, lines)


def _line(python: Path, folder: str, share: str, kind: str, seed: int) -> tuple[str, ...]:
    command = [str(python), str(_CHILD), folder, share, kind, str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    recall = f"{found['both'] / found['broken']:.2f}" if found["broken"] else "-"
    precision = f"{found['both'] / found['suspects']:.2f}" if found["suspects"] else "-"
    scores = [f"{found['macro_f1'][name]:.3f}" for name in ("all", "without suspects", "without broken")]
    return (f"{float(share):.0%}", kind, str(found["suspects"]), recall, precision, *scores)


if __name__ == "__main__":
    main()
