"""How to train: the hyperparameters, and the folders that SageMaker names in the environment."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from pydantic import Field, ValidationError

from plumbline.contracts.base import Model
from plumbline.contracts.errors import InvalidRecipe


class Recipe(Model):
    """The hyperparameters. Every field is an argument, spelled `--max-tokens 192` or `--max_tokens 192`."""

    task: str = Field(description="the task that the dataset must be of")
    manifest: str = Field(default="", description="where the manifest came from; for the log only")
    encoder: str = Field(
        default="minilm",
        min_length=1,
        description="minilm (installed with the environment), a folder, a hub name, or one of AutoMM's presets",
    )
    max_tokens: int = Field(default=192, ge=16, le=4096, description="tokens read of a text, special ones included")
    tail_share: float = Field(default=0.33, ge=0, lt=1, description="share of them from the end of a longer text")
    pooling: Literal["mean", "cls"] = Field(default="mean", description="how token vectors become one")
    head: Literal["probe", "random"] = Field(
        default="probe", description="probe: the head starts as logistic regression on the encoder as it came"
    )
    epochs: int = Field(default=4, ge=1, le=100, description="passes over the training cases")
    learning_rate: float = Field(default=2e-4, gt=0, lt=1, description="of the classifier's head")
    layer_decay: float = Field(default=0.9, gt=0, le=1, description="factor of the learning rate, layer by layer down")
    batch_size: int = Field(default=32, ge=8, le=1024, multiple_of=8, description="cases per step of the optimizer")
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5, description="not used together with class weights")
    attention_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="0 is faster on CPUs and lost nothing; only where the encoder has one"
    )
    averaging: Literal["greedy_soup", "uniform_soup", "best"] = Field(
        default="greedy_soup", description="how the best three epochs become one model"
    )
    members: int = Field(
        default=1, ge=1, le=10, description="trainings with a seed each whose weights are averaged where that helps"
    )
    class_weights: Literal["auto", "none"] = Field(
        default="auto", description="auto: weigh short classes up where the longest is 1.5 times the shortest"
    )
    label_noise: Literal["list", "out", "off"] = Field(
        default="list",
        description="labels that are probably wrong: listed in the card; left out, too; or not sought",
    )
    min_per_class: int = Field(default=8, ge=2, description="training cases below which a class is refused")
    quantize: Literal["auto", "none"] = Field(default="auto", description="auto: int8 unless it changes answers")
    time_limit: int = Field(default=0, ge=0, description="seconds for the encoder's training; 0 is no limit")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of everything that is random")

    @property
    def member_seconds(self) -> float | None:
        """One member's part of the time limit, above 0; all parts together are the limit. None is no limit."""
        return self.time_limit / self.members if self.time_limit else None


@dataclass(frozen=True)
class Folders:
    """The folders of SageMaker's contract."""

    training: Path
    validation: Path
    test: Path
    manifest: Path
    model: Path


def read_recipe(argv: Sequence[str]) -> Recipe:
    """The arguments as a recipe. Raises InvalidRecipe, which names the argument."""
    parser = _Parser(prog="train.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    for name, field in Recipe.model_fields.items():
        flags = sorted({f"--{name.replace('_', '-')}", f"--{name}"})
        parser.add_argument(*flags, dest=name, required=field.is_required(), help=field.description)
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    try:
        return Recipe.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"--{e['loc'][0]}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvalidRecipe(f"hyperparameters cannot be used: {wrong}") from None


def read_folders(environ: Mapping[str, str]) -> Folders:
    """The folders that the environment names. Raises InvalidRecipe, which names the variable."""
    names = {name: f"SM_CHANNEL_{name.upper()}" for name in ("training", "validation", "test", "manifest")}
    names["model"] = "SM_MODEL_DIR"
    missing = [variable for variable in names.values() if not environ.get(variable)]
    if missing:
        raise InvalidRecipe(
            f"{', '.join(missing)} not set: the training job needs the channels training, validation, test and "
            "manifest; outside of SageMaker set these variables to folders"
        )
    return Folders(**{name: Path(environ[variable]) for name, variable in names.items()})


def failure_folder(environ: Mapping[str, str]) -> Path | None:
    """Where SageMaker looks for the file `failure`; None outside of its contract."""
    if environ.get("SM_OUTPUT_DIR"):
        return Path(environ["SM_OUTPUT_DIR"])
    if environ.get("SM_OUTPUT_DATA_DIR"):
        return Path(environ["SM_OUTPUT_DATA_DIR"]).parent
    return None


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would end the process: main writes the failure file first."""

    def error(self, message: str) -> NoReturn:
        raise InvalidRecipe(f"{message}; train.py --help lists the hyperparameters")
