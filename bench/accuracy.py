"""Accuracy on real support cases: what training/ makes against TF-IDF, MiniLM with logistic regression, and SetFit.

All learn from the same rows (split=train of the file, a tenth of each class held back for validation by a hash of the
case id) and are measured once on split=test. `--recipe` may be given several times: hyperparameters of
training/train.py, such as `epochs=4,max_tokens=192`. `--leave-out SOURCE,SOURCE` takes those sources out of training
and measures on all of their cases instead: sources that the model has never seen. `--control` trains on tickets whose
labels are random: accuracy above .25 there means that something leaks. Runs in the training environment; SetFit only
where `pip install --no-deps setfit==1.2.0 sentence-transformers==5.6.0` was done in it.
"""

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measuring import ROOT, environment, machine, show
from bench.predict_latency import training_python
from plumbline.accuracy import Agreement
from plumbline.case_text import case_text
from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.contracts.cases import AnonymizedCase, Message, Role
from plumbline.contracts.datasets import DatasetManifest, DatasetRow, Split, SplitFile
from plumbline.contracts.models import CARD_FILE, ModelCard

DATA = ROOT.parent / "shared" / "data"
PEERS = {"tfidf": "TF-IDF + LR", "minilm": "MiniLM frozen + LR", "setfit": "SetFit on MiniLM"}
_CHANNELS: dict[Split, str] = {"train": "TRAINING", "validation": "VALIDATION", "test": "TEST"}
_CHILD = Path(__file__).with_name("accuracy_child.py")
_ROLES: dict[str, Role] = {"customer": "customer", "agent": "agent"}
_TASK = "bench"
Splits = dict[Split, list[DatasetRow]]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--recipe", action="append", metavar="NAME=VALUE,…", help="default: training's own defaults")
    parser.add_argument("--peers", default="tfidf,minilm,setfit", help="any of tfidf, minilm, setfit; empty for none")
    parser.add_argument("--setfit-steps", type=int, default=240, help="of 16 pairs; its own default takes hours here")
    parser.add_argument("--leave-out", default="", metavar="SOURCE,…", help="sources that only the test sees")
    parser.add_argument("--control", action="store_true", help="random labels instead of real ones")
    parser.add_argument("--keep", type=Path, help="a folder for the trained models")
    options = parser.parse_args()
    name = "random_labels_1500.csv" if options.control else "cases6_dev.jsonl"
    if not (DATA / name).is_file():
        sys.exit(f"skipped: {name} is not here; it is real data that is not part of the repository")
    python = training_python()
    if python is None:
        sys.exit("skipped: `make training-env` makes the environment that this needs")
    left_out = set(filter(None, options.leave_out.split(",")))
    splits = random_labels(DATA / name) if options.control else cases6(DATA / name, left_out)
    print(machine())
    print(", ".join(f"{split} {len(rows)}" for split, rows in splits.items()), flush=True)
    lines: list[Sequence[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(splits, Path(folder))
        for line in _lines(python, Path(folder), splits, options):
            print(" | ".join(line), flush=True)  # the table comes at the very end, and hours may pass until then
            lines.append(line)
    title = "Random labels" if options.control else f"cases6_dev{', without ' + options.leave_out if left_out else ''}"
    show(title, ("model", "accuracy", "95% interval", "macro-F1", "weakest recall", "train s"), lines)
    print(machine())


def _lines(python: Path, folder: Path, splits: Splits, options: argparse.Namespace) -> Iterator[Sequence[str]]:
    for peer in filter(None, options.peers.split(",")):
        yield from _peer(python, peer, folder, splits, options.setfit_steps)
    for number, recipe in enumerate(options.recipe or [""]):
        yield _trained(python, recipe, folder, (options.keep or folder) / f"model-{number}")


def cases6(path: Path, left_out: set[str]) -> Splits:
    """The file's own split; with sources left out, those sources' cases are the test and the rest teaches."""
    with path.open(encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    rows: Splits = {"train": [], "validation": [], "test": []}
    for case in cases:
        held = case["source"] in left_out if left_out else case["split"] == "test"
        rows["test" if held else "train"].append(_row(case))
    return _with_validation(rows)


def random_labels(path: Path) -> Splits:
    """A fifth of the tickets as test, by a hash of their number."""
    rows: Splits = {"train": [], "validation": [], "test": []}
    with path.open(encoding="utf-8", newline="") as lines:
        for ticket in csv.DictReader(lines):
            text = f"{ticket['Ticket Subject']}\ncustomer: {ticket['Ticket Description']}"
            row = DatasetRow(case_id=ticket["Ticket ID"], text=text, category=ticket["Ticket Type"])
            rows["test" if _hash(row.case_id) % 5 == 0 else "train"].append(row)
    return _with_validation(rows)


def write_dataset(splits: Splits, folder: Path) -> None:
    """The dataset as CheckBalance writes it: a folder a channel, and the manifest."""
    files = []
    for split, rows in splits.items():
        path = folder / split / f"{split}.jsonl"
        path.parent.mkdir()
        content = b"".join(row.model_dump_json().encode() + b"\n" for row in rows)
        path.write_bytes(content)
        per_class = dict(sorted(Counter(row.category for row in rows).items()))
        digest = hashlib.sha256(content).hexdigest()
        files.append(
            SplitFile(
                split=split, key=path.name, sha256=digest, bytes=len(content), rows=len(rows), per_class=per_class
            )
        )
    per_class = Counter(row.category for row in splits["train"])
    manifest = DatasetManifest(
        task=_TASK,
        version="bench",
        created_at=datetime.now(UTC),
        verdict="balanced",
        target_per_class=min(per_class.values()),
        categories=tuple(sorted(per_class)),
        per_class=dict(per_class),
        files=tuple(files),
        prompts=(),
        model_ids=(),
        run_ids=(),
        near_duplicates_left_out=0,
    )
    (folder / "manifest").mkdir()
    (folder / "manifest" / "manifest.json").write_text(manifest.model_dump_json())


def _row(case: dict[str, Any]) -> DatasetRow:
    messages = tuple(Message(role=_ROLES.get(t["role"], "other"), text=t["text"].strip()) for t in case["turns"])
    whole = AnonymizedCase(
        case_id=case["case_id"], subject=(case["title"] or "").strip(), messages=messages, fingerprint="0" * 16
    )
    return DatasetRow(case_id=case["case_id"], text=case_text(whole), category=case["category"])


def _with_validation(rows: Splits) -> Splits:
    """A tenth of each class of train, by a hash, becomes validation."""
    by_class: dict[str, list[DatasetRow]] = defaultdict(list)
    for row in rows["train"]:
        by_class[row.category].append(row)
    rows["train"] = []
    for found in by_class.values():
        found.sort(key=lambda row: _hash(row.case_id))
        tenth = max(1, len(found) // 10)
        rows["validation"] += found[:tenth]
        rows["train"] += found[tenth:]
    return rows


def _hash(case_id: str) -> int:
    return int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8], "big")


def _trained(python: Path, recipe: str, folder: Path, model: Path) -> Sequence[str]:
    """One run of training/train.py; its own log shows."""
    channels = {f"SM_CHANNEL_{channel}": str(folder / split) for split, channel in _CHANNELS.items()}
    environ = {**environment(), **channels, "SM_CHANNEL_MANIFEST": str(folder / "manifest"), "SM_MODEL_DIR": str(model)}
    pairs = [pair.split("=", 1) for pair in filter(None, recipe.split(","))]
    arguments = [word for name, value in pairs for word in (f"--{name}", value)]
    print(f"training/train.py {' '.join(arguments)}", flush=True)
    command = [str(python), str(ROOT / "training" / "train.py"), "--task", _TASK, *arguments]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    card = ModelCard.model_validate_json((model / "serving" / CARD_FILE).read_bytes())
    return _line(f"AutoMM, served {card.precision} ({recipe or 'defaults'})", card.test.accuracy, card.train_seconds)


def _peer(python: Path, peer: str, folder: Path, splits: Splits, steps: int) -> Iterator[Sequence[str]]:
    """What a peer predicts for the test cases; it learns from train and validation, having nothing to choose."""
    started = time.monotonic()
    done = subprocess.run(
        [python, _CHILD, peer, folder, str(steps)], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if "missing" in answer:
        print(f"{PEERS[peer]} is left out: {answer['missing']}")
        return
    agreement = Agreement(sorted({row.category for row in splits["train"]}))
    for row, predicted in zip(splits["test"], answer["predicted"], strict=True):
        agreement.add(row.category, predicted)
    block = agreement.block()
    if block is not None:
        name = PEERS[peer] + (f", {steps} steps" if peer == "setfit" else "")
        yield _line(name, block, time.monotonic() - started)


def _line(name: str, block: AccuracyBlock, seconds: float) -> Sequence[str]:
    share = block.accuracy
    weakest = min((c for c in block.per_class if c.recall), key=lambda c: c.recall.value if c.recall else 1)
    recall = f"{weakest.recall.value:.2f} {weakest.category}" if weakest.recall else "-"
    return (
        name,
        f"{share.value:.3f}",
        f"{share.low:.3f}-{share.high:.3f}",
        f"{block.macro_f1:.3f}",
        recall,
        f"{seconds:.0f}",
    )


if __name__ == "__main__":
    main()
