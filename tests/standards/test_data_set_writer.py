"""DICOM JSON encoded as a data set, and read back; pydicom's own from_json is the judge."""

import json
import re
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames

from standards.data_set_writer import Stretch, encoded_data_set
from standards.dicom_json import attributes_of
from standards.dicom_json_reader import instances_of_json
from standards.dicom_xml import native_xml
from standards.dicom_xml_reader import attributes_of_xml
from standards.errors import MalformedMetadata
from standards.part10 import read_header
from tests.shared_data import shared_data

UIDS = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
}


def no_bulk(tag: str, uri: str) -> Stretch:
    raise AssertionError(f"{uri} of {tag} was asked for")


def encoded(attributes: dict, bulk=no_bulk, frames=None) -> bytes:
    pieces = encoded_data_set(attributes, bulk, frames)
    return b"".join(p if isinstance(p, bytes) else b"".join(p.read()) for p in pieces)


def read(data_set: bytes) -> Dataset:
    return dcmread(BytesIO(data_set), force=True)


def reread(attributes: dict) -> dict:
    written = attributes_of(read_header(encoded(UIDS | attributes)).dataset, None)
    return {tag: element for tag, element in written.items() if tag not in (*UIDS, "00080005")}


def stretch(content: bytes) -> Stretch:
    return Stretch(len(content), lambda: [content])


@pytest.mark.parametrize(
    "element",
    [
        {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
        {"vr": "LO", "Value": ["Grudь", "山田"]},
        {"vr": "LT", "Value": [" two\\slashes\r\n and lines"]},
        {
            "vr": "PN",
            "Value": [{"Alphabetic": "A^B", "Phonetic": "あ"}, None, {"Ideographic": "山"}],
        },
        {"vr": "DS", "Value": [1.5, 2, -1e-7, "2.50"]},
        {"vr": "IS", "Value": [-(2**31), 7]},
        {"vr": "US", "Value": [0, 65535]},
        {"vr": "SV", "Value": [-(2**63)]},
        {"vr": "FD", "Value": [0.1, -1e300]},
        {"vr": "AT", "Value": ["00181063", "7FE00010"]},
        {"vr": "OW", "InlineBinary": "AAEC/w=="},
        {"vr": "UN", "InlineBinary": "AAE="},
        {"vr": "UR", "Value": ["http://host/a?b=c"]},
        {"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["CT"]}}, {}]},
        {"vr": "SQ"},
        {"vr": "LO"},
    ],
    ids=lambda element: element["vr"],
)
def test_each_kind_of_value_is_read_back_as_it_was(element):
    expected = json.loads(json.dumps(element).replace('"2.50"', "2.5"))
    assert reread({"00091001": element}) == {"00091001": expected}


@pytest.mark.parametrize(
    ("vr", "value", "written"),
    [
        ("DS", 0.1234567890123456, b"0.12345678901235"),
        ("DS", -1.0000000000000002e-10, b"-1.000000000e-10"),
        ("DS", "0.1234567890123456789", b"0.1234567890123456789 "),
        ("DS", 100, b"100 "),
        ("IS", 3.0, b"3 "),
        ("IS", "0007", b"0007"),
        ("SV", "-9007199254740993", (-9007199254740993).to_bytes(8, "little", signed=True)),
        ("FL", "NaN", b"\0\0\xc0\x7f"),
        ("UI", "1.2.3", b"1.2.3\0"),
    ],
)
def test_numbers_keep_the_digits_that_their_vr_allows(vr, value, written):
    data_set = encoded({"00091001": {"vr": vr, "Value": [value]}})
    assert data_set.endswith(written)


def test_text_is_utf8_and_says_so_once():
    item = {"00080005": {"vr": "CS", "Value": ["ISO_IR 100"]}, "00080104": lo("Größe")}
    given_ = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 144"]},
        "00081030": lo("Грудь"),
        "00081032": {"vr": "SQ", "Value": [item]},
    }
    found = read(encoded(given_))
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert found.StudyDescription == "Грудь"
    assert found.ProcedureCodeSequence[0].CodeMeaning == "Größe"
    assert "SpecificCharacterSet" not in found.ProcedureCodeSequence[0]


def test_what_only_answers_have_is_left_out():
    answered = {
        "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.70"]},
        "00080000": {"vr": "UL", "Value": [12]},
        "00081190": {"vr": "UR", "Value": ["http://host/"]},
        "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.70"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
    }
    assert list(reread(answered)) == ["00080060"]


def test_bulk_data_are_copied_and_padded():
    bulk = {"a": b"odd", "b": b"12\\3", "c": b"\1\2\3\4"}
    attributes = {
        "00420011": {"vr": "OB", "BulkDataURI": "a"},
        "30060050": {"vr": "DS", "BulkDataURI": "b"},
        "00091002": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "BulkDataURI": "c"}}]},
    }
    found = read(encoded(attributes, lambda _, uri: stretch(bulk[uri])))
    assert found.EncapsulatedDocument == b"odd\0"
    assert found.ContourData == [12, 3]
    assert found[0x00091002].value[0].WaveformData == b"\1\2\3\4"


def test_compressed_frames_become_fragments_that_pydicom_finds():
    frames = [b"\xff\xd8odd" + bytes([n]) * n for n in range(5)]
    attributes = UIDS | {"7FE00010": {"vr": "OW", "BulkDataURI": "x"}}
    data_set = encoded(attributes, frames=[stretch(frame) for frame in frames])
    found = read(data_set)
    assert found["PixelData"].VR == "OB"
    unpadded = list(generate_frames(found.PixelData, number_of_frames=5))
    assert [frame[: len(f)] for frame, f in zip(unpadded, frames, strict=True)] == frames


def test_a_value_too_long_for_its_vr_is_written_as_un():
    values = [round(n * 0.1, 1) for n in range(30_000)]
    element = read(encoded({"30060050": {"vr": "DS", "Value": values}})).get_item(0x30060050)
    assert element.VR == "UN"
    assert [float(number) for number in element.value.split(b"\\")] == values


def lo(text: str) -> dict:
    return {"vr": "LO", "Value": [text]}


DEEP: dict = {}
for _ in range(200):
    DEEP = {"00081032": {"vr": "SQ", "Value": [DEEP]}}


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"PatientID": lo("a")}, "'PatientID', not by a tag"),
        ({"0010 020": lo("a")}, "not by a tag"),
        ({"FFFEE000": lo("a")}, "not by a tag"),
        ({"0010002a": lo("a"), "0010002A": lo("b")}, "twice"),
        ({"00100020": "a"}, "00100020 that is no object"),
        ({"00100020": {"Value": ["a"]}}, "00100020 without a `vr`"),
        ({"00100020": {"vr": []}}, "00100020 without a `vr`"),
        ({"00100020": {"vr": "lo"}}, "00100020 without a `vr`"),
        ({"00100020": {"vr": "LO", "Value": "a"}}, "00100020 whose Value is no array"),
        ({"00100020": {"vr": "LO", "value": ["a"]}}, "more than `vr` and one of"),
        ({"00100020": {"vr": "LO", "Value": [], "BulkDataURI": "a"}}, "more than `vr` and one of"),
        ({"00100020": {"vr": "LO", "InlineBinary": "AAE="}}, "whose Value is no array"),
        ({"00100020": {"vr": "LO", "BulkDataURI": "a"}}, "a BulkDataURI, but VR LO"),
        ({"00081032": {"vr": "SQ", "BulkDataURI": "a"}}, "a BulkDataURI, but VR SQ"),
        ({"7FE00010": {"vr": "OW", "BulkDataURI": 7}}, "a BulkDataURI that is no text"),
        ({"7FE00010": {"vr": "OW", "Value": [1]}}, "that is not InlineBinary"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "A"}}, "no Base64"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "ä"}}, "no Base64"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "AA=="}}, "with 1 bytes"),
        ({"00100020": {"vr": "LO", "Value": [7]}}, "no JSON string"),
        ({"00100020": {"vr": "LO", "Value": ["a\\b"]}}, "a backslash"),
        ({"00100020": {"vr": "LO", "Value": ["\ud800"]}}, "characters that VR LO"),
        ({"00080060": {"vr": "CS", "Value": ["Ä"]}}, "characters that VR CS"),
        ({"00324000": {"vr": "LT", "Value": ["a", "b"]}}, "2 values where one"),
        ({"00100010": {"vr": "PN", "Value": ["A^B"]}}, "no object such as"),
        ({"00100010": {"vr": "PN", "Value": [{"Alphabet": "A"}]}}, "no object such as"),
        ({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A=B"}]}}, "with = within"),
        ({"00200032": {"vr": "DS", "Value": ["x"]}}, "no decimal number"),
        ({"00200032": {"vr": "DS", "Value": [True]}}, "no number"),
        ({"00200032": {"vr": "DS", "Value": [10**400]}}, "not finite"),
        ({"00200013": {"vr": "IS", "Value": [1.5]}}, "no whole number"),
        ({"00200013": {"vr": "IS", "Value": [2**31]}}, "more than 32 bits"),
        ({"00280010": {"vr": "US", "Value": [65536]}}, "00280010: "),
        ({"00280010": {"vr": "US", "Value": [None, 1]}}, "no whole number"),
        ({"00280010": {"vr": "US", "Value": ["1"]}}, "no whole number"),
        ({"00089459": {"vr": "FL", "Value": [1e300]}}, "00089459: "),
        ({"00280009": {"vr": "AT", "Value": ["(0018,1063)"]}}, "eight hexadecimal"),
        ({"00081032": {"vr": "SQ", "Value": [None]}}, "an item that is no object"),
        (DEEP, "nested more than"),
    ],
)
def test_what_does_not_follow_annex_f_is_refused_with_a_reason(attributes, told):
    with pytest.raises(MalformedMetadata, match=re.escape(told)):
        encoded(attributes)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no JSON"),
        (b'{"00100020": ', "no JSON"),
        (b'"text"', "neither an object"),
        (b"[[]]", "neither an object"),
        (b'[{"a": 1, "a": 2}]', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" + b"{}," * 1_000_001 + b"{}]", "more than 1000000"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "too long"),
    ],
)
def test_what_is_no_dicom_json_is_refused_with_a_reason(content, told):
    with pytest.raises(MalformedMetadata, match=told):
        instances_of_json(content)


def test_one_object_or_an_array_of_them_are_instances():
    assert instances_of_json(b'\xef\xbb\xbf{"00100020": {"vr": "LO"}}') == [
        {"00100020": {"vr": "LO"}}
    ]
    assert instances_of_json(b"[{}, {}]") == [{}, {}]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
near = st.fixed_dictionaries(
    {"vr": st.sampled_from(["LO", "PN", "DS", "IS", "US", "FD", "AT", "OW", "SQ", "XX", "UI"])},
    optional={
        "Value": st.lists(anything, max_size=3),
        "InlineBinary": anything,
        "BulkDataURI": anything,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["00100020", "00081032", "7FE00010", "x"]), near | anything))
def test_hostile_attributes_are_encoded_or_refused(attributes):
    try:
        data_set = encoded(UIDS | attributes, lambda _, __: stretch(b"abc"))
    except MalformedMetadata:
        return
    read_header(data_set)


FOLDERS = ["objects", "charsets", "enhanced", "us", "rt", "ct_head_tilt", "other", "xray"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_headers_come_through_json_and_xml_unchanged(folder):
    for path in sorted(shared_data(folder).glob("*.dcm")):
        header = attributes_of(read_header(path.read_bytes()).dataset, None)
        header["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
        text = json.dumps([header]).encode()
        (parsed,) = instances_of_json(text)
        written = attributes_of(read_header(encoded(parsed)).dataset, None)
        assert comparable(written) == comparable(header), path.name
        of_xml = attributes_of_xml(native_xml(header))
        written = attributes_of(read_header(encoded(of_xml)).dataset, None)
        assert comparable(written) == comparable(header), path.name


@pytest.mark.parametrize("folder", ["objects", "enhanced", "rt"])
def test_pydicom_makes_the_same_data_set_of_the_same_json(folder):
    for path in sorted(shared_data(folder).glob("*.dcm")):
        header = attributes_of(read_header(path.read_bytes()).dataset, None)
        judged = Dataset.from_json(json.dumps(header))
        judged.SpecificCharacterSet = "ISO_IR 192"
        ours = read(encoded(header))
        for element in judged:
            assert ours[element.tag].value == element.value, (path.name, element.tag)


def comparable(attributes: dict) -> dict:
    """Without what is said in UTF-8 only, and numbers as far as 16 characters tell them."""
    return {
        tag: {"vr": element["vr"], "Value": _comparable(element)}
        for tag, element in attributes.items()
        if tag != "00080005"
    }


def _comparable(element: dict):
    if element["vr"] == "SQ":
        return [comparable(item) for item in element.get("Value", [])]
    if element["vr"] == "DS":
        return [f"{value:.9g}" for value in element.get("Value", [])]
    return element.get("Value", element.get("InlineBinary"))
