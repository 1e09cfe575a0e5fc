"""Agreement, against values that are worked out by hand or published."""

import numpy as np
import pytest

from gateway.comparison.agreement import BlandAltman, Kappa, Overlap


def test_dice_of_a_cube_that_moved_by_a_quarter_of_its_side():
    first, second = np.zeros((2, 12, 12, 12), bool)
    first[2:10, 2:10, 2:10] = True
    second[4:12, 2:10, 2:10] = True

    assert Overlap.of(first, second).dice == pytest.approx(0.75)


def test_overlaps_add_up_slice_by_slice():
    random = np.random.default_rng(5)
    first, second = random.random((2, 6, 16, 16)) > 0.6

    slices = (Overlap.of(one, other) for one, other in zip(first, second, strict=True))

    assert sum(slices, Overlap()) == Overlap.of(first, second)


@pytest.mark.parametrize(
    ("overlap", "dice"), [(Overlap(), 1), (Overlap(5, 0, 0), 0), (Overlap(4, 4, 4), 1)]
)
def test_dice_where_something_is_empty_or_all_is_equal(overlap, dice):
    assert overlap.dice == dice


def test_bias_and_limits_of_agreement():
    found = BlandAltman.of([(10, 11), (20, 23), (30, 31), (40, 43)])  # 1, 3, 1, 3

    assert (found.pairs, found.bias) == (4, 2)
    assert found.deviation == pytest.approx((4 / 3) ** 0.5)
    assert found.limits == pytest.approx((2 - 1.96 * 1.154701, 2 + 1.96 * 1.154701), abs=1e-5)


def test_one_pair_has_a_bias_and_no_limits():
    found = BlandAltman.of([(10, 12.5)])

    assert (found.bias, found.deviation, found.limits) == (2.5, None, None)


def test_kappa_of_a_two_by_two_table():
    """50 grant proposals that two readers judge, 20 + 5 + 10 + 15: kappa is 0.4."""
    table = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    pairs = [pair for pair, count in table.items() for _ in range(count)]

    found = Kappa.of(pairs)

    assert (found.pairs, found.agreement) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_kappa_is_negative_where_two_always_differ():
    assert Kappa.of([("yes", "no"), ("no", "yes")]).kappa == pytest.approx(-1)


def test_kappa_says_nothing_where_all_is_the_same():
    assert Kappa.of([("no", "no")] * 7) == Kappa(7, 1.0, None)
