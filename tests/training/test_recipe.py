"""The hyperparameters that one number is derived from."""

from hypothesis import given
from hypothesis import strategies as st

from training.recipe import Recipe


@given(st.integers(1, 10**6), st.integers(1, 10))
def test_members_share_the_time_limit_and_none_is_without_one(limit: int, members: int) -> None:
    share = Recipe(task="t", time_limit=limit, members=members).member_seconds
    assert share is not None
    assert share > 0
    assert share * members <= limit * (1 + 1e-12)


@given(st.integers(1, 10))
def test_without_a_limit_no_member_has_one(members: int) -> None:
    assert Recipe(task="t", members=members).member_seconds is None
