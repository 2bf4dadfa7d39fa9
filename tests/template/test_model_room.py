"""The largest model that promotion accepts fits the functions that run it: in /tmp and in memory."""

import pytest

from plumbline.contracts.models import MODEL_FILE, SERVING_FILES
from plumbline.promote_model.unpack import LARGEST
from tests.template.reading import functions

MB = 1 << 20
WITHOUT = 512  # MB of /tmp where a function says nothing
FILES = sum(LARGEST[name] for name in SERVING_FILES) / MB
# One session of a graph of 433 MB (fp32) took 1.2 times the file, two took 2.3 times; the rest of predict_case is about
# 200 MB.
IN_MEMORY, BESIDES = 1.25, 400


def room(stage: str) -> int:
    return int(functions()[stage].get("EphemeralStorage", {"Size": WITHOUT})["Size"])


@pytest.mark.parametrize("stage", ["predict_case", "predict_shard"])
def test_tmp_holds_the_old_model_the_new_one_and_two_downloads_that_broke_off(stage: str) -> None:
    assert room(stage) >= 4 * FILES


def test_tmp_of_promotion_holds_the_candidate_its_upload_the_current_one_and_what_a_killed_one_left() -> None:
    candidate = sum(LARGEST.values()) / MB
    assert room("promote_model") >= 2 * (candidate + max(FILES, LARGEST[MODEL_FILE] / MB))


@pytest.mark.parametrize("stage", ["predict_case", "predict_shard", "promote_model"])
def test_memory_holds_two_of_the_largest_models(stage: str) -> None:
    assert functions()[stage]["MemorySize"] >= 2 * IN_MEMORY * LARGEST[MODEL_FILE] / MB + BESIDES


def test_a_large_encoder_in_fp32_is_taken() -> None:
    assert LARGEST[MODEL_FILE] > 440_000_000
