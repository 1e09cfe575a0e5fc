"""Headers as DICOM JSON, from written bytes; pydicom's own JSON is the outside judge."""

import base64
import json
import math
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from standards.dicom_json import attributes_of, dumps, header_attributes, header_json
from standards.levels import series_attributes, study_attributes
from standards.part10 import read_header
from tests.shared_data import shared_data

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def written(dataset: Dataset, transfer_syntax=ExplicitVRLittleEndian) -> bytes:
    """Part 10 bytes of the data set."""
    dataset.setdefault("SOPClassUID", CTImageStorage)
    dataset.setdefault("SOPInstanceUID", "1.2.3")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def attributes(dataset: Dataset, transfer_syntax=ExplicitVRLittleEndian) -> dict:
    return json.loads(header_json(read_header(written(dataset, transfer_syntax))))


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_each_kind_of_value_is_written_as_annex_f_says(transfer_syntax):
    ds = Dataset()
    ds.Rows = 512
    ds.ImagePositionPatient = [-1.5, "2.50", 3]
    ds.SeriesNumber = 7
    ds.RecommendedDisplayFrameRateInFloat = 0.5
    ds.StudyDate = "20240131"
    ds.ImageType = ["ORIGINAL", "", "AXIAL"]
    ds.FrameIncrementPointer = 0x00181063
    ds.StudyComments = " leading counts, trailing not  "
    ds.RequestedContrastAgent = ""
    ds.add_new(0x00280106, "SS", -5)
    ds.PixelRepresentation = 1

    found = attributes(ds, transfer_syntax)

    assert found["00280010"] == {"vr": "US", "Value": [512]}
    assert found["00200032"] == {"vr": "DS", "Value": [-1.5, 2.5, 3]}
    assert found["00200011"] == {"vr": "IS", "Value": [7]}
    assert found["00080020"] == {"vr": "DA", "Value": ["20240131"]}
    assert found["00080008"] == {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}
    assert found["00280009"] == {"vr": "AT", "Value": ["00181063"]}
    assert found["00324000"] == {"vr": "LT", "Value": [" leading counts, trailing not"]}
    assert found["00321070"] == {"vr": "LO"}
    assert found["00280106"] == {"vr": "SS", "Value": [-5]}
    assert found["00083002"] == {"vr": "UI", "Value": [transfer_syntax]}
    assert list(found) == sorted(found)
    assert not [tag for tag in found if tag.startswith("0002") or tag.endswith("0000")]


@pytest.mark.parametrize(
    ("character_set", "name", "expected"),
    [
        ("ISO_IR 100", "Buc^Jérôme", {"Alphabetic": "Buc^Jérôme"}),
        (
            ["", "ISO 2022 IR 87"],
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            {
                "Alphabetic": "Yamada^Tarou",
                "Ideographic": "山田^太郎",
                "Phonetic": "やまだ^たろう",
            },
        ),
        (
            "GB18030",
            "Wang^XiaoDong=王^小东",
            {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"},
        ),
        ("ISO_IR 192", "Διονυσιος", {"Alphabetic": "Διονυσιος"}),
    ],
)
def test_names_of_every_script_become_utf8_component_groups(character_set, name, expected):
    ds = Dataset()
    ds.SpecificCharacterSet = character_set
    ds.PatientName = name
    text = header_json(read_header(written(ds))).decode("utf-8")
    assert json.loads(text)["00100010"] == {"vr": "PN", "Value": [expected]}
    assert "\\u" not in text


def test_a_sequence_item_inherits_the_character_set():
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 144"
    ds.RequestAttributesSequence = Sequence([Dataset()])
    ds.RequestAttributesSequence[0].RequestedProcedureDescription = "Грудь"
    found = attributes(ds)["00400275"]["Value"][0]
    assert found["00321060"]["Value"] == ["Грудь"]


def test_pixels_and_large_binaries_are_uris_and_small_binaries_inline():
    ds = Dataset()
    ds.PixelData = b"\0" * 8
    ds["PixelData"].VR = "OW"
    ds.EncapsulatedDocument = b"x" * 1026
    ds.ICCProfile = b"profile!"
    ds.WaveformSequence = Sequence([Dataset()])
    ds.WaveformSequence[0].add_new(0x54001010, "OW", b"\1\0" * 600)

    found = attributes(ds)

    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": "airgate:bulkdata/7FE00010"}
    assert found["00420011"]["BulkDataURI"] == "airgate:bulkdata/00420011"
    assert base64.b64decode(found["00282000"]["InlineBinary"]) == b"profile!"
    nested = found["54000100"]["Value"][0]["54001010"]
    assert nested == {"vr": "OW", "BulkDataURI": "airgate:bulkdata/54000100/0/54001010"}


def test_inline_words_of_a_big_endian_file_are_little_endian():
    ds = Dataset()
    ds.add_new(0x00281201, "OW", b"\x01\x00\x02\x00")  # as pydicom writes it: bytes as they are
    content = written(ds, ExplicitVRBigEndian)
    found = header_attributes(read_header(content))["00281201"]
    assert base64.b64decode(found["InlineBinary"]) == b"\x00\x01\x00\x02"


def test_values_that_break_their_rules_never_break_the_json():
    ds = Dataset()
    ds.add(DataElement(0x00180050, "DS", "1.0"))
    ds.add_new(0x00181041, "FD", math.nan)
    ds.add_new(0x00189073, "FD", [1.5, math.inf])
    content = written(ds).replace(b"1.0 ", b"abc ")
    text = header_json(read_header(content))
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["00180050"] == {"vr": "DS", "Value": ["abc"]}
    assert "Value" not in found["00181041"]
    assert found["00189073"]["Value"] == [1.5, None]


def test_a_data_set_in_memory_is_written_as_its_file_is():
    ds = Dataset()
    ds.PatientName = "Doe^Jane"
    ds.SeriesNumber = None
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ReferencedStudySequence = Sequence([])
    ds.RequestAttributesSequence = Sequence([Dataset()])
    ds.RequestAttributesSequence[0].RequestedProcedureID = "P1"
    content = written(ds)
    ds.file_meta = FileMetaDataset()
    from_file = attributes_of(dcmread(BytesIO(content)))
    assert attributes_of(ds) == from_file
    assert from_file["00400275"]["Value"] == [{"00401001": {"vr": "SH", "Value": ["P1"]}}]


def test_levels_part_a_header_between_study_and_series():
    ds = Dataset()
    ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "P", "1.2", "1.2.3"
    ds.Modality, ds.Rows, ds.StudyDescription = "CT", 5, "Chest"
    header = attributes(ds)
    assert set(study_attributes(header)) == {"00100020", "0020000D", "00081030"}
    assert set(series_attributes(header)) == {"0020000D", "0020000E", "00080060"}


def _comparable(element: dict) -> object:
    """Without what Annex F leaves open: "" or null for nothing, padding, an empty Value."""
    if element["vr"] == "SQ":
        items = element.get("Value", [])
        return [{t: _comparable(e) for t, e in i.items() if t[4:] != "0000"} for i in items]
    if "BulkDataURI" in element:
        return "bulk"
    if "InlineBinary" in element:
        size = len(base64.b64decode(element["InlineBinary"]))
        return "bulk" if size > 700 else element["InlineBinary"]
    values = [v.strip() or None if isinstance(v, str) else v for v in element.get("Value", [])]
    return values if any(v is not None for v in values) else []


def test_every_file_of_the_collection_says_what_pydicom_says():
    folder = shared_data()
    compared = 0
    for path in sorted(folder.rglob("*.dcm")):
        if "broken" in path.parts or "burned_in_phi" in path.parts:
            continue
        mine = header_attributes(read_header(path.read_bytes()))
        json.loads(dumps(mine), parse_constant=pytest.fail)
        judge = dcmread(path, stop_before_pixels=True).to_json_dict(
            bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "bulk"
        )
        for tag, element in judge.items():
            if tag[4:] == "0000":
                continue
            assert mine[tag]["vr"] == element["vr"], (path.name, tag)
            if element["vr"] not in ("PN", "UN", "SQ"):
                assert _comparable(mine[tag])[:1] == _comparable(element)[:1], (path.name, tag)
            elif element["vr"] == "SQ":
                assert len(_comparable(mine[tag])) == len(_comparable(element)), (path.name, tag)
            compared += 1
    assert compared > 5000
