"""Which road a run takes, and why."""

import pytest

from plumbline.contracts.runs import Road, RunMode
from plumbline.road import choose_road


@pytest.mark.parametrize(
    ("mode", "new", "affordable", "has_batch", "road", "why"),
    [
        ("auto", 1000, None, True, "batch", "1,000 new cases"),
        ("auto", 999, None, True, "on_demand", "999 new cases"),
        ("auto", 5000, 4000, True, "on_demand", "4,000 of 5,000"),
        ("auto", 5000, None, False, "on_demand", "no batch inference"),
        ("auto", 0, None, True, "on_demand", "no case is new"),
        ("batch", 1, None, True, "batch", "asked for"),
        ("batch", 0, None, True, "on_demand", "no case is new"),
        ("batch", 5000, None, False, "on_demand", "no batch inference"),
        ("batch", 5000, 10, True, "on_demand", "chosen in rounds"),
        ("on_demand", 9000, None, True, "on_demand", "asked for"),
    ],
)
def test_the_road_and_why(
    mode: RunMode, new: int, affordable: int | None, has_batch: bool, road: Road, why: str
) -> None:
    found, reason = choose_road(mode, new, affordable, 1000, model_has_batch=has_batch)
    assert found == road
    assert why in reason


def test_fewer_cases_than_a_job_takes_are_no_batch() -> None:
    road, why = choose_road("batch", 99, None, 1000, model_has_batch=True, batch_min=100)
    assert (road, why) == ("on_demand", "a batch job takes 100 records at least, and there are 99 new cases")
    assert choose_road("batch", 100, None, 1000, model_has_batch=True, batch_min=100)[0] == "batch"


def test_one_case_is_one_case() -> None:
    assert choose_road("auto", 1, None, 100, model_has_batch=True)[1].startswith("1 new case,")


def test_auto_takes_no_batch_that_is_dearer_than_the_prompt_cache() -> None:
    road, why = choose_road("auto", 5000, None, 1000, model_has_batch=True, cheaper_on_demand=True)
    assert (road, "prompt cache" in why) == ("on_demand", True)
    assert choose_road("batch", 5000, None, 1000, model_has_batch=True, cheaper_on_demand=True)[0] == "batch"


def test_auto_takes_no_batch_where_the_caller_will_not_wait() -> None:
    road, why = choose_road("auto", 5000, None, 1000, model_has_batch=True, in_a_hurry=True)
    assert (road, "fail fast" in why) == ("on_demand", True)
    assert choose_road("batch", 5000, None, 1000, model_has_batch=True, in_a_hurry=True)[0] == "batch"
