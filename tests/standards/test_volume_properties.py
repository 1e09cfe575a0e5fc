"""Any order of the instances, any direction of the planes: the same volume, in its place."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from standards.modality_values import modality_values
from standards.volume import Volume, reorder, volume_of

SHAPE = (4, 6)  # rows, columns
angles = st.floats(-np.pi, np.pi)
steps = st.floats(0.3, 6.0)
millimetres = st.floats(-500, 500)


def rotation(a: float, b: float, c: float) -> np.ndarray:
    """Rotations about z, y and x: columns are the directions along a row, a column, the normal."""
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return about_z @ about_y @ about_x


def series(axes: np.ndarray, spacing: tuple[float, ...], origin: np.ndarray, count: int):
    """Slices along the normal; spacing of slices, rows and columns in mm."""
    between, row_step, column_step = spacing
    slices = []
    for k in range(count):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = f"1.2.{k}", "1.3", "1.4"
        ds.Modality, ds.PatientID = "MR", "P"
        ds.ImagePositionPatient = _decimals(origin + axes[:, 2] * between * k)
        ds.ImageOrientationPatient = _decimals(axes[:, :2].T.ravel())
        ds.PixelSpacing = _decimals([row_step, column_step])
        ds.Rows, ds.Columns = SHAPE
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        pixels = np.arange(24).reshape(SHAPE) * (k + 1)
        ds.PixelData = pixels.astype("<i2").tobytes()
        slices.append(ds)
    return slices


def _decimals(values) -> list[str]:
    return [format_number_as_ds(float(value)) for value in values]


@cache
def sound() -> tuple[list[Dataset], Volume]:
    slices = series(rotation(0.3, -0.2, 1.1), (2.5, 0.7, 0.9), np.array([10.0, -20, 30]), 40)
    return slices, volume_of(slices)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(40)))
def test_any_order_of_the_instances_gives_the_same_volume(order):
    slices, expected = sound()
    volume = volume_of([slices[n] for n in order])
    np.testing.assert_array_equal(volume.voxels, expected.voxels)
    np.testing.assert_array_equal(volume.affine, expected.affine)
    assert [one.SOPInstanceUID for one in volume.instances] == [
        one.SOPInstanceUID for one in expected.instances
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(angles, angles, angles),
    st.tuples(steps, steps, steps),
    st.tuples(millimetres, millimetres, millimetres),
    st.randoms(),
)
def test_the_affine_maps_each_voxel_to_where_its_header_says(turn, spacing, origin, random):
    slices = series(rotation(*turn), spacing, np.array(origin), 5)
    random.shuffle(slices)
    volume = volume_of(slices)
    by_uid = {one.SOPInstanceUID: one for one in slices}
    for k, header in enumerate(volume.instances):
        instance = by_uid[header.SOPInstanceUID]
        np.testing.assert_array_equal(volume.voxels[k], modality_values(instance))
        for row, column in ((0, 0), (SHAPE[0] - 1, 0), (2, SHAPE[1] - 1)):
            found = volume.affine @ (k, row, column, 1)
            np.testing.assert_allclose(found[:3], place(instance, row, column), atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(17)))
def test_planes_are_reordered_in_place(order):
    planes = np.arange(34).reshape(17, 2)
    expected = planes[list(order)]
    reorder(planes, np.array(order))
    np.testing.assert_array_equal(planes, expected)


def place(ds: Dataset, row: int, column: int) -> np.ndarray:
    """Equation C.7.6.2.1-1 of PS3.3, element by element; column is its i, row its j."""
    x, y = ds.ImageOrientationPatient[:3], ds.ImageOrientationPatient[3:]
    row_step, column_step = ds.PixelSpacing
    matrix = np.array(
        [[x[n] * column_step, y[n] * row_step, 0, ds.ImagePositionPatient[n]] for n in range(3)]
        + [[0, 0, 0, 1]],
        dtype=float,
    )
    return (matrix @ (column, row, 0, 1))[:3]
