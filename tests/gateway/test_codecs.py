"""Frames put into other transfer syntaxes and back are the same, sample for sample."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from gateway.retrieve.codecs import ENCODABLE, convert, decode, encodable, is_decodable

ODD, CT = (35, 71), (512, 512)
KINDS = [  # dtype, Bits Stored, shape
    (np.uint8, 8, ODD),
    (np.uint8, 5, ODD),
    (np.uint16, 12, ODD),
    (np.uint16, 16, CT),
    (np.int16, 16, CT),
    (np.int16, 12, ODD),
    (np.int8, 8, ODD),
    (np.uint8, 8, (*ODD, 3)),
    (np.uint16, 16, (*ODD, 3)),
    (np.uint16, 10, (*ODD, 3)),
]


def _samples(dtype: type, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    signed = np.issubdtype(dtype, np.signedinteger)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return np.random.default_rng(bits).integers(low, high, shape).astype(dtype)


def _image(samples: np.ndarray, bits: int, planar: int = 0) -> Dataset:
    ds = Dataset()
    ds.Rows, ds.Columns = samples.shape[:2]
    colour = samples.ndim == 3
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = planar
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = samples.dtype.itemsize * 8, bits, bits - 1
    ds.PixelRepresentation = int(np.issubdtype(samples.dtype, np.signedinteger))
    ds.NumberOfFrames = 1
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PixelData = (samples.transpose(2, 0, 1) if planar else samples).tobytes()
    return ds


@pytest.mark.parametrize("syntax", ENCODABLE, ids=lambda uid: UID(uid).keyword)
@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("dtype", "bits", "shape"), KINDS)
def test_a_frame_comes_back_bit_for_bit(dtype, bits, shape, planar, syntax):
    samples = _samples(dtype, bits, shape)
    if planar and samples.ndim == 2:
        pytest.skip("grey has no planes")
    image = _image(samples, bits, planar)
    assert syntax in encodable(image, "PixelData")

    found = convert(image, syntax)
    image.file_meta.TransferSyntaxUID = UID(syntax)
    image.PhotometricInterpretation = found.photometric_interpretation
    if found.planar_configuration is not None:
        image.PlanarConfiguration = found.planar_configuration
    image.PixelData = encapsulate([found.frame], has_bot=False)

    decoded = decode(image, True)
    np.testing.assert_array_equal(decoded, samples)
    assert decoded.dtype == samples.dtype
    native = convert(image, ExplicitVRLittleEndian)
    ordered = samples.transpose(2, 0, 1) if native.planar_configuration == 1 else samples
    assert native.frame == ordered.tobytes()
    assert native.photometric_interpretation == ("RGB" if samples.ndim == 3 else "MONOCHROME2")


def test_colours_say_how_they_are_coded():
    """PS3.5 8.2.3 and 8.2.4: by pixel in JPEG-LS and JPEG 2000, whose components are mixed."""
    image = _image(_samples(np.uint8, 8, (*ODD, 3)), 8, planar=1)

    told = {
        syntax: (found.photometric_interpretation, found.planar_configuration)
        for syntax in ENCODABLE
        for found in [convert(image, syntax)]
    }
    assert told == {
        JPEGLSLossless: ("RGB", 0),
        JPEG2000Lossless: ("YBR_RCT", 0),
        RLELossless: ("RGB", 1),
    }


@pytest.mark.parametrize(
    ("changes", "keyword"),
    [
        ({}, "FloatPixelData"),
        ({"BitsAllocated": 1, "BitsStored": 1}, "PixelData"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "PixelData"),
        ({"SamplesPerPixel": 4}, "PixelData"),
        ({"PhotometricInterpretation": None}, "PixelData"),
    ],
)
def test_what_no_code_stream_can_hold_is_known_beforehand(changes, keyword):
    image = _image(_samples(np.uint16, 16, ODD), 16)
    for name, value in changes.items():
        setattr(image, name, value)

    assert encodable(image, keyword) == ()


def test_samples_of_more_bits_than_told_are_refused_and_not_cut():
    """Old overlays lie in the upper bits; a code stream of Bits Stored bits would lose them."""
    image = _image(_samples(np.uint16, 16, ODD), 12)

    for syntax in (JPEGLSLossless, JPEG2000Lossless):
        with pytest.raises(ValueError, match=r"(?i)range|bits"):
            convert(image, syntax)


def test_what_is_decodable_is_known_without_trying():
    known = ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.203", JPEGLSLossless, RLELossless]
    assert all(map(is_decodable, known))
    assert not any(map(is_decodable, ["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.102", "1.2"]))
