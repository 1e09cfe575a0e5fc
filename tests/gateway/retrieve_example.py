"""A study with one instance of every kind of pixel data, for tests of WADO-RS over real HTTP.

The fixtures `gateway` and `root` of conftest.py serve it.
"""

from email.parser import BytesParser
from io import BytesIO

import httpx
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from tests.gateway.index_helper import written

STUDY, SERIES = "2.25.200", "2.25.200.1"
ROWS, COLUMNS = 5, 7  # 35 pixels: frames of single bits never end with a byte
DICOM = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


CLIENT = httpx.Client(timeout=30)


def image(name: str, frames: int = 1, **attributes: object) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = CTImageStorage if frames == 1 else UltrasoundMultiFrameImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, SERIES
    ds.SOPInstanceUID = UIDS[name]
    ds.PatientID, ds.PatientName, ds.StudyDate = "P", "Müller^Ä", "20240101"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, list(UIDS).index(name) + 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    if frames > 1:
        ds.NumberOfFrames = frames
    item = Dataset()
    item.add_new(0x54001010, "OW", bytes(range(200)) * 20)  # WaveformData
    ds.WaveformSequence = [item]
    ds.add_new(0x00280000, "UL", 4)  # a group length, which metadata leave out
    ds.PixelData = PIXELS[:frames].tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


PIXELS = np.random.default_rng(7).integers(0, 4096, (4, ROWS, COLUMNS), np.uint16)
BITS = np.random.default_rng(8).integers(0, 2, (5, ROWS, COLUMNS), np.uint8)
COLOUR = np.arange(0, 210, 2, np.uint8).reshape(ROWS, COLUMNS, 3)
UIDS = {
    name: f"{SERIES}.{number}"
    for number, name in enumerate(
        (
            "explicit",
            "implicit",
            "big_endian",
            "deflated",
            "rle",
            "jpegls",
            "multi",
            "multi_rle",
            "bits",
            "planes_rle",
            "undecodable",
            "report",
        ),
        1,
    )
}


def compressed(name: str, transfer_syntax: str, frames: int = 1, **attributes: object) -> bytes:
    ds = image(name, frames, **attributes)
    ds = dcmread(BytesIO(written(ds)))
    # GDCM's encoder aborts the whole process on images of these odd sizes.
    plugin = {RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}[transfer_syntax]
    ds.compress(transfer_syntax, encoding_plugin=plugin, generate_instance_uid=False)
    content = BytesIO()
    ds.save_as(content, enforce_file_format=True)
    return content.getvalue()


def _files() -> dict[str, bytes]:
    swapped = image("big_endian", PixelData=PIXELS[0].astype(">u2").tobytes())
    swapped.WaveformSequence[0].WaveformData = b"\x01\x02" * 2000
    bits = np.packbits(BITS.ravel(), bitorder="little").tobytes()
    odd = len(bits) % 2
    single_bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    planes = dcmread(
        BytesIO(
            compressed(
                "planes_rle", RLELossless, PixelData=COLOUR.tobytes() + b"\0", **colour, **eight
            )
        )
    )
    planes.PlanarConfiguration = 1
    unknown = image("undecodable", PixelData=encapsulate([b"\xff\x4f" * 30]))
    unknown["PixelData"].VR = "OB"
    unknown["PixelData"].is_undefined_length = True
    report = image("report")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(report, keyword)
    return {
        "explicit": written(image("explicit")),
        "implicit": written(image("implicit"), ImplicitVRLittleEndian),
        "big_endian": written(swapped, ExplicitVRBigEndian),
        "deflated": written(image("deflated"), DeflatedExplicitVRLittleEndian),
        "rle": compressed("rle", RLELossless),
        "jpegls": compressed("jpegls", JPEGLSLossless),
        "multi": written(image("multi", 4)),
        "multi_rle": compressed("multi_rle", RLELossless, 4),
        "bits": written(image("bits", 5, PixelData=bits + b"\0" * odd, **single_bits)),
        "planes_rle": written(planes, RLELossless),
        "undecodable": written(unknown, "1.2.840.10008.1.2.4.92"),
        "report": written(report),
    }


FILES = _files()


def get(url: str, accept: str | None = None) -> httpx.Response:
    """httpx says `*/*` where a test says nothing; an empty header is as good as none."""
    return CLIENT.get(url, headers={"Accept": accept or ""})


def parts_of(response: httpx.Response) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a multipart body, read by the mail parser of the standard library."""
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + response.content)
    boundary = message.get_boundary()
    assert message.get_content_type() == "multipart/related"
    assert boundary
    *pieces, end = response.content.split(f"--{boundary}".encode())[1:]
    assert end == b"--\r\n"
    found = []
    for piece in pieces:
        fields, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in fields.decode().split("\r\n"))
        found.append((dict(lines), body.removesuffix(b"\r\n")))
    return found


def instance_url(root: str, name: str) -> str:
    return f"{root}/studies/{STUDY}/series/{SERIES}/instances/{UIDS[name]}"
