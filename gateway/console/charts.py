"""Where the marks of a chart lie, for a template to draw as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.comparison.agreement import BlandAltman

WIDTH, HEIGHT = 360.0, 190.0  # of the view box
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 10.0, 24.0  # margins; labels stand in the left and the lower
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled value on an axis. at: its x or y in the view box."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line at y of the view box, and the value it stands for."""

    name: str
    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from low to high along the view box from `start` to `end`, y downward."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """In the middle where all values are one."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        """At round values, evenly; at the only value where all are one."""
        if self.high <= self.low:
            return [Tick(self.place(self.low), f"{self.low:.6g}")]
        step = _round_step((self.high - self.low) / (_MOST_TICKS - 1))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        decimals = max(0, -math.floor(math.log10(step)))
        return [
            Tick(self.place(n * step), f"{n * step:.{decimals}f}") for n in range(first, last + 1)
        ]


@dataclass(frozen=True, slots=True)
class Plot:
    """dots: (x, y) in the view box, y downward."""

    dots: Sequence[tuple[float, float]]
    lines: Sequence[Line]
    x: Axis
    y: Axis


DICE = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)  # horizontal


def bland_altman(points: Sequence[tuple[float, float]], agreement: BlandAltman) -> Plot:
    """Difference of the second from the first over the mean of both."""
    means = [(first + second) / 2 for first, second in points]
    differences = [second - first for first, second in points]
    lines = {"bias": agreement.bias, "none": 0.0}
    if agreement.limits is not None:
        lines |= {"lower limit": agreement.limits[0], "upper limit": agreement.limits[1]}
    heights = [*differences, *lines.values()]
    x = Axis(min(means), max(means), LEFT, WIDTH - RIGHT)
    y = Axis(min(heights), max(heights), HEIGHT - BOTTOM, TOP)
    dots = [(x.place(a), y.place(b)) for a, b in zip(means, differences, strict=True)]
    return Plot(dots, [Line(name, y.place(at), at) for name, at in lines.items()], x, y)


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
