"""The labels of a chart's axes are round values, each at its place."""

import pytest

from gateway.console.charts import Axis


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3.2, 7.1, ["0", "5"]),
        (0.0012, 0.0031, ["0.0015", "0.0020", "0.0025", "0.0030"]),
        (120_000, 480_000, ["200000", "300000", "400000"]),
        (4.25, 4.25, ["4.25"]),
    ],
)
def test_ticks_are_round_and_within_the_values(low, high, labels):
    assert [tick.label for tick in Axis(low, high, 0, 100).ticks] == labels


def test_a_tick_stands_where_a_dot_of_its_value_does():
    upward = Axis(0, 10, 190, 10)
    assert [(tick.at, tick.label) for tick in upward.ticks][1] == (upward.place(2), "2")
    assert upward.place(2) == 154
