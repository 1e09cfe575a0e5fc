"""Secondary Capture: what a viewer without AI support shows (SC-58, 59, 62, 70)."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from standards.derived import part10
from standards.errors import MissingFinding, StandardsError
from standards.findings import KeyImage, LabelMap
from standards.key_image import key_image
from standards.volume import volume_of
from tests import judges
from tests.series import (
    COLUMNS,
    KEY_SLICE,
    LEFT,
    RIGHT,
    ROWS,
    ct_series,
    key_pixels,
    label_map,
    measurements,
    small_result,
)
from tests.shared_data import shared_data

WIDTH = 512


def _made(instances=None, **options) -> Dataset:
    instances = instances or ct_series()
    result = small_result(instances, **options)
    return dcmread(BytesIO(part10(key_image(result, key_pixels(result, instances)))))


def test_the_picture_is_the_windowed_slice_with_tinted_structures():
    pixels = _made().pixel_array
    step = WIDTH // COLUMNS
    shown = pixels[step // 2 :: step, step // 2 :: step].astype(int)
    mask = label_map().voxels[KEY_SLICE]

    assert pixels.shape == (ROWS * step, WIDTH, 3)
    tissue = shown[80, 64]  # 40 HU, outside and away from text
    np.testing.assert_allclose(tissue, round(255 * (40 + 600.5) / 1499 + 127.5), atol=1)
    lung = 255 * ((200 - 1024 + 600.5) / 1499 + 0.5)
    for number, structure in ((1, RIGHT), (2, LEFT)):
        row, column = np.argwhere(mask == number).mean(axis=0).astype(int)
        expected = 0.75 * lung + 0.25 * np.array(structure.colour)
        np.testing.assert_allclose(shown[row, column], expected, atol=2)


def test_outlines_are_drawn_in_the_colour_of_the_structure():
    pixels = _made().pixel_array
    step = WIDTH // COLUMNS
    for number, structure in ((1, RIGHT), (2, LEFT)):
        rows, columns = np.nonzero(label_map().voxels[KEY_SLICE] == number)
        middle = int(rows.mean())
        left = int(columns[rows == middle].min()) * step
        edge = pixels[middle * step, left - 2 : left + 2].astype(int)
        assert (np.abs(edge - structure.colour).max(axis=1) < 10).any()


def test_the_picture_says_that_it_is_not_for_diagnosis():
    corner = _made().pixel_array[:35, :250].astype(int)
    yellow = (corner[..., 0] > 200) & (corner[..., 1] > 200) & (corner[..., 2] < 80)

    assert yellow.sum() > 300  # strokes of the text; the slice itself is grey
    rows = np.flatnonzero(yellow.any(axis=1))
    assert np.ptp(rows) >= 12  # letters that can be read at 512 pixels


def test_the_header_says_what_was_done_to_which_slice():
    result = small_result()
    source = result.analysis.source[KEY_SLICE]

    picture = _made()

    assert picture.SOPClassUID.name == "Secondary Capture Image Storage"
    assert picture.BurnedInAnnotation == "YES"
    assert picture.ConversionType == "WSD"
    assert picture.ImageType == ["DERIVED", "SECONDARY"]
    assert picture.PhotometricInterpretation == "RGB"
    assert "Lung CT 1.2.0" in picture.DerivationDescription
    (reference,) = picture.SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert picture.SeriesDescription == "AI Lung CT key image"
    assert picture.DateOfSecondaryCapture == "20260304"
    assert len(picture.ContributingEquipmentSequence) == 1


def test_the_picture_lies_where_its_slice_lies():
    source = small_result().analysis.source[KEY_SLICE]

    picture = _made()

    step = WIDTH // COLUMNS
    assert picture.FrameOfReferenceUID == source.FrameOfReferenceUID
    np.testing.assert_allclose(np.array(picture.PixelSpacing) * step, source.PixelSpacing)
    corners = [
        np.array(ds.ImagePositionPatient) - 0.5 * np.array([*reversed(ds.PixelSpacing), 0])
        for ds in (picture, source)
    ]
    np.testing.assert_allclose(corners[0], corners[1])
    assert picture.PatientOrientation == ["L", "P"]


def test_a_turned_slice_says_where_its_rows_and_columns_lead():
    def coronal(k):
        return {"ImageOrientationPatient": [-1, 0, 0, 0, 0, -1], "ImagePositionPatient": [0, k, 0]}

    instances = ct_series()
    for k, instance in enumerate(instances):
        for keyword, value in coronal(float(k)).items():
            setattr(instance, keyword, value)

    assert _made(instances).PatientOrientation == ["R", "F"]


def test_lossy_compression_of_the_source_is_not_forgotten(tmp_path: Path):
    lossy = {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": 12,
        "LossyImageCompressionMethod": "ISO_10918_1",
    }
    picture = _made(ct_series(**lossy))
    path = tmp_path / "sc.dcm"
    path.write_bytes(part10(picture))

    assert {keyword: picture[keyword].value for keyword in lossy} == lossy
    assert judges.dciodvfy(path) == []


def test_judges_have_no_complaint(tmp_path: Path):
    instances = ct_series()
    result = small_result(instances)
    made, source = tmp_path / "sc.dcm", tmp_path / "source.dcm"
    made.write_bytes(part10(key_image(result, key_pixels(result, instances))))
    source.write_bytes(part10(instances[KEY_SLICE]))

    assert judges.dciodvfy(made) == []
    assert judges.dcentvfy([made], [source]) == []


def test_a_real_ct_keeps_its_size(tmp_path: Path):
    folder = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    source = sorted(folder.glob("*.dcm"))
    volume = volume_of([dcmread(path) for path in source])
    found = [
        LabelMap((volume.voxels < -600).astype(np.uint8), (RIGHT,)),
        KeyImage(30, -600, 1500),
    ]
    result = small_result(volume.instances, found)
    path = tmp_path / "sc.dcm"
    path.write_bytes(part10(key_image(result, volume.voxels[30])))

    picture = dcmread(path)
    assert (picture.Rows, picture.Columns) == (512, 512)
    assert picture.ImagePositionPatient == volume.instances[30].ImagePositionPatient
    assert judges.dciodvfy(path, source[0]) == []
    assert judges.dcentvfy([path], source) == []


def test_the_same_result_writes_the_same_bytes():
    first, second = (hashlib.sha256(part10(_made())).digest() for _ in range(2))

    assert first == second


def test_refuses_what_it_cannot_draw():
    with pytest.raises(MissingFinding, match="a key image"):
        key_image(small_result(found=[label_map(), *measurements()]), np.zeros((ROWS, COLUMNS)))
    with pytest.raises(StandardsError, match=r"shape \(3, 3\)"):
        key_image(small_result(), np.zeros((3, 3)))
