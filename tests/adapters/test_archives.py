"""What every archive promises, tried on all of them."""

import time
from pathlib import Path

import pytest

from adapters.archive import CHUNK, Archive
from adapters.errors import NotInArchive
from adapters.folder import FolderArchive
from adapters.memory import MemoryArchive
from adapters.orthanc import OrthancArchive
from tests.instances import instance
from tests.orthanc_server import orthanc_url  # noqa: F401 (a fixture)


@pytest.fixture(params=["memory", "folder", "orthanc"])
def archive(request, tmp_path) -> Archive:
    if request.param == "memory":
        return MemoryArchive()
    if request.param == "folder":
        return FolderArchive(tmp_path / "archive")
    return OrthancArchive(request.getfixturevalue("orthanc_url"))


def test_bytes_come_back_as_they_were_stored(archive):
    content = instance(1, study="1.2.826.0.11")
    key = archive.store(content).key
    assert archive.read(key) == content
    assert b"".join(archive.stream(key)) == content


def test_the_same_bytes_again_give_the_same_key(archive):
    content = instance(2, study="1.2.826.0.11")
    first, again = archive.store(content), archive.store(content)
    assert first.key == again.key
    assert (first.new, again.new) == (True, False)


def test_a_large_file_is_stored_from_disk_and_streamed_in_pieces(archive, tmp_path):
    content = instance(3, study="1.2.826.0.11", Rows=1024, Columns=1024, PixelData=b"\1\2" * 2**20)
    path = tmp_path / "large.dcm"
    path.write_bytes(content)
    key = archive.store(path).key
    chunks = list(archive.stream(key))
    assert b"".join(chunks) == content
    assert max(len(chunk) for chunk in chunks) <= CHUNK
    assert archive.store(path) == (key, False)
    assert path.exists()


def test_what_is_deleted_is_gone_and_may_be_deleted_again(archive):
    key = archive.store(instance(4, study="1.2.826.0.11")).key
    archive.delete(key)
    archive.delete(key)
    with pytest.raises(NotInArchive):
        archive.read(key)
    with pytest.raises(NotInArchive):
        list(archive.stream(key))


@pytest.mark.parametrize("key", ["0" * 64, "-".join(["0" * 8] * 5), "../../etc/passwd", ""])
def test_an_unknown_key_is_told_so(archive, key):
    with pytest.raises(NotInArchive):
        archive.read(key)
    with pytest.raises(NotInArchive):
        list(archive.stream(key))


def test_what_it_holds_is_listed_and_described(archive):
    began = time.time()
    first, second = (instance(number, study="1.2.826.0.12") for number in (1, 2))
    keys = [archive.store(content).key for content in (first, second)]
    assert set(keys) <= {key for page in archive.listing() for key in page}

    archive.delete(keys[0])
    assert keys[0] not in {key for page in archive.listing() for key in page}
    (held,) = archive.held([*keys, "../../etc/passwd", "-".join(["0" * 8] * 5), "0" * 64])
    assert (held.key, held.size) == (keys[1], len(second))
    assert abs(held.came_at - began) < 2  # Orthanc tells whole seconds


def test_it_says_what_it_is(archive):
    assert any(word in archive.check() for word in ("memory", "folder", "Orthanc 1."))


def test_the_protocol_is_kept_by_the_folder(tmp_path: Path):
    archive: Archive = FolderArchive(tmp_path)
    assert archive.check() == f"folder {tmp_path}"
