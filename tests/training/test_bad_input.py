"""Training refuses what it cannot learn from: exit code 1, the file `failure`, no case text, before AutoGluon loads."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.contracts.datasets import DatasetRow, Split
from plumbline.contracts.errors import InvalidDataset, InvalidRecipe
from tests.training import folders as f
from training.dataset import read_dataset
from training.recipe import failure_folder, read_folders, read_recipe
from training.train import main

Splits = dict[Split, list[DatasetRow]]
TASK = ["--task", "root_cause"]


def refused(environ: dict[str, str], capsys: pytest.CaptureFixture[str], argv: list[str] = TASK) -> str:
    """The reason, which stands in the failure file and last on standard error."""
    assert main(argv, environ) == 1
    reason = (Path(environ["SM_OUTPUT_DIR"]) / "failure").read_text()
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == reason
    assert "does not work as it did" not in captured.out + captured.err + reason  # what every text says
    assert not Path(environ["SM_MODEL_DIR"]).exists()
    return reason


def one_class() -> Splits:
    return f.even(["Billing"])


def five_examples() -> Splits:
    return {
        "train": [*f.rows("train", "Billing", 1)],
        "validation": [*f.rows("validation", "Billing", 1), *f.rows("validation", "Defect", 1)],
        "test": [*f.rows("test", "Billing", 1), *f.rows("test", "Defect", 1)],
    }


def few_of_one_class() -> Splits:
    return f.even() | {"train": [*f.rows("train", "Billing", 50), *f.rows("train", "Defect", 7)]}


def absent_from_validation() -> Splits:
    return f.even() | {"validation": f.rows("validation", "Billing", 2)}


def without_text() -> Splits:
    return f.even() | {"train": [*f.rows("train", "Billing", 8), *f.rows("train", "Defect", 8, text=" ")]}


def in_two_splits() -> Splits:
    splits = f.even()
    return splits | {"test": splits["train"]}


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        (one_class, "InvalidDataset: the dataset has one class only (Billing)"),
        (five_examples, "train has no case of Defect; every class needs 8 cases in train"),
        (few_of_one_class, "too few training cases: Defect 7; 8 a class is the least (about 10 labeled cases"),
        (absent_from_validation, "validation has no case of Defect; every class needs 8 cases in train and one each"),
        (without_text, "too few training cases: Defect 0;"),
        (in_two_splits, "16 case ids stand in the dataset more than once"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_dataset_that_cannot_teach_is_refused_with_what_to_do(
    splits: Callable[[], Splits], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(f.write(tmp_path, splits()), capsys)


def test_a_missing_file_is_named_with_what_the_channel_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = f.write(tmp_path, f.even())
    file = Path(environ["SM_CHANNEL_TEST"]) / "test.jsonl"
    file.rename(file.with_name("other.jsonl"))
    reason = refused(environ, capsys)
    assert "test.jsonl cannot be read from its channel" in reason
    assert "the channel holds other.jsonl" in reason


def test_a_file_cut_short_is_told_by_its_sha256(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = f.write(tmp_path, f.even())
    file = Path(environ["SM_CHANNEL_TRAINING"]) / "train.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    reason = refused(environ, capsys)
    assert "train.jsonl is not the file that its manifest names: sha256 " in reason
    assert f"of {len(whole) - 5:,} bytes, expected " in reason


def test_a_manifest_that_counts_other_rows_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = f.write(tmp_path, f.even())
    path = Path(environ["SM_CHANNEL_MANIFEST"]) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][0]["rows"] = 17
    path.write_text(json.dumps(manifest))
    assert "train.jsonl has 16 rows, its manifest says 17" in refused(environ, capsys)


@pytest.mark.parametrize("content", [b"", b"not json", b'{"task": "root_cause"}', b"\xff\xfe"])
def test_what_is_no_manifest_is_refused(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = f.write(tmp_path, f.even())
    (Path(environ["SM_CHANNEL_MANIFEST"]) / "manifest.json").write_bytes(content)
    assert "manifest.json is no dataset manifest" in refused(environ, capsys)


def test_a_dropped_manifest_may_have_another_name(tmp_path: Path) -> None:
    environ = f.write(tmp_path, f.even())
    manifest = Path(environ["SM_CHANNEL_MANIFEST"]) / "manifest.json"
    manifest.rename(manifest.with_name("root_cause-abc.json"))
    assert read_dataset(read_folders(environ), "root_cause", 2).manifest.version == "abc"


def test_another_tasks_manifest_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = f.write(tmp_path, f.even())
    assert "of the task root_cause, and the job trains npm_issue" in refused(environ, capsys, ["--task", "npm_issue"])


def test_a_class_that_the_manifest_lists_and_no_file_has_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = f.write(tmp_path, f.even(), categories=("Billing", "Defect", "Feature"))
    assert "train has no case of Feature" in refused(environ, capsys)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "the following arguments are required: --task"),
        ([*TASK, "--epochs", "many"], "--epochs: Input should be a valid integer"),
        ([*TASK, "--tail-share", "1.5"], "--tail_share: Input should be less than 1"),
        ([*TASK, "--epoch", "3"], "unrecognized arguments: --epoch 3"),
        ([*TASK, "--class-weights", "some"], "--class_weights: Input should be 'auto' or 'none'"),
    ],
)
def test_a_wrong_hyperparameter_is_named(
    argv: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = refused(f.write(tmp_path, f.even()), capsys, argv)
    assert reason.startswith("InvalidRecipe: ")
    assert says in reason


def test_a_channel_that_is_not_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = f.write(tmp_path, f.even())
    del environ["SM_CHANNEL_VALIDATION"]
    assert "SM_CHANNEL_VALIDATION not set" in refused(environ, capsys)


def test_without_an_output_folder_the_reason_still_stands_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TASK, {}) == 1
    assert "SM_CHANNEL_TRAINING, " in capsys.readouterr().err
    assert failure_folder({"SM_OUTPUT_DATA_DIR": "/opt/ml/output/data"}) == Path("/opt/ml/output")


def test_arguments_are_read_as_sagemaker_and_as_people_write_them() -> None:
    recipe = read_recipe([*TASK, "--max_tokens", "64", "--tail-share", "0.5", "--seed", "7"])
    assert (recipe.max_tokens, recipe.tail_share, recipe.seed, recipe.encoder) == (64, 0.5, 7, "minilm")
    with pytest.raises(InvalidRecipe, match="batch_size"):
        read_recipe([*TASK, "--batch-size", "31"])


def test_rows_without_text_leave_train_and_stay_in_the_held_out_splits(tmp_path: Path) -> None:
    splits = f.even()
    splits["train"] += f.rows("blank", "Billing", 2, text="\n ")
    splits["test"] += f.rows("blank-test", "Defect", 1, text="\t")
    dataset = read_dataset(read_folders(f.write(tmp_path, splits)), "root_cause", 8)
    assert {split: len(rows) for split, rows in dataset.rows.items()} == {"train": 16, "validation": 2, "test": 3}
    assert dataset.warnings == ("cases without text: train 2, test 1; left out of train, kept in validation and test",)


def test_a_held_out_text_that_was_trained_on_is_told(tmp_path: Path) -> None:
    splits = f.even()
    splits["test"][0] = splits["test"][0].model_copy(update={"text": splits["train"][0].text})
    dataset = read_dataset(read_folders(f.write(tmp_path, splits)), "root_cause", 8)
    assert len(dataset.warnings) == 1
    assert dataset.warnings[0].startswith("1 held-out texts stand in train word for word")


def test_a_line_that_is_no_row_is_named_by_its_number(tmp_path: Path) -> None:
    environ = f.write(tmp_path, f.even())
    file = Path(environ["SM_CHANNEL_TEST"]) / "test.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + b'{"case_id": "x", "text": 5, "category": "Billing"}\n')
    path = Path(environ["SM_CHANNEL_MANIFEST"]) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][2]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest))
    with pytest.raises(InvalidDataset, match=r"test.jsonl, line 2 is no dataset row \(wrong: text\)"):
        read_dataset(read_folders(environ), "root_cause", 8)
