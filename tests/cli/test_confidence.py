"""`plumbline confidence` against a stack whose run has gold."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from cli.confidence import fit_run, show
from cli.errors import CliError
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.confidence import rated
from plumbline.contracts.confidence import Signals
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Label, Lineage, Outcome
from plumbline.contracts.runs import RunRow
from plumbline.gold import write_gold
from plumbline.jsonl import read_models, write_models
from tests import builders as b
from tests.unit.report.summaries import summary_of

pytest.importorskip("sklearn", reason="fitting takes scikit-learn, which the operator's machine has")
RUN = "run-4f2a"


@pytest.fixture
def labeled(stack: Stack) -> Stack:
    """A run of 120 labels: close calls are wrong half of the time, clear ones hardly ever."""
    draw, data = random.Random(5), S3ObjectStore(stack.data_bucket)
    labels, outcomes = [], []
    for n in range(120):
        close = draw.random() < 0.4
        right = draw.random() < (0.5 if close else 0.96)
        signals = Signals(runner_up=close, category=b.CATEGORIES[0])
        label = Label(
            case_id=str(n),
            category=b.CATEGORIES[0],
            runner_up=b.CATEGORIES[1] if close else None,
            confidence=0,
            lineage=Lineage(prompt=b.REF, model_id="local.test", run_id=RUN),
        )
        labels.append(rated(label, signals, None))
        outcomes.append(
            Outcome(
                case_id=str(n),
                outcome="labeled",
                shard="00000",
                content_hash=f"hash-{n}",
                category=label.category,
                gold_category=b.CATEGORIES[0 if right else 1],
                fingerprint=f"{draw.getrandbits(64):016x}",
            )
        )
    write_models(data, keys.labels(RUN, "00000"), labels)
    write_models(data, keys.outcomes(RUN), outcomes)
    summary = summary_of(run_id=RUN, task="root_cause", prompt=b.REF, model_id="local.test", status="SUCCEEDED")
    data.write(keys.summary(RUN), summary.model_dump_json().encode())
    row = RunRow(run_id=RUN, task="root_cause", status="SUCCEEDED", source="incoming/a.csv", started_at=b.NOW)
    DynamoLedger(stack.ledger_table).put_run(row)
    return stack


def test_a_run_with_gold_gives_a_calibration_that_the_next_run_reads_and_a_picture(
    labeled: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console, plot = Console(width=80), tmp_path / "reliability.svg"
    assert show(labeled, "last", None, console, as_json=False) == 1
    assert "is not calibrated: it ranks labels, no more" in " ".join(capsys.readouterr().out.split())

    assert fit_run(labeled, "last", None, None, plot, console, as_json=False) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in ("120 labels with gold", "AUROC of errors", "Rank alone", "Errors caught", "runner_up -"):
        assert words in said
    assert plot.read_text("utf-8").startswith("<svg")
    assert show(labeled, "last", None, console, as_json=True) == 0
    stored = json.loads(capsys.readouterr().out)
    assert (stored["cases"], stored["prompt"]["sha256"], stored["model_id"]) == (120, b.REF.sha256, "local.test")
    assert S3ObjectStore("data").read(keys.calibration("root_cause", b.REF.sha256, "local.test"))


def test_what_people_said_later_stands_above_the_gold_that_came_along(labeled: Stack) -> None:
    """Reviews that find every label right leave no errors to learn from; of another content they say nothing."""
    console = Console(width=80)

    def review(content: str) -> None:
        labels = [
            GoldLabel(
                case_id=str(n),
                category=b.CATEGORIES[0],
                source="review",
                labeled_at=b.NOW + timedelta(days=1),
                run_id=RUN,
                content_hash=f"{content}-{n}",
                part="random",
            )
            for n in range(120)
        ]
        write_gold("root_cause", "review-1", labels, S3ObjectStore(labeled.data_bucket))

    review("another")
    assert fit_run(labeled, RUN, None, None, None, console, as_json=False) == 0
    review("hash")
    with pytest.raises(CliError, match="only 0 are wrong") as raised:
        fit_run(labeled, RUN, None, None, None, console, as_json=False)
    assert f"review export {RUN}" in raised.value.hint


def test_rows_of_a_queue_teach_and_are_said_to_be_in_no_figure(
    labeled: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    data = S3ObjectStore(labeled.data_bucket)
    outcomes = list(read_models(data, keys.outcomes(RUN), Outcome))
    picked = {outcome.case_id for outcome in outcomes[:40]}
    write_models(data, keys.outcomes(RUN), [
        o.model_copy(update={"gold_category": None}) if o.case_id in picked else o for o in outcomes
    ])  # fmt: skip
    labels = [
        GoldLabel(
            case_id=o.case_id, category=o.gold_category or "", source="review", labeled_at=b.NOW, run_id=RUN,
            content_hash=o.content_hash, part="useful",
        )
        for o in outcomes[:40]
    ]  # fmt: skip
    write_gold("root_cause", "review-1", labels, data)
    assert fit_run(labeled, RUN, None, None, None, Console(width=80), as_json=False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "120 labels with gold" in said
    assert "of the 80 labels that stand for the run are right" in said
    assert "40 other labels taught it and are in no figure here" in said


def test_gold_of_a_file_is_taken_in_place_of_the_runs(labeled: Stack, tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    file.write_text("case_id,text,gold_category\n" + "".join(f"{n},hello,Billing Inquiry\n" for n in range(30)))
    with pytest.raises(CliError, match="only 30 labels have a gold label"):
        fit_run(labeled, RUN, file, None, None, Console(width=80), as_json=False)
    file.write_text("case_id,text\n1,hello\n")
    with pytest.raises(CliError, match="has no gold labels"):
        fit_run(labeled, RUN, file, None, None, Console(width=80), as_json=False)


def test_gold_that_is_no_category_of_the_task_is_no_wrong_label(labeled: Stack, tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    rows = [f"{n},hello,{'Billing Inquiry' if n < 30 else 'Biling Inquiry'}\n" for n in range(60)]
    file.write_text("case_id,text,gold_category\n" + "".join(rows))
    with pytest.raises(CliError, match="only 30 labels have a gold label"):
        fit_run(labeled, RUN, file, None, None, Console(width=80), as_json=False)
