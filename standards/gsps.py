"""Outlines, marks and names on images as Softcopy Presentation States."""

from collections.abc import Collection, Iterator, Sequence

from highdicom.pr import ColorSoftcopyPresentationState, GrayscaleSoftcopyPresentationState
from pydicom import Dataset

from standards.analysis import Analysis, Result
from standards.derived import finish, maker_of, series_of
from standards.errors import MissingFinding
from standards.findings import Region
from standards.graphics import Drawings
from standards.icc import srgb_profile
from standards.images import GRAYSCALE
from standards.region import check_places
from standards.seg import check_shape
from standards.source_images import placed_images, source_images
from standards.voi import window, window_of

SERIES_NUMBER = 9003

State = GrayscaleSoftcopyPresentationState | ColorSoftcopyPresentationState

# In what images must be alike to share a state: it says displayed area and Modality LUT once.
_LOOK = (
    "Rows",
    "Columns",
    "PixelSpacing",
    "PhotometricInterpretation",
    "ICCProfile",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
)


def presentation_states(result: Result) -> Iterator[State]:
    """Every state of a result, all in one series: of the key slice, then of images with regions.

    Raises as presentation_state does, and StandardsError for a region outside its image.
    """
    findings, first = result.findings, 1
    if findings.key_image is not None:
        yield presentation_state(result)
        first = 2
    images = source_images(result.analysis.instances)
    check_places(findings.regions, images)
    others = [index for index in _marked(result) if index != _key_index(result)]
    for number, indices in enumerate(_alike(result.analysis, others), start=first):
        yield _state_of_regions(result, {index: images[index] for index in indices}, number)


def presentation_state(result: Result) -> State:
    """Write how to look at the key slice: its window, and what was found on it.

    Every structure that is marked on it has an outline and a label, in a layer of its own; so has
    every region. One more layer says who drew them.
    Raises MissingFinding without a key image, SourceMismatch if voxels and source differ in
    slices, rows or columns. Follows PS3.3 A.33.1, C.10.5, C.10.7 and C.11.8.
    """
    analysis, labels, key = result.analysis, result.findings.label_map, result.findings.key_image
    if key is None or labels is None:
        raise MissingFinding("a presentation state", "a key image with a label map")
    images = placed_images(analysis.instances)
    check_shape(labels.voxels, images)
    image = images[key.slice_index]
    drawings = Drawings(analysis)
    drawings.add_notice([image])
    drawings.add_structures(labels, key.slice_index, image)
    drawings.add_regions(_regions_on(result, [key.slice_index]), {key.slice_index: image})
    dataset = _state(analysis, [image], drawings, 1)
    dataset.SoftcopyVOILUTSequence = [window(key.window_center, key.window_width)]
    return dataset


def _state_of_regions(result: Result, images: dict[int, Dataset], number: int) -> State:
    """What lies on these images, which look alike: PS3.3 A.33.1, or A.33.2 for colour."""
    analysis = result.analysis
    drawings = Drawings(analysis)
    drawings.add_notice(list(images.values()))
    drawings.add_regions(_regions_on(result, images), images)
    dataset = _state(analysis, list(images.values()), drawings, number)
    headers = [analysis.source[index] for index in images]
    if isinstance(dataset, ColorSoftcopyPresentationState):
        return dataset
    windows = [item for header in headers if (item := window_of(header)) is not None]
    if windows:
        dataset.SoftcopyVOILUTSequence = windows
    if headers[0].get("ModalityLUTSequence"):
        dataset.ModalityLUTSequence = headers[0].ModalityLUTSequence
    return dataset


def _key_index(result: Result) -> int | None:
    return result.findings.key_image.slice_index if result.findings.key_image else None


def _marked(result: Result) -> list[int]:
    """The images that a region lies on."""
    found = {region.image_index for region in result.findings.regions}
    return sorted(index for index in found if index is not None)


def _regions_on(result: Result, indices: Collection[int]) -> list[tuple[int, Region]]:
    regions = enumerate(result.findings.regions, start=1)
    return [(number, region) for number, region in regions if region.image_index in indices]


def _alike(analysis: Analysis, indices: Sequence[int]) -> list[list[int]]:
    """Images in groups, each of which one state can show; a multi-frame image goes alone."""
    groups: dict[str, list[int]] = {}
    for index in indices:
        header = analysis.source[index]
        look = [str(header.get(keyword)) for keyword in _LOOK]
        if _is_multi_frame(header) or header.get("ModalityLUTSequence"):
            look.append(str(index))
        groups.setdefault("|".join(look), []).append(index)
    return list(groups.values())


def _state(analysis: Analysis, images: list[Dataset], drawings: Drawings, number: int) -> State:
    first = images[0]
    common = {
        **series_of(analysis, "presentation state", SERIES_NUMBER, number),
        **maker_of(analysis),
        "content_label": "AI_FINDINGS",
        "graphic_layers": drawings.layers,
        "graphic_annotations": drawings.annotations,
    }
    if first.PhotometricInterpretation in GRAYSCALE:
        dataset = GrayscaleSoftcopyPresentationState([_readable(i) for i in images], **common)
        if first.PhotometricInterpretation == "MONOCHROME1":
            dataset.PresentationLUTShape = "INVERSE"
    else:
        coloured = [_readable(image, samples=3) for image in images]
        dataset = ColorSoftcopyPresentationState(coloured, **common, icc_profile=srgb_profile())
        if first.get("ICCProfile"):  # of whatever class; highdicom refuses those of displays
            dataset.ICCProfile = first.ICCProfile
    _keep_pixel_shape(dataset, first)
    finish(dataset, analysis, "presentation")
    return dataset


def _is_multi_frame(image: Dataset) -> bool:
    return int(image.get("NumberOfFrames") or 1) > 1


def _readable(image: Dataset, samples: int = 1) -> Dataset:
    """The image as highdicom wants to find it, which looks for values in functional groups.

    samples: 3 for colours of a palette too, which may be shown by a colour state.
    """
    image.SamplesPerPixel = samples
    image.SharedFunctionalGroupsSequence = [Dataset()]
    image.PerFrameFunctionalGroupsSequence = []
    return image


def _keep_pixel_shape(dataset: Dataset, image: Dataset) -> None:
    """Say how large pixels are, where highdicom says that they are square (PS3.3 C.10.4)."""
    (area,) = dataset.DisplayedAreaSelectionSequence
    if all(step > 0 for step in image.get("PixelSpacing", [0])):  # some scanners write 0
        del area.PresentationPixelAspectRatio
        area.PresentationPixelSpacing = image.PixelSpacing
    elif image.get("PixelAspectRatio"):
        area.PresentationPixelAspectRatio = image.PixelAspectRatio
