"""What goes wrong while WADO-RS answers: a clear status before, never a whole answer after."""

from collections.abc import Iterator

import httpx
import pytest

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway.retrieve import instances as instances_module
from gateway.store.tables import InstanceRow
from tests.gateway.index_helper import Gateway, written
from tests.gateway.retrieve_example import (
    DICOM,
    FILES,
    OCTETS,
    PIXELS,
    SERIES,
    STUDY,
    UIDS,
    get,
    image,
    instance_url,
)

STORED = f"{DICOM}; transfer-syntax=*"


class FailingArchive(MemoryArchive):
    """Goes away after so many reads."""

    reads_left = 1_000_000

    def read(self, key: str) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise ArchiveUnavailable("the archive", "it is gone")
        return super().read(key)


@pytest.fixture
def gateway(tmp_path, monkeypatch) -> Iterator[Gateway]:
    monkeypatch.setattr("tests.gateway.index_helper.MemoryArchive", FailingArchive)
    gateway = Gateway(tmp_path)
    gateway.store(*FILES.values())
    yield gateway
    gateway.close()


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/studies/{STUDY}", STORED),
        (f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['rle']}", STORED),
        (f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['rle']}", DICOM),
        (f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['rle']}/frames/1", OCTETS),
        (f"/studies/{STUDY}/bulkdata", OCTETS),
        (f"/studies/{STUDY}/pixeldata", OCTETS),
        (f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['rle']}/bulkdata/7FE00010", OCTETS),
    ],
)
def test_an_archive_that_is_away_is_told_before_the_answer_begins(gateway, path, accept):
    gateway.archive.reads_left = 0
    with gateway.serving() as root:
        response = get(f"{root}/dicom-web{path}", accept)

    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "it is gone" in response.json()["detail"]


@pytest.mark.parametrize("accept", [STORED, DICOM])
@pytest.mark.parametrize("path", ["", "/bulkdata", "/pixeldata"])
def test_an_archive_that_goes_away_midway_breaks_the_answer_off(gateway, path, accept):
    """A client must not take half a study for a whole one."""
    accept = OCTETS if path else accept
    gateway.archive.reads_left = 6
    with gateway.serving() as root, httpx.Client() as client:
        request = client.build_request(
            "GET", f"{root}/dicom-web/studies/{STUDY}{path}", headers={"Accept": accept}
        )
        response = client.send(request, stream=True)
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()


def test_a_large_instance_that_breaks_off_in_the_archive_is_no_whole_answer(gateway, monkeypatch):
    monkeypatch.setattr(instances_module, "LARGE", 1000)

    def half(self: MemoryArchive, key: str) -> Iterator[bytes]:
        content = self.read(key)
        yield from (content[:1000], content[1000:2000], content[2000:3000])
        raise ArchiveUnavailable("the archive", "it is gone")

    monkeypatch.setattr(FailingArchive, "stream", half)
    with gateway.serving() as root, httpx.Client() as client:
        url = instance_url(f"{root}/dicom-web", "multi")
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(url, headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert client.get(f"{root}/dicom-web/studies").status_code == 200


def _replace(gateway: Gateway, name: str, content: bytes) -> None:
    """Other bytes in the archive, as a bad disk makes them."""
    with gateway.database.read() as session:
        key = session.get_one(InstanceRow, UIDS[name]).archive_key
    gateway.archive._contents[key] = content


@pytest.mark.parametrize("part", [0.02, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("name", ["multi", "multi_rle", "deflated"])
def test_an_object_that_was_cut_off_is_never_given_as_a_whole_one(gateway, name, part):
    _replace(gateway, name, FILES[name][: int(len(FILES[name]) * part)])
    with gateway.serving() as root:
        url = instance_url(f"{root}/dicom-web", name)
        with pytest.raises(httpx.RemoteProtocolError):
            get(url, "application/dicom; transfer-syntax=*")
        last = get(f"{url}/frames/{1 if name == 'deflated' else 4}", OCTETS)
        value = "/bulkdata/54000100/0/54001010"
        others = [
            get(f"{url}{path}", accept)
            for path in ("", "/pixeldata", "/bulkdata", value, "/rendered")
            for accept in ("application/dicom; transfer-syntax=1.2.840.10008.1.2.5", OCTETS, None)
        ]

    assert last.status_code in (400, 404), last.text
    assert {response.status_code for response in others} <= {200, 400, 404, 406}


def test_frames_before_the_end_of_truncated_pixel_data_can_still_be_had(gateway):
    _replace(gateway, "multi", written(image("multi", 4, PixelData=PIXELS[:2].tobytes())))
    with gateway.serving() as root:
        url = f"{instance_url(f'{root}/dicom-web', 'multi')}/frames/"
        given = get(f"{url}2", "application/octet-stream")
        missing = get(f"{url}3", "application/octet-stream")
        both = get(f"{url}3,1", OCTETS)

    assert given.content == PIXELS[1].tobytes()
    assert (missing.status_code, both.status_code) == (404, 404)
    assert "before the end of frame 3" in missing.json()["detail"]
