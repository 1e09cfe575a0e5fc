"""Where the marks of a chart lie, for a template to draw as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.comparison.agreement import BlandAltman

WIDTH, HEIGHT, MARGIN = 360.0, 180.0, 12.0  # of the view box


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line at y of the view box, and the value it stands for."""

    name: str
    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Plot:
    """dots: (x, y) in the view box, y downward. low, high: values at the ends of the x axis."""

    dots: Sequence[tuple[float, float]]
    lines: Sequence[Line]
    low: float
    high: float


def bland_altman(points: Sequence[tuple[float, float]], agreement: BlandAltman) -> Plot:
    """Difference of the second from the first over the mean of both."""
    means = [(first + second) / 2 for first, second in points]
    differences = [second - first for first, second in points]
    lines = {"bias": agreement.bias, "none": 0.0}
    if agreement.limits is not None:
        lines |= {"lower limit": agreement.limits[0], "upper limit": agreement.limits[1]}
    heights = [*differences, *lines.values()]
    ends = min(heights), max(heights)

    def y(value: float) -> float:
        return HEIGHT - _placed(value, *ends, HEIGHT)

    low, high = min(means), max(means)
    dots = [
        (_placed(mean, low, high, WIDTH), y(difference))
        for mean, difference in zip(means, differences, strict=True)
    ]
    return Plot(dots, [Line(name, y(value), value) for name, value in lines.items()], low, high)


def _placed(value: float, low: float, high: float, length: float) -> float:
    """Within the margins; in the middle where all values are one."""
    share = (value - low) / (high - low) if high > low else 0.5
    return round(MARGIN + share * (length - 2 * MARGIN), 1)
