"""Whether masked text still tells the category: classifiers learn from cases6_dev raw and masked, on the same split."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.accuracy import PEERS, Splits, cases6, write_dataset
from bench.measuring import environment, show
from bench.pii_sets import DATA, load
from bench.predict_latency import training_python
from plumbline.accuracy import wilson
from plumbline.anonymize import Privacy, anonymize_in_memory
from plumbline.anonymize.detector import SpacyDetector
from plumbline.case_text import case_text
from plumbline.contracts.cases import Case, Message, Role

_CHILD = Path(__file__).with_name("accuracy_child.py")
_ROLES: dict[str, Role] = {"customer": "customer", "agent": "agent"}
_CLASSIFIERS = ("minilm", "tfidf")


def show_utility() -> None:
    """Print the table; says why it is left out where something is missing."""
    python = training_python()
    if python is None:
        print("Label utility is left out: `make training-env` makes the environment that it needs")
        return
    raw = cases6(DATA / "cases6_dev.jsonl", set())
    print("label utility: masking cases6_dev", file=sys.stderr, flush=True)
    texts = _masked_texts()
    masked: Splits = {
        split: [row.model_copy(update={"text": texts[row.case_id]}) for row in rows] for split, rows in raw.items()
    }
    gold = [row.category for row in raw["test"]]
    rows = []
    for peer in _CLASSIFIERS:
        hits = [_hits(python, peer, splits, gold) for splits in (raw, masked)]
        rows.append(_line(PEERS[peer], *hits))
    show(
        f"Label utility: accuracy on cases6_dev, {len(gold)} test cases",
        (
            "classifier",
            "raw",
            "95% interval",
            "masked",
            "95% interval",
            "points",
            "only raw right",
            "only masked right",
        ),
        rows,
    )


def _masked_texts() -> dict[str, str]:
    """By case id. Cases that would be withheld for a person are masked like the others."""
    privacy = Privacy(SpacyDetector())
    cases = (
        Case(
            case_id=case.id,
            subject=case.texts[0],
            messages=tuple(
                Message(role=_ROLES.get(role, "other"), text=text.strip())
                for role, text in zip(case.roles, case.texts[1:], strict=True)
            ),
        )
        for case in load("cases6").cases
    )
    return {case.case_id: case_text(anonymize_in_memory(case, privacy, check=False)) for case in cases}


def _hits(python: Path, peer: str, splits: Splits, gold: Sequence[str]) -> list[bool]:
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(splits, Path(folder))
        print(f"label utility: {PEERS[peer]}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [python, _CHILD, peer, folder, "0"], env=environment(), stdout=subprocess.PIPE, check=True
        )
    predicted = json.loads(done.stdout.splitlines()[-1])["predicted"]
    return [one == other for one, other in zip(predicted, gold, strict=True)]


def _line(name: str, raw: Sequence[bool], masked: Sequence[bool]) -> Sequence[str]:
    before, after = wilson(sum(raw), len(raw)), wilson(sum(masked), len(masked))
    pairs = list(zip(raw, masked, strict=True))
    return (
        name,
        f"{before.value:.3f}",
        f"{before.low:.3f}-{before.high:.3f}",
        f"{after.value:.3f}",
        f"{after.low:.3f}-{after.high:.3f}",
        f"{100 * (after.value - before.value):+.1f}",
        str(sum(one and not other for one, other in pairs)),
        str(sum(other and not one for one, other in pairs)),
    )
