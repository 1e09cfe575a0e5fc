"""What the gate refuses of images for themselves, each made to have one fault."""

from copy import deepcopy

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import SecondaryCaptureImageStorage, UltrasoundImageStorage

from ai_models.card import GateRules, InputKind, InputSeries, Laterality, Reaction
from ai_models.gate import examine_images
from standards.errors import UnfitSeries
from standards.images import Image
from tests.pictures import cine, radiograph, ultrasound
from tests.shared_data import shared_data

STRICT = GateRules()
ANYTHING = InputSeries(kind=InputKind.IMAGES)
RADIOGRAPHS = InputSeries(
    kind=InputKind.IMAGES,
    modality=("CR", "DX"),
    body_part_examined=("CHEST",),
    laterality=(Laterality.UNPAIRED,),
)


def told(instances: list[Dataset], wanted: InputSeries = ANYTHING, rules: GateRules = STRICT):
    return examine_images([Image(one) for one in instances], wanted, rules)


def refused(instance: Dataset, wanted: InputSeries = ANYTHING) -> UnfitSeries:
    with pytest.raises(UnfitSeries) as raised:
        told([instance], wanted)
    return raised.value


def with_pixels(instance: Dataset, pixels: np.ndarray) -> Dataset:
    changed = deepcopy(instance)
    changed.Rows, changed.Columns = pixels.shape[:2]
    changed.PixelData = pixels.tobytes()
    return changed


def eight_bits(pixels: np.ndarray) -> Dataset:
    image = radiograph(BitsAllocated=8, BitsStored=8, HighBit=7, Modality="DX")
    return with_pixels(image, pixels.astype(np.uint8))


def in_grey(pixels: np.ndarray, **attributes: object) -> Dataset:
    """An ultrasound image of one sample."""
    image = ultrasound(**attributes)
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    del image.PlanarConfiguration
    return with_pixels(image, pixels.astype(np.uint8))


def disc() -> np.ndarray:
    """Grey levels in a disc on black, (64, 80)."""
    y, x = np.mgrid[:64, :80]
    return np.where(np.hypot(y - 32, x - 40) < 25, 80 + 2 * x, 0)


def screen() -> np.ndarray:
    """A page of writing on grey, (768, 1024)."""
    page = Picture.new("L", (1024, 768), 40)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(16)
    for line in range(20):
        place = (20 + 500 * (line % 2), 30 + 60 * (line // 2))
        draw.text(place, f"Line {line} of a report: 12.3 mm, nothing seen", 255, font)
    return np.asarray(page)


HEADERS = {
    "a dog": ({"PatientSpeciesDescription": "Canine"}, "species", "another species"),
    "a hand": ({"BodyPartExamined": "HAND"}, "body part", "HAND"),
    "the left side": ({"ImageLaterality": "L"}, "laterality", "L"),
    "an ultrasound": ({"Modality": "US"}, "modality", "US"),
    "a capture": (
        {"SOPClassUID": SecondaryCaptureImageStorage, "PresentationLUTShape": None},
        "secondary capture",
        "Secondary Capture Image Storage",
    ),
    "a screenshot by its type": (
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        "secondary capture",
        "SCREEN SAVE",
    ),
    "text burned in": ({"BurnedInAnnotation": "YES"}, "burned in annotation", "YES"),
    "no known interpretation": (
        {"PhotometricInterpretation": "MONOCHROME"},
        "photometric interpretation",
        "MONOCHROME",
    ),
    "colours said of grey": (
        {"PhotometricInterpretation": "RGB", "SOPClassUID": "1.2.3"},
        "photometric interpretation",
        "RGB of 1 samples per pixel",
    ),
    "colours that its class does not have": (
        {"PhotometricInterpretation": "RGB"},
        "photometric interpretation",
        "RGB",
    ),
    "the wrong one of two for its look-up table": (
        {"PhotometricInterpretation": "MONOCHROME2"},
        "photometric interpretation",
        "MONOCHROME2 with Presentation LUT Shape INVERSE",
    ),
}


@pytest.mark.parametrize(("claims", "check", "found"), HEADERS.values(), ids=HEADERS)
def test_refuses_what_the_header_of_a_radiograph_claims(claims, check, found):
    unfit = refused(radiograph(**claims), RADIOGRAPHS)
    assert (unfit.check, unfit.expected != "", found in unfit.found) == (check, True, True)


def test_sound_images_pass_without_a_word():
    assert told([radiograph(1), radiograph(2, ImageLaterality="U")], RADIOGRAPHS) == []
    assert told([ultrasound(), in_grey(disc())]) == []
    assert told([cine()]) == []


def test_ultrasound_that_is_inverted_is_refused():
    unfit = refused(in_grey(255 - disc()))
    assert unfit.check == "photometric interpretation"
    assert unfit.found == "MONOCHROME2 with 100% of its edge bright"
    inverted = in_grey(disc(), SOPClassUID=SecondaryCaptureImageStorage)
    inverted.PhotometricInterpretation = "MONOCHROME1"
    assert refused(inverted).found.startswith("MONOCHROME1 with")


def test_monochrome1_is_no_ultrasound():
    image = in_grey(disc())
    image.PhotometricInterpretation = "MONOCHROME1"
    assert (refused(image).found, image.SOPClassUID) == ("MONOCHROME1", UltrasoundImageStorage)


def test_colours_under_the_wrong_name_are_refused():
    rgb = np.stack([disc(), disc() // 2, disc()], axis=-1).astype(np.uint8)
    ybr = convert_color_space(rgb, "RGB", "YBR_FULL")
    sound = with_pixels(ultrasound(), rgb)
    assert told([sound]) == []
    sound.PhotometricInterpretation = "YBR_FULL"
    assert "YBR_FULL with" in refused(sound).found

    sound = with_pixels(ultrasound(PhotometricInterpretation="YBR_FULL"), ybr)
    assert told([sound]) == []
    grey = convert_color_space(
        np.repeat(disc()[..., None], 3, -1).astype(np.uint8), "RGB", "YBR_FULL"
    )
    unfit = refused(with_pixels(ultrasound(), grey))
    assert (unfit.check, unfit.expected) == ("photometric interpretation", "YBR_FULL")


@pytest.mark.parametrize("signed", [False, True])
def test_values_of_more_bits_than_bits_stored_are_refused(signed):
    pixels = np.tile(np.arange(80, dtype=np.uint16) * 50, (64, 1))
    image = with_pixels(radiograph(PixelRepresentation=int(signed)), pixels)
    assert told([image]) == []
    pixels[5, 5] = 5000
    unfit = refused(with_pixels(image, pixels))
    assert (unfit.check, unfit.found) == ("bits stored", "stored values from 0 to 5000")
    assert unfit.expected == "values of 12 bits, as Bits Stored says"


def test_an_overlay_in_the_bits_above_is_none_of_the_values():
    pixels = np.tile(np.arange(80, dtype=np.uint16) * 50, (64, 1))
    pixels[5, 5] |= 1 << 12
    image = with_pixels(radiograph(), pixels)
    image.add_new(0x60000102, "US", 12)
    assert told([image]) == []


def test_images_of_one_value_are_refused_together_and_told_of_alone():
    empty = with_pixels(radiograph(2), np.full((64, 80), 7, np.uint16))
    unfit = refused(empty)
    assert (unfit.check, unfit.found) == ("constant image", "one value in all of every image")
    (caveat,) = told([radiograph(1), empty])
    assert "constant images: found 1 of 2, the first of them image 2" in caveat.text
    rules = GateRules(constant_slices=Reaction.REFUSE)
    with pytest.raises(UnfitSeries, match="constant images"):
        told([radiograph(1), empty], rules=rules)


def test_values_out_of_the_range_of_the_card_are_refused():
    with pytest.raises(UnfitSeries, match="implausible values: found 99th percentile"):
        told([radiograph()], rules=GateRules(value_range=(0.0, 1000.0)))


def test_a_screenshot_under_the_name_of_a_radiograph_is_refused():
    unfit = refused(eight_bits(screen()), RADIOGRAPHS)
    assert unfit.check == "writing"
    assert "pieces of writing" in unfit.found
    assert told([eight_bits(screen())]) == []  # nobody asked for radiographs alone


def test_captures_with_text_pass_where_the_card_asks_for_them():
    wanted = InputSeries(
        kind=InputKind.IMAGES, modality=("CR",), sop_class_uid=(SecondaryCaptureImageStorage,)
    )
    capture = eight_bits(screen())
    capture.SOPClassUID, capture.Modality = SecondaryCaptureImageStorage, "CR"
    capture.BurnedInAnnotation = "YES"
    assert told([capture], wanted) == []


def test_a_card_may_accept_what_is_refused_else():
    rules = GateRules(photometric_interpretation=Reaction.ACCEPT)
    assert told([in_grey(255 - disc())], rules=rules) == []


@pytest.mark.parametrize(
    "name",
    [
        "us/echo_10frames_palette_rle",
        "us/echo_doppler_8frames_implicit",
        "us/echo_doppler_8frames_jpeg",
        "xray/hip_cr_j2k",
        "xray/mammo_mg_jpegll",
        "other/nm_heart_13frames",
        "other/pet_slice",
    ],
)
def test_real_images_pass(name):
    assert told([dcmread(shared_data(f"{name}.dcm"))]) == []
