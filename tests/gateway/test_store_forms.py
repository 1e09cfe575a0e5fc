"""STOW-RS of metadata with bulk data (PS3.18 10.5.2.2), as JSON and as XML: what is kept of it."""

import json
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

from gateway import body_spool
from gateway.retrieve.forms import MEDIA_TYPES
from gateway.store.tables import InstanceRow
from standards.dicom_json import attributes_of
from standards.dicom_xml import native_xml
from standards.dicomweb import MultipartWriter, Part
from standards.jpeg_process import jpeg_transfer_syntax
from standards.part10 import read_header
from tests.gateway.store_helper import STUDY, Gateway, MoodyArchive, reasons, serving
from tests.instances import instance, written
from tests.shared_data import shared_data

JSON, XML, OCTETS = "application/dicom+json", "application/dicom+xml", "application/octet-stream"
PIXELS = "7FE00010"


@pytest.fixture
def gateway(sqlite, tmp_path):
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path)) as gateway:
        yield gateway


def metadata(content: bytes, at: str = f"bulk/{PIXELS}") -> dict:
    """The attributes of an instance, pixel data by the URI `at`, other binary values inline."""
    header = read_header(content)
    attributes = attributes_of(header.dataset, None)
    if header.pixel_data is not None:
        attributes[PIXELS] = {"vr": header.pixel_data.vr, "BulkDataURI": at}
    return attributes


def as_json(*instances: dict) -> Part:
    return Part(JSON, [json.dumps(list(instances)).encode()])


def as_xml(attributes: dict) -> Part:
    return Part(XML, [native_xml(attributes)])


def bulk(content: bytes, media_type: str = OCTETS, location: str = f"bulk/{PIXELS}") -> Part:
    return Part(media_type, [content], location)


def post(gateway, *parts: Part, root: str = JSON, **headers):
    writer = MultipartWriter(root)
    body = b"".join(writer.body(parts))
    return gateway.post(body, writer.content_type, **headers)


def stored(gateway) -> list[Dataset]:
    """What lies in the archive, in the order of SOP Instance UIDs, with its bytes checked."""
    with gateway.database.read() as session:
        rows = session.query(InstanceRow).order_by(InstanceRow.sop_instance_uid).all()
        keys = [row.archive_key for row in rows]
    contents = [gateway.archive.read(key) for key in keys]
    assert all(content[128:132] == b"DICM" for content in contents)
    return [dcmread(BytesIO(content)) for content in contents]


def several_frames(frames: int = 3) -> Dataset:
    pixels = b"".join(bytes([n + 1]) * 64 for n in range(frames))
    changes = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "NumberOfFrames": frames}
    return dcmread(BytesIO(instance(1, PixelData=pixels, **changes)))


@pytest.mark.parametrize("form", [as_json, as_xml])
def test_metadata_and_bulk_data_are_stored_as_part_10(gateway, form):
    """SC-11: JSON or XML metadata and bulk data parts with Content-Location become Part 10."""
    content = instance(7)
    sent = dcmread(BytesIO(content))
    attributes = metadata(content)
    root = JSON if form is as_json else XML
    reply = post(gateway, form(attributes), bulk(sent.PixelData), root=root)
    assert reply.status_code == 200, reply.headers.get("warning")
    assert reply.json()["00081199"]["Value"][0]["00081155"]["Value"] == [sent.SOPInstanceUID]
    (kept,) = stored(gateway)
    assert kept.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert kept.file_meta.MediaStorageSOPInstanceUID == sent.SOPInstanceUID
    assert kept == sent
    assert kept["PixelData"].VR == "OW"


def test_an_array_holds_many_instances_and_parts_may_come_in_any_order(gateway):
    contents = [instance(n) for n in (1, 2, 3)]
    all_of_them = [
        metadata(content, at=f"http://elsewhere.example/{n}") for n, content in enumerate(contents)
    ]
    pixels = [
        bulk(dcmread(BytesIO(content)).PixelData, location=f"http://elsewhere.example/{n}")
        for n, content in enumerate(contents)
    ]
    reply = post(gateway, as_json(*all_of_them[:2]), *pixels, as_json(all_of_them[2]))
    assert reply.status_code == 200, reply.headers.get("warning")
    assert stored(gateway) == [dcmread(BytesIO(content)) for content in contents]


def test_one_object_without_an_array_is_an_instance_too(gateway):
    content = instance(1)
    part = Part(f"{JSON}; charset=utf-8", [json.dumps(metadata(content)).encode()])
    assert post(gateway, part, bulk(dcmread(BytesIO(content)).PixelData)).status_code == 200
    assert gateway.count() == 1


def test_every_kind_of_bulk_data_finds_its_attribute(gateway):
    content = instance(
        1,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        EncapsulatedDocument=b"%PDF-1.7 odd",
        PixelData=None,
    )
    attributes = metadata(content)
    attributes["00420011"] = {"vr": "OB", "BulkDataURI": "./bulk/the%20document"}
    attributes["54000100"] = {
        "vr": "SQ",
        "Value": [{"54001010": {"vr": "OW", "BulkDataURI": "waves"}}],
    }
    del attributes[PIXELS]
    reply = post(
        gateway,
        as_json(attributes),
        bulk(b"%PDF-1.7 odd", "application/pdf", "bulk/the%20document"),
        bulk(b"\1\2\3\4", OCTETS, "waves"),
    )
    assert reply.status_code == 200, reply.headers.get("warning")
    (kept,) = stored(gateway)
    assert kept.EncapsulatedDocument == b"%PDF-1.7 odd"
    assert kept.WaveformSequence[0].WaveformData == b"\1\2\3\4"


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("parameter", ["", f"; transfer-syntax={RLELossless}"])
def test_compressed_frames_come_one_in_each_part(gateway, numbered, parameter):
    ds = several_frames()
    expected = ds.pixel_array
    ds.compress(RLELossless, generate_instance_uid=False)
    frames = list(generate_frames(ds.PixelData, number_of_frames=3))
    names = [f"bulk/{PIXELS}/frames/{n}" for n in (1, 2, 3)] if numbered else [f"bulk/{PIXELS}"] * 3
    parts = [
        bulk(frame, f"image/dicom-rle{parameter}", name)
        for frame, name in zip(frames, names, strict=True)
    ]
    sent = reversed(parts) if numbered else parts
    reply = post(gateway, as_json(metadata(written(ds, RLELossless))), *sent)
    assert reply.status_code == 200, reply.headers.get("warning")
    (kept,) = stored(gateway)
    assert kept.file_meta.TransferSyntaxUID == RLELossless
    assert list(generate_frames(kept.PixelData, number_of_frames=3)) == frames
    assert (kept.pixel_array == expected).all()


def test_uncompressed_frames_may_be_numbered_too(gateway):
    ds = several_frames()
    parts = [
        bulk(bytes([n]) * 64, f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2", f"x/frames/{n}")
        for n in (3, 1, 2)
    ]
    attributes = metadata(written(ds), at="x")
    assert post(gateway, as_json(attributes), *parts).status_code == 200
    (kept,) = stored(gateway)
    assert kept.PixelData == ds.PixelData


def test_the_pixels_of_every_transfer_syntax_are_stored_as_they_are(gateway):
    folder = shared_data("transfer_syntaxes")
    seen = set()
    for number, path in enumerate(sorted(folder.glob("*.dcm"))):
        content = path.read_bytes()
        syntax = read_header(content).transfer_syntax_uid
        if syntax not in MEDIA_TYPES:
            continue
        attributes = metadata(content)
        own = {"00080018": "1.2.3", "0020000D": "1.2", "0020000E": "1.1"}
        for tag, uid in own.items():  # most of these files have the same SOP Instance UID
            attributes[tag] = {"vr": "UI", "Value": [f"{uid}.{number}"]}
        frame = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
        media_type = f"{MEDIA_TYPES[syntax]}; transfer-syntax={syntax}"
        reply = post(gateway, as_json(attributes), bulk(frame, media_type))
        assert reply.status_code == 200, (path.name, reply.headers["warning"])
        (kept,) = [ds for ds in stored(gateway) if ds.SOPInstanceUID == f"1.2.3.{number}"]
        assert kept.file_meta.TransferSyntaxUID == syntax
        whole = next(generate_frames(kept.PixelData, number_of_frames=1))
        assert whole[: len(frame)] == frame
        seen.add(syntax)
        if MEDIA_TYPES[syntax] == "image/jpeg":
            assert jpeg_transfer_syntax(frame) == syntax, path.name
    assert len(seen) >= 10


def test_a_plain_image_jpeg_is_taken_for_what_its_bitstream_says(gateway):
    attributes = metadata(
        instance(1, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=b"1" * 64)
    )
    baseline = (
        b"\xff\xd8\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0"
        b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"bits" + b"\xff\xd9"
    )
    lossless = baseline.replace(b"\xff\xc0", b"\xff\xc3").replace(b"\0\0\x3f\0", b"\0\x01\0\0")
    for number, bitstream in enumerate((baseline, lossless, b"no jpeg"), start=1):
        attributes["00080018"]["Value"] = [f"1.2.3.{number}"]
        assert post(gateway, as_json(attributes), bulk(bitstream, "image/jpeg")).status_code == 200
    found = [str(ds.file_meta.TransferSyntaxUID) for ds in stored(gateway)]
    assert found == ["1.2.840.10008.1.2.4.50", JPEGLosslessSV1, JPEGLosslessSV1]


PLAIN = dcmread(BytesIO(instance(1))).PixelData


@pytest.mark.parametrize(
    ("parts", "reason", "told"),
    [
        ([], 0x0110, "no part of the request has its BulkDataURI"),
        ([bulk(PLAIN, location="")], 0x0110, "no part of the request has its BulkDataURI"),
        ([bulk(PLAIN), bulk(PLAIN)], 0x0110, "2 parts have the same Content-Location"),
        ([bulk(PLAIN, location=f"bulk/{PIXELS}/frames/2")], 0x0110, "not the frames 1 to 1"),
        ([bulk(PLAIN, "image/jls"), bulk(PLAIN, "image/jls")], 0x0110, "2 part(s) of image/jls"),
        ([bulk(PLAIN, "image/jls"), bulk(PLAIN)], 0xC122, "are not read"),
        ([bulk(PLAIN, "image/png")], 0xC122, "'image/png' in transfer syntax"),
        ([bulk(PLAIN, "image/jls; transfer-syntax=1.2.3")], 0xC122, "'1.2.3' are not read"),
        ([bulk(PLAIN, f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.2")], 0xC122, "not read"),
        ([bulk(PLAIN[:-2])], 0xA900, "126 bytes of pixel data where"),
    ],
)
def test_bulk_data_that_do_not_fit_fail_their_instance_alone(gateway, parts, reason, told):
    good = instance(2)
    attributes = metadata(good, at="the/good/one")
    sound = bulk(dcmread(BytesIO(good)).PixelData, location="the/good/one")
    reply = post(gateway, as_json(metadata(instance(1)), attributes), sound, *parts)
    assert reply.status_code == 202, reply.text
    failed = reply.json()["00081198"]["Value"][0]
    assert failed["00081155"]["Value"] == [f"{STUDY}.1.1"]
    assert reasons(reply, "00081198") == [reason]
    assert told in reply.headers["warning"]
    assert [ds.InstanceNumber for ds in stored(gateway)] == [2]


def test_bulk_data_elsewhere_are_never_fetched(gateway):
    """The address of this very gateway: it would answer, if it were asked."""
    asked = []
    gateway.app.add_api_route("/bait", lambda: asked.append("fetched"))
    attributes = metadata(instance(1), at=f"{gateway.root}/bait")
    reply = post(gateway, as_json(attributes))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0110])
    assert "not fetched" in reply.headers["warning"]
    assert asked == []


def test_bulk_data_that_nothing_names_are_told(gateway):
    reply = post(gateway, as_json(metadata(instance(1))), bulk(PLAIN), bulk(b"??", location="x"))
    assert reply.status_code == 202
    assert reasons(reply, "0008119A") == [0x0110]
    assert "1 part(s) of bulk data that no metadata names" in reply.headers["warning"]
    assert gateway.count() == 1


def test_metadata_that_cannot_be_read_fail_alone(gateway):
    broken = Part(JSON, [b'[{"00100020": '])
    wrong = metadata(instance(2), at="2")
    wrong["00280010"]["Value"] = ["many"]
    nameless = metadata(instance(3))
    del nameless["00080018"]
    parts = (broken, as_json(wrong, nameless), as_json(metadata(instance(1))), bulk(PLAIN))
    reply = post(gateway, *parts, bulk(PLAIN, location="2"))
    assert reply.status_code == 202
    assert reasons(reply, "0008119A") == [0xC000, 0xC000]
    assert reasons(reply, "00081198") == [0xC000]
    assert [ds.InstanceNumber for ds in stored(gateway)] == [1]


@pytest.mark.parametrize(
    "parts", [[], [bulk(PLAIN)], [as_json()], [Part("application/dicom", [instance(1)])]]
)
def test_a_request_without_metadata_holds_no_instance(gateway, parts):
    reply = post(gateway, *parts)
    assert reply.status_code == 400
    assert "holds no instance" in reply.json()["detail"]


def test_small_bulk_data_may_be_shared_and_large_ones_only_so_often(gateway, monkeypatch):
    monkeypatch.setattr("gateway.body_bulk.MOST_REPEATED", 2 * len(PLAIN))
    reply = post(gateway, as_json(*(metadata(instance(n)) for n in range(1, 6))), bulk(PLAIN))
    assert reply.status_code == 202
    assert gateway.count() == 3
    assert "send a part for each instance" in reply.headers["warning"]


def test_large_parts_pass_through_the_spool_and_leave_it_empty(gateway, monkeypatch):
    monkeypatch.setattr(body_spool, "LARGEST_IN_MEMORY", 100)
    contents = [instance(n) for n in (1, 2)]
    parts = [bulk(dcmread(BytesIO(c)).PixelData, location=str(n)) for n, c in enumerate(contents)]
    all_of_them = [metadata(c, at=str(n)) for n, c in enumerate(contents)]
    assert post(gateway, as_json(*all_of_them), *parts).status_code == 200
    assert stored(gateway) == [dcmread(BytesIO(content)) for content in contents]
    assert post(gateway, as_json(metadata(instance(3)))).status_code == 409
    assert list(gateway.settings.spool.iterdir()) == []


def test_metadata_beyond_the_limit_are_too_large(sqlite, tmp_path):
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path, maximum_metadata_mb=1)) as gateway:
        attributes = metadata(instance(1)) | {"00324000": {"vr": "LT", "Value": ["x" * 2**20]}}
        reply = post(gateway, as_json(attributes), bulk(PLAIN))
        assert reply.status_code == 413
        assert gateway.count() == 0


def test_no_reason_tells_who_the_patient_is(gateway):
    wrong = metadata(instance(1))
    wrong["00100010"]["Value"] = [{"Alphabetic": "Secret^Name=X"}]
    wrong["00081030"]["Value"] = ["Secret\\Study"]
    reply = post(gateway, as_json(wrong))
    assert reply.status_code == 409
    assert "Secret" not in reply.text + str(dict(reply.headers))


@pytest.mark.parametrize(
    "part",
    [
        as_json({"患者": {"vr": "LO"}}),
        Part(JSON, [b'{"\\ud800\\u0000": {"vr": "LO"}}']),
        Part(XML, ["<患者/>".encode()]),
        bulk(PLAIN, 'image/jls; transfer-syntax="\xe9\x01"'),
        bulk(PLAIN, location="http://[x"),
    ],
)
def test_hostile_names_are_told_without_breaking_the_answer(gateway, part):
    reply = post(gateway, as_json(metadata(instance(1))), part)
    assert reply.status_code == 409
    assert reply.headers["warning"].isascii()


def test_the_gateways_own_metadata_can_be_sent_back(gateway):
    """Attributes as /metadata gives them, absolute addresses of bulk data and all."""
    content = instance(1)
    attributes = attributes_of(read_header(content).dataset)
    address = f"http://gateway.example/dicom-web/studies/{STUDY}/bulkdata/{PIXELS}"
    attributes[PIXELS] = {"vr": "OW", "BulkDataURI": address}
    attributes["00083002"] = {"vr": "UI", "Value": [ExplicitVRLittleEndian]}
    attributes["00081190"] = {"vr": "UR", "Value": ["http://gateway.example/"]}
    assert post(gateway, as_json(attributes), bulk(PLAIN, location=address)).status_code == 200
    assert stored(gateway) == [dcmread(BytesIO(content))]
