"""A calibration needs different cases of both kinds."""

from datetime import UTC, datetime

import pytest

from plumbline.confidence.fit import Row, fit
from plumbline.contracts.confidence import Signals
from plumbline.contracts.errors import CannotCalibrate
from plumbline.contracts.prompts import PromptRef


def test_wrong_labels_of_one_template_alone_teach_nothing() -> None:
    """All of them fall into one fold: the others then have right labels only."""
    wrong = [Row(Signals(runner_up=True), False, "template") for _ in range(20)]
    right = [Row(Signals(runner_up=False), True, f"case-{n}") for n in range(60)]
    ref = PromptRef(task="root_cause", version="v1", sha256="a" * 64)
    with pytest.raises(CannotCalibrate, match="say the same"):
        fit([*wrong, *right], prompt=ref, model_id="m", now=datetime.now(UTC))
