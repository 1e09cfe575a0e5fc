"""Coercion: written into instances of every form, told, and taken back; pydicom reads it."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from standards.coercion import coerced, coercion_of, issuer_coercion, uncoerced
from standards.dicom_json import attributes_of, header_attributes
from standards.part10 import inflated, read_header
from standards.splice import spliced
from tests.instances import instance, written
from tests.shared_data import shared_data

NOW = "20240102030405.123456+0000"
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def spliced_bytes(content: bytes) -> bytes:
    header = read_header(content)
    coercion = issuer_coercion(header_attributes(header), "HOSPITAL", NOW)
    assert coercion is not None
    pieces = [slice(0, header.data_set_offset), *spliced(content, header, coercion)]
    return b"".join(content[piece] if isinstance(piece, slice) else piece for piece in pieces)


def in_form(content: bytes, transfer_syntax: str) -> bytes:
    return written(dcmread(BytesIO(content)), transfer_syntax)


def earlier_change() -> Dataset:
    item = Dataset()
    item.ModifiedAttributesSequence = [Dataset()]
    item.ModifiedAttributesSequence[0].PatientID = "before"
    item.AttributeModificationDateTime = "2020"
    item.ModifyingSystem = "Another PACS"
    item.SourceOfPreviousValues = ""
    item.ReasonForTheAttributeModification = "CORRECT"
    return item


@pytest.mark.parametrize("transfer_syntax", NATIVE)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"IssuerOfPatientID": ""},
        {"IssuerOfPatientID": None, "PatientID": ""},
        {"OriginalAttributesSequence": [earlier_change()]},
        {"OriginalAttributesSequence": []},
        {"PixelData": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"},
    ],
    ids=["absent", "empty", "no patient", "changed before", "no items", "no pixels"],
)
def test_the_change_and_its_story_are_in_the_instance(transfer_syntax, changes):
    sent = in_form(instance(1, **changes), transfer_syntax)
    before, after = dcmread(BytesIO(sent)), dcmread(BytesIO(spliced_bytes(sent)))
    assert after.IssuerOfPatientID == "HOSPITAL"
    item = after.OriginalAttributesSequence[-1]
    assert item.ModifiedAttributesSequence[0].IssuerOfPatientID in ("", None)
    assert item.AttributeModificationDateTime == NOW
    assert item.ModifyingSystem == "Airgate"
    assert item.ReasonForTheAttributeModification == "COERCE"
    assert item["SourceOfPreviousValues"].is_empty
    earlier = before.get("OriginalAttributesSequence") or []
    assert list(after.OriginalAttributesSequence)[:-1] == list(earlier)
    for ds in (before, after):
        for keyword in ("IssuerOfPatientID", "OriginalAttributesSequence"):
            if keyword in ds:
                del ds[keyword]
    assert before == after
    assert before.file_meta == after.file_meta


@pytest.mark.parametrize("transfer_syntax", NATIVE)
def test_attributes_in_json_and_in_bytes_are_the_same_change(transfer_syntax):
    content = in_form(instance(1), transfer_syntax)
    attributes = header_attributes(read_header(content))
    coercion = issuer_coercion(attributes, "HOSPITAL", NOW)
    assert coercion is not None
    changed = coerced(attributes, coercion)
    assert header_attributes(read_header(spliced_bytes(content))) == changed
    assert coercion_of(changed) == coercion.item
    assert uncoerced(changed) == attributes
    assert uncoerced(attributes) == attributes
    assert coercion_of(attributes) is None


def test_an_instance_that_has_an_issuer_is_left_alone():
    attributes = header_attributes(read_header(instance(1, IssuerOfPatientID="OTHER")))
    assert issuer_coercion(attributes, "HOSPITAL", NOW) is None


def test_changes_of_others_are_not_taken_back():
    content = instance(1, OriginalAttributesSequence=[earlier_change()])
    attributes = header_attributes(read_header(content))
    assert uncoerced(attributes) == attributes
    assert coercion_of(attributes) is None
    assert uncoerced(header_attributes(read_header(spliced_bytes(content)))) == attributes


def test_an_empty_issuer_and_none_are_one_thing_when_changes_are_taken_back():
    absent = header_attributes(read_header(instance(1)))
    empty = header_attributes(read_header(instance(1, IssuerOfPatientID="")))
    assert uncoerced(empty) == absent


def test_all_that_is_not_touched_stays_byte_for_byte():
    """What was put in is cut out again: the rest, and zeros after the data set, are as sent."""
    sent = instance(1) + b"\0" * 100
    after = spliced_bytes(sent)
    issuer = after.index(b"\x10\0\x21\0LO")
    sequence = after.index(b"\0\x04\x61\x05SQ")
    end = sequence + 12 + int.from_bytes(after[sequence + 8 : sequence + 12], "little")
    assert after[:issuer] + after[issuer + 16 : sequence] + after[end:] == sent


def test_group_lengths_of_changed_groups_go_and_others_stay():
    content = instance(1)
    length = b"\x10\0\0\0UL\4\0\x2a\0\0\0"
    other = b"\x28\0\0\0UL\4\0\x2a\0\0\0"
    at, pixels_at = content.index(b"\x10\0\x10\0PN"), content.index(b"\x28\0\x02\0US")
    content = content[:at] + length + content[at:pixels_at] + other + content[pixels_at:]
    after = spliced_bytes(content)
    assert length not in after
    assert other in after
    assert dcmread(BytesIO(after)).IssuerOfPatientID == "HOSPITAL"


def test_a_sequence_of_undefined_length_or_hidden_in_un_gets_the_item_too():
    plain = instance(1)
    at = plain.index(b"\xe0\x7f\x10\0OW")
    item = b"\xfe\xff\0\xe0\xff\xff\xff\xff" + b"\0\x04\x65\x05CS\x06\0COERCE"
    implicit = b"\xfe\xff\0\xe0\x0e\0\0\0" + b"\0\x04\x65\x05\x06\0\0\0COERCE"
    ends = b"\xfe\xff\x0d\xe0\0\0\0\0"
    for head, value, end in (
        (b"\0\x04\x61\x05SQ\0\0\xff\xff\xff\xff", item + ends, b"\xfe\xff\xdd\xe0\0\0\0\0"),
        (b"\0\x04\x61\x05UN\0\0\x16\0\0\0", implicit, b""),
        (b"\0\x04\x61\x05UN\0\0\xff\xff\xff\xff", implicit, b"\xfe\xff\xdd\xe0\0\0\0\0"),
    ):
        content = plain[:at] + head + value + end + plain[at:]
        after = attributes_of(read_header(spliced_bytes(content)).dataset)
        items = after["04000561"]["Value"]
        assert items[0] == {"04000565": {"vr": "CS", "Value": ["COERCE"]}}
        assert items[1]["04000563"]["Value"] == ["Airgate"]
        assert len(items) == 2


def test_an_inflated_data_set_can_be_changed():
    content = in_form(instance(1), DeflatedExplicitVRLittleEndian)
    header = read_header(content)
    plain = b"".join(inflated(content, header.data_set_offset, 1 << 20))
    after = read_header(spliced_bytes(plain))
    assert attributes_of(after.dataset)["00100021"]["Value"] == ["HOSPITAL"]


@pytest.mark.parametrize(
    "folder", ["objects", "charsets", "enhanced", "us", "rt", "other", "transfer_syntaxes", "xray"]
)
def test_every_real_file_keeps_all_it_had(folder):
    for path in sorted(shared_data(folder).glob("*.dcm")):
        content = path.read_bytes()
        header = read_header(content)
        attributes = header_attributes(header)
        coercion = issuer_coercion(attributes, "HOSPITAL", NOW)
        if coercion is None or header.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            continue
        after = read_header(spliced_bytes(content))
        assert header_attributes(after) == coerced(attributes, coercion), path.name
        assert uncoerced(header_attributes(after)) == uncoerced(attributes), path.name
        if header.pixel_data is not None and after.pixel_data is not None:
            assert after.pixel_data.length == header.pixel_data.length, path.name
        assert dcmread(BytesIO(spliced_bytes(content))).IssuerOfPatientID == "HOSPITAL"
