"""Whether a series can serve as an input of a model's card at all, or the first reason why not."""

from collections.abc import Callable, Sequence

from ai_models.card import Contrast, InputSeries
from standards.geometry import orientation, slice_spacing_mm, spacing_deviation
from standards.study import Series, value, values

REGULAR = 0.05  # deviation of gaps between slices that rounding of positions explains

# PS3.4 B.5: Secondary Capture and its multi-frame kin.
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Conversion Type (0008,0064), PS3.3 C.8.6.1: not from the detector, but drawn or caught from screen
_PICTURES = {"DRW": "a drawing", "SD": "a scanned document", "WSD": "a screenshot"}


def why_not(wanted: InputSeries, series: Series) -> str | None:
    """The first reason why a series cannot serve as this input, or None."""
    return next((reason for test in _TESTS if (reason := test(wanted, series))), None)


def has_contrast(series: Series) -> Contrast:
    told = series.value("ContrastBolusAgent") or series.value("ContrastBolusAgentSequence")
    return Contrast.WITH if told else Contrast.WITHOUT


def _modality(wanted: InputSeries, series: Series) -> str | None:
    return _one_of("Modality", wanted.modality, series)


def _sop_class(wanted: InputSeries, series: Series) -> str | None:
    return _one_of("SOPClassUID", wanted.sop_class_uid, series)


def _secondary_capture(wanted: InputSeries, series: Series) -> str | None:
    found = str(series.value("SOPClassUID", ""))
    if found in wanted.sop_class_uid:
        return None
    if found == _SECONDARY_CAPTURE or found.startswith(f"{_SECONDARY_CAPTURE}."):
        return "it is a secondary capture"
    picture = _PICTURES.get(str(series.value("ConversionType", "")))
    return f"it is {picture}" if picture else None


def _image_type(wanted: InputSeries, series: Series) -> str | None:
    found = {str(value).upper() for value in values(series.first, "ImageType")}
    bad = sorted(found & {value.upper() for value in wanted.image_type_excludes})
    return f"ImageType has {', '.join(bad)}" if bad else None


def _derivation(wanted: InputSeries, series: Series) -> str | None:
    return _excluded("DerivationDescription", wanted.derivation_excludes, series)


def _description(wanted: InputSeries, series: Series) -> str | None:
    if bad := _excluded("SeriesDescription", wanted.description_excludes, series):
        return bad
    found = str(series.value("SeriesDescription", "")).casefold()
    words = wanted.description_includes
    if not words or any(word.casefold() in found for word in words):
        return None
    return f"SeriesDescription contains none of {', '.join(words)}"


def _body_part(wanted: InputSeries, series: Series) -> str | None:
    if series.value("BodyPartExamined") in (None, ""):
        return None  # an unstated region is the model's to judge from the pixels
    return _one_of("BodyPartExamined", wanted.body_part_examined, series)


def _contrast(wanted: InputSeries, series: Series) -> str | None:
    if wanted.contrast is None or wanted.contrast is has_contrast(series):
        return None
    return f"it is {has_contrast(series)} contrast, expected {wanted.contrast}"


def _count(wanted: InputSeries, series: Series) -> str | None:
    count = len(series.headers)
    if wanted.minimum_slices <= count <= wanted.maximum_slices:
        return None
    return f"{count} image(s), expected {wanted.minimum_slices} to {wanted.maximum_slices}"


def _orientation(wanted: InputSeries, series: Series) -> str | None:
    if wanted.orientation is None:
        return None
    found = {orientation(header) for header in series.headers}
    if found == {wanted.orientation}:
        return None
    told = ", ".join(sorted(str(one or "unknown") for one in found))
    return f"orientation is {told}"  # several in one series are what a localizer has


def _spacing(wanted: InputSeries, series: Series) -> str | None:
    limit = wanted.maximum_slice_spacing_mm
    if limit is None:
        return None
    found = slice_spacing_mm(series.headers)
    if found is None:
        return "slice spacing is unknown"
    return f"slice spacing is {found:.2f} mm, at most {limit:g} mm" if found > limit else None


def _regularity(wanted: InputSeries, series: Series) -> str | None:
    if not wanted.regular_spacing:
        return None
    found = spacing_deviation(series.headers)
    if found is None:
        return "slice spacing is unknown"
    if found <= REGULAR:
        return None
    return f"a gap between slices differs by {found:.0%} from the others, at most {REGULAR:.0%}"


def _thickness(wanted: InputSeries, series: Series) -> str | None:
    limit = wanted.maximum_slice_thickness_mm
    if limit is None:
        return None
    found = value(series.first, "SliceThickness")
    if not isinstance(found, int | float):
        return "slice thickness is unknown"
    return f"slices are {found:g} mm thick, at most {limit:g} mm" if found > limit else None


_TESTS: tuple[Callable[[InputSeries, Series], str | None], ...] = (
    _modality,
    _sop_class,
    _secondary_capture,
    _image_type,
    _derivation,
    _description,
    _body_part,
    _contrast,
    _orientation,
    _count,
    _thickness,
    _spacing,
    _regularity,
)


def _one_of(keyword: str, accepted: Sequence[str], series: Series) -> str | None:
    found = str(series.value(keyword, "")).upper()
    if not accepted or found in {value.upper() for value in accepted}:
        return None
    return f"{keyword} is {found or 'absent'}, expected {' or '.join(accepted)}"


def _excluded(keyword: str, words: Sequence[str], series: Series) -> str | None:
    found = str(series.value(keyword, "")).casefold()
    bad = next((word for word in words if word.casefold() in found), None)
    return f"{keyword} contains {bad!r}" if bad else None
