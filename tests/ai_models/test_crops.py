"""Crops: the box around a finding, in voxels and in the patient, up to the edges of the image."""

import numpy as np
import pytest
from pydicom import Dataset

from ai_models.crops import box_of, crop, crop_image
from standards import codes
from standards.errors import StandardsError
from standards.findings import Region, Shape
from standards.images import Image
from standards.volume import Volume
from tests.series import ct_series

SHAPE = (6, 8, 10)
ORIGIN = (-10.0, 20.0, 100.0)


@pytest.fixture
def volume() -> Volume:
    """Slices each 5 mm along z, rows 2 mm along y, columns 1 mm along x."""
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, 5), (0, 2, 0), (1, 0, 0)
    affine[:3, 3] = ORIGIN
    voxels = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return Volume(voxels, affine, tuple(Dataset() for _ in range(SHAPE[0])))


def box(left: float, top: float, right: float, bottom: float, image_index: int = 2) -> Region:
    return Region(Shape.BOX, ((left, top), (right, bottom)), "it", codes.LUNG, image_index)


def in_patient(*points: tuple[float, float, float]) -> Region:
    shape = Shape.POINT if len(points) == 1 else Shape.POLYLINE
    return Region(shape, points, "it", codes.LUNG)


def ends(found: tuple[slice, ...]) -> list[tuple[int, int]]:
    return [(one.start, one.stop) for one in found]


@pytest.mark.parametrize(
    ("region", "margin_mm", "expected"),
    [
        (box(3, 2, 7, 5), 0, [(2, 3), (2, 5), (3, 7)]),
        (box(3.4, 2.9, 6.1, 4.1), 0, [(2, 3), (2, 5), (3, 7)]),
        (box(3, 2, 7, 5), 2, [(1, 4), (1, 6), (1, 9)]),
        (box(0, 0, 10, 8), 0, [(2, 3), (0, 8), (0, 10)]),
        (box(0, 0, 10, 8), 100, [(0, 6), (0, 8), (0, 10)]),
        (box(-5, -5, 1, 1), 0, [(2, 3), (0, 1), (0, 1)]),
        (in_patient(ORIGIN), 0, [(0, 1), (0, 1), (0, 1)]),
        (in_patient((-7.0, 26.0, 110.0)), 0, [(2, 3), (3, 4), (3, 4)]),
        (in_patient((-7.0, 26.0, 110.0), (-5.0, 28.0, 115.0)), 0, [(2, 4), (3, 5), (3, 6)]),
        (in_patient((-7.0, 26.0, 110.0)), 5, [(1, 4), (0, 7), (0, 9)]),
    ],
)
def test_a_region_in_pixels_or_mm_is_boxed_in_voxels(volume, region, margin_mm, expected):
    assert ends(box_of(volume, region, margin_mm)) == expected


def test_a_mask_is_boxed_from_its_first_voxel_to_its_last(volume):
    mask = np.zeros(SHAPE, bool)
    mask[1, 2, 3] = mask[3, 2, 9] = True

    assert ends(box_of(volume, mask)) == [(1, 4), (2, 3), (3, 10)]


def test_a_crop_is_a_view_that_keeps_every_place_in_the_patient(volume):
    part = crop(volume, box(3, 2, 7, 5), margin_mm=5)

    assert np.shares_memory(part.voxels, volume.voxels)
    assert part.instances == volume.instances[1:4]
    assert part.spacing == volume.spacing
    slices, rows, columns = (one.start for one in box_of(volume, box(3, 2, 7, 5), 5))
    np.testing.assert_allclose(
        part.affine @ [1, 1, 1, 1], volume.affine @ [slices + 1, rows + 1, columns + 1, 1]
    )
    assert volume.affine[:3, 3].tolist() == list(ORIGIN)


@pytest.mark.parametrize(
    "found",
    [
        box(10, 2, 12, 5),
        box(-3, -3, 0, 0),
        box(3, 2, 7, 5, image_index=6),
        in_patient((-100.0, 20.0, 100.0)),
        in_patient((-10.0, 20.0, 130.0)),
    ],
)
def test_a_region_outside_the_volume_is_refused(volume, found):
    with pytest.raises(StandardsError, match="outside the"):
        crop(volume, found)


def test_a_mask_that_marks_nothing_is_refused(volume):
    with pytest.raises(StandardsError, match="marks no voxel; expected one or more"):
        crop(volume, np.zeros(SHAPE, bool))


def test_the_pixels_of_an_image_are_cut_to_the_region_as_far_as_the_image_goes():
    image = Image(ct_series(slices=1, rows=16, columns=20)[0])
    pixels = image.pixels()
    region = box(3.5, 2, 7, 5, image_index=0)

    np.testing.assert_array_equal(crop_image(image, region), pixels[2:5, 3:7])
    np.testing.assert_array_equal(crop_image(image, region, margin=3), pixels[0:8, 0:10])
    np.testing.assert_array_equal(crop_image(image, region, margin=99), pixels)
    with pytest.raises(StandardsError, match="outside"):
        crop_image(image, box(20, 2, 22, 5, image_index=0))
