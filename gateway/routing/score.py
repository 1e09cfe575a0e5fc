"""How well a series that fits suits an input: criterion by criterion, the first that differs
decides. The same headers always score the same."""

from collections.abc import Callable
from dataclasses import dataclass

from ai_models.card import InputSeries
from gateway.routing.eligibility import REGULAR, has_contrast
from standards.geometry import slice_spacing_mm, spacing_deviation
from standards.study import Series


@dataclass(frozen=True, slots=True)
class Point:
    """One criterion: more is better. told: what was found."""

    value: float
    told: str


@dataclass(frozen=True)
class Score:
    """points: in the order of their weight."""

    series: Series
    points: tuple[Point, ...]

    @property
    def rank(self) -> tuple[float | str, ...]:
        """Sorts the best first; the lower series number, then the UID, where all points agree."""
        number = self.series.value("SeriesNumber")
        last = float(number) if isinstance(number, int | float) else float("inf")
        return (*(-point.value for point in self.points), last, self.series.series_instance_uid)

    def before(self, other: "Score") -> str:
        """Why this one comes before another."""
        for mine, theirs in zip(self.points, other.points, strict=True):
            if mine.value != theirs.value:
                return f"{mine.told} before {theirs.told}"
        return "its series number is lower, all else is equal"

    def __str__(self) -> str:
        return ", ".join(point.told for point in self.points)


def score(wanted: InputSeries, series: Series) -> Score:
    points = [point for criterion in _CRITERIA if (point := criterion(wanted, series))]
    return Score(series, tuple(points))


def summary(series: Series) -> str:
    """A series for people: number, slices, spacing, kernel."""
    kernel = series.value("ConvolutionKernel")
    facts = [f"{len(series.headers)} slices"]
    if (spacing := slice_spacing_mm(series.headers)) is not None:
        facts.append(f"{spacing:.2f} mm apart")
    if kernel:
        facts.append(f"kernel {kernel}")
    return f"series {series.value('SeriesNumber', '?')} ({', '.join(facts)})"


def _kernel(wanted: InputSeries, series: Series) -> Point | None:
    if not wanted.prefer_kernel:
        return None
    kernel = str(series.value("ConvolutionKernel", "")).upper()
    best_first = enumerate(wanted.prefer_kernel, start=1)
    choice = next((n for n, start in best_first if kernel.startswith(start.upper())), None)
    if choice is None:
        return Point(-float(len(wanted.prefer_kernel) + 1), f"kernel {kernel or 'unknown'}")
    return Point(-float(choice), f"kernel {kernel} (choice {choice})")


def _contrast(wanted: InputSeries, series: Series) -> Point | None:
    if wanted.prefer_contrast is None:
        return None
    found = has_contrast(series)
    return Point(float(found is wanted.prefer_contrast), f"{found} contrast")


def _original(_wanted: InputSeries, series: Series) -> Point:
    """Value 1 of Image Type (0008,0008), PS3.3 C.7.6.1.1.2."""
    original = str(series.value("ImageType", "")).upper() == "ORIGINAL"
    return Point(float(original), "original images" if original else "derived images")


def _regular(_wanted: InputSeries, series: Series) -> Point:
    deviation = spacing_deviation(series.headers)
    regular = deviation is not None and deviation <= REGULAR
    return Point(float(regular), "regular slices" if regular else "irregular slices")


def _slices(_wanted: InputSeries, series: Series) -> Point:
    return Point(float(len(series.headers)), f"{len(series.headers)} slices")


_CRITERIA: tuple[Callable[[InputSeries, Series], Point | None], ...] = (
    _kernel,
    _contrast,
    _original,
    _regular,
    _slices,
)
