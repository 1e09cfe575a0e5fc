"""The files of one study with everything that is rendered in a way of its own.

Series 2 a CT whose slices grow lighter, 3 a film of two frames, 4 a report, 5 a PDF, 6 a CDA
document, 7 a video, 8 a treatment plan, 9 an image that nobody can decode, 90 a presentation state.
"""

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import SecondaryCaptureImageStorage

from tests.gateway.index_helper import written
from tests.gateway.rendering.example_images import COLUMNS, ROWS, STUDY, image, item
from tests.gateway.rendering.example_states import state

SLICES = 5
LEVELS = tuple(number * 40 for number in range(1, SLICES + 1))  # of the slices, in HU
PDF = b"%PDF-1.4 not much of one"
CDA = b"<ClinicalDocument><script>alert(1)</script></ClinicalDocument>"
STREAM = bytes(range(256)) * 40
MPEG4 = "1.2.840.10008.1.2.4.102"
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
_IMAGE_PIXEL = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PixelData",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
)


def series_url(number: int, instance: int | None = None) -> str:
    series = f"/series/{STUDY}.{number}"
    return series + (f"/instances/{STUDY}.{number}.{instance}" if instance else "")


def files() -> list[bytes]:
    slices = [ct(number) for number in range(1, SLICES + 1)]
    presentation = state(slices[1], slices[3], SoftcopyVOILUTSequence=[_window(80, 161)])
    presentation.ReferencedSeriesSequence[0].ReferencedImageSequence.append(_missing())
    undecodable = image(9, PixelData=encapsulate([b"\xff\x4f" * 30]))
    undecodable["PixelData"].VR = "OB"
    undecodable["PixelData"].is_undefined_length = True
    return [
        *(written(each) for each in slices),
        written(_film()),
        written(report()),
        written(_document(5, "104.1", "application/pdf", PDF)),
        written(_document(6, "104.2", "text/xml", CDA)),
        written(_video(), MPEG4),
        written(without_pixels(image(8, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5"), "RTPLAN")),
        written(undecodable, "1.2.840.10008.1.2.4.203"),
        written(presentation),
    ]


def ct(number: int) -> Dataset:
    level = np.full((ROWS, COLUMNS), LEVELS[number - 1] + 100, "<u2").tobytes()
    return image(2, number, PixelData=level, WindowCenter=128, WindowWidth=256)


def report() -> Dataset:
    """A report that links to a slice, and whose words are hostile."""
    ds = without_pixels(image(4, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33"), "SR")
    ds.PatientName, ds.SpecificCharacterSet = HOSTILE[:60], "ISO_IR 192"
    ds.StudyDescription = HOSTILE
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_code("126000", "Imaging Measurement Report " + HOSTILE)]
    ds.CompletionFlag, ds.VerificationFlag = "PARTIAL", "UNVERIFIED"
    ds.PreliminaryFlag = "PRELIMINARY"
    reference = item(
        ReferencedSOPClassUID=ct(1).SOPClassUID, ReferencedSOPInstanceUID=ct(3).SOPInstanceUID
    )
    ds.ContentSequence = [
        item(
            RelationshipType="CONTAINS",
            ValueType="TEXT",
            ConceptNameCodeSequence=[_code("121071", "Finding")],
            TextValue=f"Größe 5 mm\r\n{HOSTILE}",
        ),
        item(
            RelationshipType="CONTAINS",
            ValueType="IMAGE",
            ConceptNameCodeSequence=[_code("121080", "Best illustration of finding")],
            ReferencedSOPSequence=[reference],
        ),
    ]
    return ds


def without_pixels(ds: Dataset, modality: str) -> Dataset:
    for keyword in _IMAGE_PIXEL:
        if keyword in ds:
            delattr(ds, keyword)
    ds.Modality = modality
    return ds


def _film() -> Dataset:
    frames = np.zeros((2, ROWS, COLUMNS), "<u2")
    frames[1] = 255
    return image(
        3,
        SOPClassUID=SecondaryCaptureImageStorage,
        Modality="OT",
        NumberOfFrames=2,
        WindowCenter=28,
        WindowWidth=256,
        PixelData=frames.tobytes(),
        FrameTime=40,
    )


def _document(series: int, sop_class: str, media_type: str, content: bytes) -> Dataset:
    ds = without_pixels(image(series, SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{sop_class}"), "DOC")
    ds.MIMETypeOfEncapsulatedDocument = media_type
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    ds.EncapsulatedDocumentLength = len(content)
    return ds


def _video() -> Dataset:
    ds = image(7, SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4.1", Modality="XC")
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 3, "YBR_PARTIAL_420"
    ds.PlanarConfiguration, ds.NumberOfFrames = 0, 25
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = encapsulate([STREAM[:6000], STREAM[6000:]], has_bot=False)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


def _code(value: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning[:64])


def _window(center: float, width: float) -> Dataset:
    return item(WindowCenter=center, WindowWidth=width)


def _missing() -> Dataset:
    """A reference to an image that was never stored."""
    return item(ReferencedSOPClassUID=ct(1).SOPClassUID, ReferencedSOPInstanceUID=f"{STUDY}.2.77")
