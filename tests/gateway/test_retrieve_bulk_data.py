"""WADO-RS bulk data and pixel data: every link of the metadata leads to its value."""

import json
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from gateway.keeping import Part
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import (
    BITS,
    COLOUR,
    FILES,
    OCTETS,
    PIXELS,
    SERIES,
    STUDY,
    UIDS,
    get,
    instance_url,
    parts_of,
)
from tests.shared_data import SHARED_DATA, shared_data

STORED = f"{OCTETS}; transfer-syntax=*"
LEVELS = {
    "study": f"/studies/{STUDY}",
    "series": f"/studies/{STUDY}/series/{SERIES}",
    "instance": f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['multi_rle']}",
}


def _links(header: dict) -> list[str]:
    """Every BulkDataURI of a header, in its order."""
    found = []
    for element in header.values():
        found += [element["BulkDataURI"]] if "BulkDataURI" in element else []
        for item in element.get("Value", []) if element["vr"] == "SQ" else []:
            found += _links(item)
    return found


def _told(level: str, root: str) -> list[str]:
    headers = get(f"{root}{LEVELS[level]}/metadata").json()
    return [link for header in headers for link in _links(header)]


def _native(name: str) -> bytes:
    """The pixel data as Explicit VR Little Endian has them."""
    if name == "planes_rle":
        return COLOUR.transpose(2, 0, 1).tobytes()
    if name == "bits":
        return np.packbits(BITS.ravel(), bitorder="little").tobytes()
    return (PIXELS if name.startswith("multi") else PIXELS[:1]).tobytes()


@pytest.mark.parametrize("accept", [None, OCTETS, STORED])
def test_sc_35_every_link_to_bulk_data_leads_to_the_value(root, accept):
    """SC-35."""
    for link in _told("study", root):
        response = get(link, accept)
        if f"{UIDS['undecodable']}/bulkdata/7FE00010" in link and accept == OCTETS:
            assert response.status_code == 406
            continue
        for fields, body in parts_of(response):
            assert fields["Content-Location"] == link
            assert body
        if link.endswith("54001010"):
            assert len(body) == 4000
    ((_, body),) = parts_of(get(f"{instance_url(root, 'big_endian')}/bulkdata/54000100/0/54001010"))
    assert body == b"\x02\x01" * 2000


@pytest.mark.parametrize("level", LEVELS)
def test_sc_40_all_bulk_data_come_with_the_links_of_the_metadata(root, level):
    """SC-40, SC-35: each part says by which link of the metadata it can be had again."""
    found = parts_of(get(f"{root}{LEVELS[level]}/bulkdata", OCTETS))

    assert [fields["Content-Location"] for fields, _ in found] == _told(level, root)
    for fields, body in found:
        link = fields["Content-Location"]
        if UIDS["undecodable"] in link and link.endswith("7FE00010"):
            assert fields["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.4.92")
            continue
        ((_, alone),) = parts_of(get(link, OCTETS))
        assert alone == body


@pytest.mark.parametrize("level", LEVELS)
def test_sc_40_pixel_data_of_all_images_come_uncompressed_by_default(root, level):
    """SC-40."""
    found = parts_of(get(f"{root}{LEVELS[level]}/pixeldata", OCTETS))

    links = [link for link in _told(level, root) if link.endswith("7FE00010")]
    assert [fields["Content-Location"] for fields, _ in found] == links
    names = {instance_url(root, name): name for name in FILES}
    for fields, body in found:
        name = names[fields["Content-Location"].removesuffix("/bulkdata/7FE00010")]
        if name != "undecodable":
            assert fields["Content-Type"].endswith(f"transfer-syntax={ExplicitVRLittleEndian}")
            expected = _native(name)
            assert body[: len(expected)] == expected
            assert not body[len(expected) :].strip(b"\0")


def test_sc_40_compressed_pixel_data_come_frame_by_frame(root):
    """SC-40: a part for each code stream, all of one link."""
    url = instance_url(root, "multi_rle")
    pixels = StoredPixels(FILES["multi_rle"], "1")
    for path in ("/pixeldata", "/bulkdata/7FE00010"):
        for accept in (STORED, 'multipart/related; type="image/dicom-rle"'):
            found = parts_of(get(url + path, accept))
            assert [body for _, body in found] == [pixels.stored(n) for n in (1, 2, 3, 4)]
            for fields, _ in found:
                assert fields["Content-Location"] == f"{url}/bulkdata/7FE00010"
                assert fields["Content-Type"].endswith(f"; transfer-syntax={RLELossless}")
    made = parts_of(get(f"{url}/pixeldata", 'multipart/related; type="image/jls"'))
    assert [fields["Content-Type"] for fields, _ in made] == [
        f"image/jls; transfer-syntax={JPEGLSLossless}"
    ] * 4


def test_sc_40_uncompressed_pixel_data_of_one_instance_can_come_alone(root):
    """SC-40."""
    for name in ("multi", "multi_rle", "explicit"):
        for path in ("/pixeldata", "/bulkdata/7FE00010"):
            response = get(instance_url(root, name) + path, "application/octet-stream")
            expected = _native(name)
            assert response.content[: len(expected)] == expected
    refused = get(
        f"{instance_url(root, 'multi_rle')}/pixeldata",
        "application/octet-stream; transfer-syntax=*",
    )
    assert refused.status_code == 406  # four code streams do not fit into one part


@pytest.mark.parametrize("resource", ["bulkdata", "pixeldata"])
def test_sc_40_what_has_none_is_not_found(root, tmp_path, resource):
    """SC-40."""
    unknown = get(f"{root}/studies/1.2.3/{resource}")
    assert unknown.status_code == 404
    if resource == "pixeldata":
        report = get(f"{instance_url(root, 'report')}/{resource}")
        assert report.status_code == 404
        assert "no pixel data" in report.json()["detail"]
    ds = dcmread(BytesIO(FILES["report"]))
    del ds.WaveformSequence
    content = BytesIO()
    ds.save_as(content)
    gateway = Gateway(tmp_path)
    gateway.store(content.getvalue())
    with gateway.serving() as other:
        for path in LEVELS["study"], LEVELS["series"]:
            assert get(f"{other}/dicom-web{path}/{resource}").status_code == 404
    gateway.close()


@pytest.mark.parametrize(
    "path",
    [
        "00100010/0/00100020",
        "99999999",
        "54000100",
        "54000100/1/54001010",
        "54000100/0",
        "x",
        "7FE",
    ],
)
def test_a_path_to_nothing_is_not_found(root, path):
    assert get(f"{instance_url(root, 'explicit')}/bulkdata/{path}").status_code == 404


def test_a_path_in_small_letters_leads_to_the_same(root):
    url = f"{instance_url(root, 'explicit')}/bulkdata/"
    ((fields, body),) = parts_of(get(f"{url}7fe00010", OCTETS))

    assert body.rstrip(b"\0") == PIXELS[0].tobytes().rstrip(b"\0")
    assert fields["Content-Location"] == f"{url}7FE00010"


def _real() -> list[str]:
    folders = ("objects", "other", "rt", "enhanced", "charsets", "seg_ct_liver", "us")
    found = (path for folder in folders for path in (SHARED_DATA / folder).rglob("*.dcm"))
    return sorted(str(path.relative_to(SHARED_DATA)) for path in found)


@pytest.mark.parametrize("name", _real() or ["objects"])
def test_sc_35_every_link_of_real_files_leads_to_what_pydicom_reads_there(tmp_path, name):
    """SC-35."""
    content = shared_data(*name.split("/")).read_bytes()
    gateway = Gateway(tmp_path)
    refused = gateway.ingest.receive([Part(content)]).result.failed
    if refused:
        pytest.skip(f"refused at the door: {refused[0].reason}")
    ds = dcmread(BytesIO(content))
    with gateway.serving() as root:
        study = f"{root}/dicom-web/studies/{ds.StudyInstanceUID}"
        (header,) = json.loads(get(f"{study}/metadata").content)
        links = _links(header)
        given = {link: get(link, STORED) for link in links}
        everything = parts_of(get(f"{study}/bulkdata", STORED)) if links else []
    gateway.close()

    assert {fields["Content-Location"] for fields, _ in everything} == set(links)
    for link, response in given.items():
        parts = parts_of(response)
        *steps, last = link.partition("/bulkdata/")[2].split("/")
        holder = ds
        for sequence, item in zip(steps[::2], steps[1::2], strict=True):
            holder = holder[int(sequence, 16)].value[int(item)]
        element = holder[int(last, 16)]
        if element.keyword != "PixelData" and isinstance(element.value, bytes):
            assert parts[0][1] == element.value
