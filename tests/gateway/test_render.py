"""Rendered images and thumbnails: what a person sees, pixel by pixel where it can be said."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage, SegmentationStorage

from gateway.render import InvalidRendering, Rendering, parse_rendering, render
from gateway.retrieve.errors import UnusablePixelData
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.index_helper import Gateway, written

STUDY = "2.25.300"
ROWS, COLUMNS = 20, 30


def _image(series: int = 1, number: int = 1, **attributes: object) -> Dataset:
    """A ramp of stored values 0, 10, 20 ... along the columns; HU = value - 100."""
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, f"{STUDY}.{series}"
    ds.SOPInstanceUID = f"{STUDY}.{series}.{number}"
    ds.PatientID, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "P", "CT", series, number
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -100
    ds.PixelData = np.tile(np.arange(COLUMNS, dtype="<u2") * 10, (ROWS, 1)).tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _shown(ds: Dataset, query: dict[str, str] | None = None, number: int = 1) -> np.ndarray:
    pixels = StoredPixels(written(ds), ds.SOPInstanceUID)
    picture = render(pixels, number, "image/png", parse_rendering(query or {}))
    return np.asarray(Image.open(BytesIO(picture)))


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


HU = np.arange(COLUMNS) * 10.0 - 100


def _linear(center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written as the standard writes it."""
    y = ((HU - (center - 0.5)) / (width - 1) + 0.5) * 255
    y[center - 0.5 - (width - 1) / 2 >= HU] = 0
    y[center - 0.5 + (width - 1) / 2 < HU] = 255
    return y


def test_the_window_of_the_header_is_applied_to_modality_values():
    shown = _shown(_image(WindowCenter=[20, 500], WindowWidth=[100, 10]))

    np.testing.assert_allclose(shown[0], _linear(20, 100), atol=0.51)


def test_a_window_asked_for_goes_before_that_of_the_header():
    ds = _image(WindowCenter=20, WindowWidth=100)

    np.testing.assert_allclose(_shown(ds, {"window": "50,80"})[3], _linear(50, 80), atol=0.51)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("linear", _linear(50, 80)),
        ("linear-exact", np.clip((HU - 50) / 80 + 0.5, 0, 1) * 255),
        ("sigmoid", 255 / (1 + np.exp(-4 * (HU - 50) / 80))),
    ],
)
def test_each_voi_function_follows_its_formula(function, expected):
    shown = _shown(_image(), {"window": f"50,80,{function}"})

    np.testing.assert_allclose(shown[0], expected, atol=0.51)


def test_without_a_window_the_whole_range_is_shown():
    np.testing.assert_allclose(_shown(_image())[0], np.linspace(0, 255, COLUMNS), atol=0.51)


def test_an_image_of_one_value_is_shown_without_a_fault():
    assert _shown(_image(PixelData=bytes(ROWS * COLUMNS * 2))).max() == 0


def test_monochrome1_is_shown_inverted():
    plain, inverted = _shown(_image()), _shown(_image(PhotometricInterpretation="MONOCHROME1"))

    np.testing.assert_allclose(255 - plain.astype(int), inverted, atol=1)


def test_a_voi_lut_is_applied():
    lut = _item()
    lut.add_new("LUTDescriptor", "US", [256, 0, 8])
    lut.add_new("LUTData", "OW", np.arange(255, -1, -1, dtype="<u2").tobytes())
    ds = _image(RescaleIntercept=0, VOILUTSequence=[lut])

    assert _shown(ds)[0, :4].tolist() == [255, 245, 235, 225]


def test_display_attributes_that_make_no_sense_are_said_to():
    lut = _item()
    lut.add_new("LUTDescriptor", "US", [256, 0, 8])
    lut.add_new("LUTData", "OW", b"\0\1")

    with pytest.raises(UnusablePixelData, match="how to show"):
        _shown(_image(VOILUTSequence=[lut]))


def test_a_modality_lut_is_applied():
    lut = _item(ModalityLUTType="US")
    lut.add_new("LUTDescriptor", "US", [291, 0, 16])
    lut.add_new("LUTData", "OW", (np.arange(291, dtype="<u2")[::-1]).tobytes())
    shown = _shown(_image(ModalityLUTSequence=[lut]))

    np.testing.assert_allclose(shown[0], np.linspace(255, 0, COLUMNS), atol=0.51)


def test_each_frame_has_its_own_rescale_and_window():
    groups = [
        _item(
            PixelValueTransformationSequence=[_item(RescaleSlope=1, RescaleIntercept=intercept)],
            FrameVOILUTSequence=[_item(WindowCenter=100, WindowWidth=200)],
        )
        for intercept in (0, -100)
    ]
    ds = _image(NumberOfFrames=2, PerFrameFunctionalGroupsSequence=groups)
    del ds.RescaleSlope, ds.RescaleIntercept
    ds.PixelData = ds.PixelData * 2

    first, second = _shown(ds, number=1)[0], _shown(ds, number=2)[0]

    np.testing.assert_array_equal(first[:20], second[10:])


def test_colour_is_shown_as_it_is():
    colour = np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    rgb = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
    by_pixel = _image(PlanarConfiguration=0, PixelData=colour.tobytes(), **rgb, **eight)
    planes = colour.transpose(2, 0, 1).tobytes()
    by_plane = _image(PlanarConfiguration=1, PixelData=planes, **rgb, **eight)

    np.testing.assert_array_equal(_shown(by_pixel), colour)
    np.testing.assert_array_equal(_shown(by_plane), colour)


def test_a_palette_gives_its_colours():
    values = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS) % 4
    ds = _image(
        PhotometricInterpretation="PALETTE COLOR",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=values.tobytes(),
    )
    table = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
    for place, colour in enumerate(("Red", "Green", "Blue")):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [4, 0, 8])
        data = table[:, place].tobytes()
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", data)

    np.testing.assert_array_equal(_shown(ds), table[values])


def test_a_binary_segment_is_white_on_black():
    mask = np.random.default_rng(2).integers(0, 2, (3, ROWS, COLUMNS), np.uint8)
    ds = _image(
        SOPClassUID=SegmentationStorage,
        Modality="SEG",
        SegmentationType="BINARY",
        NumberOfFrames=3,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        PixelData=np.packbits(mask.ravel(), bitorder="little").tobytes(),
    )

    for number in (1, 2, 3):
        np.testing.assert_array_equal(_shown(ds, number=number), mask[number - 1] * 255)


def test_the_viewport_is_filled_without_distortion():
    assert _shown(_image(), {"viewport": "60,60"}).shape == (40, 60)
    assert _shown(_image(), {"viewport": "60,10"}).shape == (10, 15)


def test_a_region_of_the_image_can_be_shown():
    shown = _shown(_image(), {"viewport": "10,10,20,5,10,10", "window": "0,1000"})
    whole = _shown(_image(), {"window": "0,1000"})

    np.testing.assert_array_equal(shown, whole[5:15, 20:30])


@pytest.mark.parametrize(
    "query",
    [
        {"window": "40"},
        {"window": "a,b"},
        {"window": "40,0"},
        {"window": "40,400,cubic"},
        {"window": "40,400,linear,1"},
        {"window": "nan,400"},
        {"viewport": "10"},
        {"viewport": "0,10"},
        {"viewport": "99999,10"},
        {"viewport": "10,10,5"},
        {"viewport": "10,10,-5,0,1,1"},
        {"quality": "0"},
        {"quality": "101"},
        {"quality": "best"},
    ],
)
def test_a_parameter_that_means_nothing_is_refused(query):
    with pytest.raises(InvalidRendering):
        parse_rendering(query)


def test_a_region_outside_the_image_is_refused():
    with pytest.raises(InvalidRendering):
        _shown(_image(), {"viewport": "10,10,500,500,5,5"})


def test_less_quality_is_fewer_bytes():
    noise = np.random.default_rng(3).integers(0, 290, (ROWS, COLUMNS)).astype("<u2").tobytes()
    pixels = StoredPixels(written(_image(PixelData=noise)), "2.25")
    sizes = [len(render(pixels, 1, "image/jpeg", Rendering(quality=q))) for q in (10, 50, 95)]

    assert sizes == sorted(set(sizes))


# --- over HTTP ------------------------------------------------------------------------------------

CLIENT = httpx.Client(timeout=30)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Series 1 is a report, series 2 a CT whose slices grow lighter, series 3 a made-up capture."""
    report = _image(1)
    report.Modality = "SR"
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(report, keyword)
    slices = []
    for number in range(1, 6):
        level = np.full((ROWS, COLUMNS), number * 40, "<u2").tobytes()
        slices.append(_image(2, number, PixelData=level, WindowCenter=0, WindowWidth=256))
    capture = _image(3, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    frames = _image(4, SOPClassUID=SecondaryCaptureImageStorage, NumberOfFrames=2, Modality="OT")
    frames.PixelData = bytes(ROWS * COLUMNS * 2) + capture.PixelData
    gateway = Gateway(tmp_path_factory.mktemp("render"))
    gateway.store(*(written(ds) for ds in (report, *slices, capture, frames)))
    with gateway.serving() as root:
        yield f"{root}/dicom-web/studies/{STUDY}"
    gateway.close()


def _series(number: int, instance: int | None = None) -> str:
    series = f"/series/{STUDY}.{number}"
    return series + (f"/instances/{STUDY}.{number}.{instance}" if instance else "")


def _picture(url: str, accept: str = "") -> Image.Image:
    response = CLIENT.get(url, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    return Image.open(BytesIO(response.content))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/png", "image/png"),
        ("image/gif", "image/gif"),
        ("image/webp, image/png;q=0.8, image/jpeg;q=0.5", "image/png"),
    ],
)
def test_the_wanted_kind_of_picture_is_given(root, accept, media_type):
    response = CLIENT.get(f"{root}{_series(2, 1)}/rendered", headers={"Accept": accept})

    assert response.headers["content-type"] == media_type
    picture = Image.open(BytesIO(response.content))
    assert (picture.get_format_mimetype(), picture.size) == (media_type, (COLUMNS, ROWS))


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "application/dicom+json"])
def test_another_kind_is_refused(root, accept):
    response = CLIENT.get(f"{root}{_series(2, 1)}/rendered", headers={"Accept": accept})

    assert response.status_code == 406
    assert "image/jpeg" in response.json()["detail"]


def test_the_middle_slice_stands_for_its_series(root):
    middle = np.asarray(_picture(f"{root}{_series(2, 3)}/rendered", "image/png"))

    np.testing.assert_array_equal(
        np.asarray(_picture(f"{root}{_series(2)}/rendered", "image/png")), middle
    )


@pytest.mark.parametrize("path", ["", _series(2), _series(2, 2), _series(4, 1) + "/frames/2"])
def test_thumbnails_are_small_jpegs_at_every_level(root, path):
    picture = _picture(f"{root}{path}/thumbnail")

    assert picture.format == "JPEG"
    assert max(picture.size) == 256
    assert _picture(f"{root}{path}/thumbnail?viewport=64,64").size == (64, 43)


def test_the_thumbnail_of_a_study_shows_an_acquired_image(root):
    study = np.asarray(_picture(f"{root}/thumbnail"))

    np.testing.assert_array_equal(study, np.asarray(_picture(f"{root}{_series(2, 3)}/thumbnail")))


def test_the_frame_asked_for_is_shown(root):
    first = np.asarray(_picture(f"{root}{_series(4, 1)}/frames/1/rendered", "image/png"))
    second = np.asarray(_picture(f"{root}{_series(4, 1)}/frames/2/rendered", "image/png"))

    assert first.max() == 0
    assert second.max() == 255


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (_series(1, 1) + "/rendered", 404),
        (_series(1) + "/thumbnail", 404),
        (_series(2, 1) + "/frames/2/rendered", 404),
        (_series(2, 1) + "/frames/0/thumbnail", 404),
        (_series(2, 1) + "/frames/1,2/rendered", 400),
        (_series(2, 1) + "/rendered?window=1", 400),
    ],
)
def test_what_cannot_be_shown_says_why(root, path, status):
    response = CLIENT.get(f"{root}{path}")

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
