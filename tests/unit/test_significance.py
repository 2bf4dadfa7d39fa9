"""How much of a difference may be chance: known values; and cases without a label."""

import pytest

from plumbline.significance import differences, macro_f1, mcnemar, right_alone


def test_mcnemars_exact_p_values() -> None:
    # Binomial(n, 1/2), two-sided: 2 * P(X <= min).
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(8, 1) == mcnemar(1, 8) == pytest.approx(2 * 10 / 512)
    assert mcnemar(1500, 1200) == pytest.approx(8.3e-09, rel=0.2)  # so many that factorials no longer fit a float


def test_a_case_without_a_label_is_never_right_and_no_class_of_its_own() -> None:
    gold, one, other = ["a", "a", "b", "b"], ["a", None, "b", "b"], ["a", "a", "b", None]
    assert right_alone(gold, one, other) == ((3,), (1,))
    accuracy, f1 = differences(gold, one, other)
    assert accuracy.value == 0
    assert macro_f1(gold, one) == pytest.approx((2 / 3 + 1) / 2)
    assert f1.value == pytest.approx(macro_f1(gold, one) - macro_f1(gold, other))
