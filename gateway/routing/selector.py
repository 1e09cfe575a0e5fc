"""Which series a model gets: the selector of its card, with a reason for every other series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ai_models.card import InputSeries
from standards.geometry import orientation, slice_spacing_mm
from standards.study import Series, values


@dataclass(frozen=True)
class Selection:
    """chosen: None when no series fits. because: why the chosen one beat the others.

    passed_over: Series Instance UID -> reason. rivals: how many others fitted as well.
    """

    chosen: Series | None
    because: str = ""
    passed_over: dict[str, str] = field(default_factory=dict)
    rivals: int = 0


def select(wanted: InputSeries, candidates: Sequence[Series]) -> Selection:
    """Pick the one best series for an input of a card; the same study always gives the same."""
    passed_over = {
        series.series_instance_uid: reason
        for series in candidates
        if (reason := why_not(wanted, series)) is not None
    }
    eligible = sorted(
        (series for series in candidates if series.series_instance_uid not in passed_over),
        key=lambda series: _rank(wanted, series),
    )
    if not eligible:
        return Selection(None, passed_over=passed_over)
    best, *rivals = eligible
    for rival in rivals:
        passed_over[rival.series_instance_uid] = f"fits, but {_because(wanted, best)} was preferred"
    return Selection(best, _because(wanted, best), passed_over, len(rivals))


def why_not(wanted: InputSeries, series: Series) -> str | None:
    """The first reason why a series cannot serve as this input, or None."""
    return next((reason for test in _TESTS if (reason := test(wanted, series))), None)


def _modality(wanted: InputSeries, series: Series) -> str | None:
    return _one_of("Modality", wanted.modality, series)


def _sop_class(wanted: InputSeries, series: Series) -> str | None:
    return _one_of("SOPClassUID", wanted.sop_class_uid, series)


def _image_type(wanted: InputSeries, series: Series) -> str | None:
    found = {str(value).upper() for value in values(series.first, "ImageType")}
    bad = sorted(found & {value.upper() for value in wanted.image_type_excludes})
    return f"ImageType has {', '.join(bad)}" if bad else None


def _description(wanted: InputSeries, series: Series) -> str | None:
    found = str(series.value("SeriesDescription", "")).casefold()
    bad = next((w for w in wanted.description_excludes if w.casefold() in found), None)
    return f"SeriesDescription contains {bad!r}" if bad else None


def _body_part(wanted: InputSeries, series: Series) -> str | None:
    if series.value("BodyPartExamined") in (None, ""):
        return None  # an unstated region is the model's to judge from the pixels
    return _one_of("BodyPartExamined", wanted.body_part_examined, series)


def _count(wanted: InputSeries, series: Series) -> str | None:
    count = len(series.headers)
    if wanted.minimum_slices <= count <= wanted.maximum_slices:
        return None
    return f"{count} image(s), expected {wanted.minimum_slices} to {wanted.maximum_slices}"


def _orientation(wanted: InputSeries, series: Series) -> str | None:
    if wanted.orientation is None:
        return None
    found = orientation(series.first)
    return None if found == wanted.orientation else f"orientation is {found or 'unknown'}"


def _spacing(wanted: InputSeries, series: Series) -> str | None:
    limit = wanted.maximum_slice_spacing_mm
    if limit is None:
        return None
    found = slice_spacing_mm(series.headers)
    if found is None:
        return "slice spacing is unknown"
    return f"slice spacing is {found:.2f} mm, at most {limit:g} mm" if found > limit else None


_TESTS: tuple[Callable[[InputSeries, Series], str | None], ...] = (
    _modality,
    _sop_class,
    _image_type,
    _description,
    _body_part,
    _orientation,
    _count,
    _spacing,
)


def _one_of(keyword: str, accepted: Sequence[str], series: Series) -> str | None:
    found = str(series.value(keyword, "")).upper()
    if not accepted or found in {value.upper() for value in accepted}:
        return None
    return f"{keyword} is {found or 'absent'}, expected {' or '.join(accepted)}"


def _rank(wanted: InputSeries, series: Series) -> tuple[int, int, float, str]:
    number = series.value("SeriesNumber")
    return (
        _kernel_rank(wanted, series),
        -len(series.headers),
        float(number) if number is not None else float("inf"),
        series.series_instance_uid,
    )


def _kernel_rank(wanted: InputSeries, series: Series) -> int:
    kernel = str(series.value("ConvolutionKernel", "")).upper()
    return next(
        (n for n, start in enumerate(wanted.prefer_kernel) if kernel.startswith(start.upper())),
        len(wanted.prefer_kernel),
    )


def _because(wanted: InputSeries, series: Series) -> str:
    kernel = series.value("ConvolutionKernel")
    facts = [f"{len(series.headers)} slices"]
    if (spacing := slice_spacing_mm(series.headers)) is not None:
        facts.append(f"{spacing:.2f} mm apart")
    if kernel:
        facts.append(f"kernel {kernel}")
    return f"series {series.value('SeriesNumber', '?')} ({', '.join(facts)})"
