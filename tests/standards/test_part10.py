"""Reading headers of sound, odd and hostile bytes."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from standards import part10
from standards.dicom_json import header_attributes, header_json
from standards.errors import NotDicom
from standards.file_meta import file_head
from standards.part10 import read_header
from standards.storable import is_storage_class, why_not_storable
from standards.store_response import FailureReason
from tests.shared_data import shared_data


def image(**changes: object) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2", "1.2.3"
    ds.RequestAttributesSequence = Sequence([Dataset()])
    ds.RequestAttributesSequence[0].RequestedProcedureID = "P1"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = b"\1\2" * 16
    ds["PixelData"].VR = "OW"
    ds.DataSetTrailingPadding = b"\0" * 4
    for keyword, changed in changes.items():
        setattr(ds, keyword, changed)
    return ds


def written(ds: Dataset, transfer_syntax=ExplicitVRLittleEndian) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = transfer_syntax
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def element(group: int, number: int, vr: bytes, content: bytes, length: int | None = None) -> bytes:
    """One explicit VR element of the long form."""
    size = len(content) if length is None else length
    return struct.pack("<HH2sHL", group, number, vr, 0, size) + content


def part10_file(data_set: bytes, transfer_syntax=ExplicitVRLittleEndian) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = transfer_syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3.4"
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta, enforce_standard=False)
    return b"\0" * 128 + b"DICM" + buffer.getvalue() + data_set


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_the_header_is_read_and_the_pixels_are_found(transfer_syntax):
    content = written(image(), transfer_syntax)
    header = read_header(content)
    assert header.transfer_syntax_uid == transfer_syntax
    assert header.has_file_meta
    assert header.dataset.Rows == 4
    assert header.dataset.RequestAttributesSequence[0].RequestedProcedureID == "P1"
    assert "PixelData" not in header.dataset
    assert header.dataset.DataSetTrailingPadding == b"\0" * 4  # after the pixel data
    pixels = header.pixel_data
    assert (pixels.vr, pixels.length, pixels.encapsulated) == ("OW", 32, False)
    if transfer_syntax != DeflatedExplicitVRLittleEndian:
        start = header.data_set_offset + pixels.offset
        assert content[start : start + pixels.length] == image().PixelData


def test_encapsulated_pixels_are_hopped_over():
    ds = image(PixelData=encapsulate([b"\xfe\xff\xdd\xe0" * 4, b"x" * 10]))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    header = read_header(written(ds, JPEGLSLossless))
    assert header.pixel_data.encapsulated
    assert header.dataset.DataSetTrailingPadding == b"\0" * 4


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_data_set_without_file_meta_is_read_and_completed(transfer_syntax):
    whole = written(image(), transfer_syntax)
    bare = whole[read_header(whole).data_set_offset :]
    header = read_header(bare)
    assert (header.has_file_meta, header.transfer_syntax_uid) == (False, transfer_syntax)
    completed = file_head(transfer_syntax, CTImageStorage, "1.2.3.4") + bare
    reread = dcmread(BytesIO(completed))
    assert reread.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"
    assert reread.PixelData == image().PixelData


def test_a_known_element_coded_un_gets_its_own_representation():
    content = part10_file(element(0x0028, 0x0010, b"UN", b"\x04\x00"))
    assert b'"00280010":{"vr":"US","Value":[4]}' in header_json(read_header(content))


def test_a_file_cut_anywhere_before_its_end_is_refused_or_read_but_never_crashes():
    content = written(image(DataSetTrailingPadding=b""))
    for size in range(len(content) - 12):
        with suppress(NotDicom):
            header_json(read_header(content[:size]))
    with pytest.raises(NotDicom, match="claims 32 bytes but 20 are left"):
        read_header(content[: -12 - 12])


@pytest.mark.parametrize(
    ("name", "data_set", "expected"),
    [
        ("huge length", element(0x0010, 0x4000, b"UT", b"x", 0xFFFFFFF0), "claims 4294967280"),
        ("open sequence", element(0x0040, 0x0275, b"SQ", b"", 0xFFFFFFFF), "never closed"),
        (
            "deep nesting",
            element(0x0040, 0x0275, b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF) * 3000,
            "nested more than 64 deep",
        ),
        (
            "item outgrows",
            element(0x0040, 0x0275, b"SQ", b"\xfe\xff\x00\xe0\x00\x00\x00\x01"),
            "outgrows",
        ),
        ("nothing", b"", "without a data set"),
    ],
)
def test_hostile_lengths_and_nesting_are_refused(name, data_set, expected):
    with pytest.raises(NotDicom, match=expected):
        read_header(part10_file(data_set))


def test_a_deflated_data_set_is_inflated_no_further_than_its_limit(monkeypatch):
    monkeypatch.setattr(part10, "LARGEST_INFLATED", 1 << 20)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflater.compress(b"\0" * (4 << 20)) + deflater.flush()
    with pytest.raises(NotDicom, match="more than 1048576 bytes"):
        read_header(part10_file(bomb, DeflatedExplicitVRLittleEndian))
    with pytest.raises(NotDicom, match=r"cannot be inflated|breaks off"):
        read_header(part10_file(b"\x12\x34\x56", DeflatedExplicitVRLittleEndian))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n" * 40, b"\0" * 128 + b"DICM"])
def test_what_is_not_dicom_is_told_so(content):
    with pytest.raises(NotDicom):
        read_header(content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_crashes_the_reader(data):
    content = bytearray(written(image()))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(128, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    with suppress(NotDicom):
        header_json(read_header(bytes(content)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_noise_crashes_the_reader(noise):
    for content in (noise, part10_file(noise), part10_file(noise, ImplicitVRLittleEndian)):
        with suppress(NotDicom):
            header_json(read_header(content))


def test_every_broken_file_of_the_collection_is_read_or_refused():
    read = refused = 0
    for path in sorted(shared_data("broken").rglob("*.dcm")):
        try:
            header_json(read_header(path.read_bytes()))
            read += 1
        except NotDicom:
            refused += 1
    assert (read > 100, refused > 10) == (True, True)


def judged(content: bytes):
    header = read_header(content)
    return why_not_storable(header, header_attributes(header))


def test_a_sound_instance_is_storable():
    assert judged(written(image())) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SOPClassUID": "1.2.3.4.5"}, FailureReason.SOP_CLASS_NOT_SUPPORTED),
        ({"StudyInstanceUID": ""}, FailureReason.CANNOT_UNDERSTAND),
        ({"SeriesInstanceUID": "1.2.x"}, FailureReason.CANNOT_UNDERSTAND),
        ({"SeriesInstanceUID": "1.2\\1.3"}, FailureReason.CANNOT_UNDERSTAND),
        ({"Rows": None}, FailureReason.DOES_NOT_MATCH_SOP_CLASS),
        ({"Rows": 8}, FailureReason.DOES_NOT_MATCH_SOP_CLASS),
        ({"NumberOfFrames": 1_000_000}, FailureReason.DOES_NOT_MATCH_SOP_CLASS),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason_of_the_standard(changes, reason):
    refused = judged(written(image(**changes)))
    assert refused.failure_reason == reason
    assert refused.sop_instance_uid == "1.2.3.4"


def test_pixels_that_are_not_as_the_transfer_syntax_says_are_refused():
    ds = image()
    whole = written(ds)
    data_set = whole[read_header(whole).data_set_offset :]
    refused = judged(part10_file(data_set, JPEGLSLossless))
    assert refused.failure_reason == FailureReason.DOES_NOT_MATCH_SOP_CLASS
    assert "one plain value" in refused.reason


def test_an_unknown_transfer_syntax_is_refused():
    whole = written(image())
    data_set = whole[read_header(whole).data_set_offset :]
    refused = judged(part10_file(data_set, UID("1.2.3.4.5.6")))
    assert refused.failure_reason == FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED


def test_storage_classes_are_those_of_the_standard_and_newer_ones():
    assert is_storage_class(CTImageStorage)
    assert is_storage_class("1.2.840.10008.5.1.4.1.1.66.7")  # Label Map Segmentation
    assert not is_storage_class("1.2.840.10008.1.20.1")  # Storage Commitment
    assert not is_storage_class("1.2.840.10008.5.1.4.1.1.200.4")  # Protocol Approval FIND
    assert not is_storage_class("1.2.840.10008.1.1")
    assert not is_storage_class("1.2.3.4.5")
