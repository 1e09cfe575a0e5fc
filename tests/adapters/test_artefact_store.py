"""The store of artefacts, on a folder and on a file system of fsspec that is none."""

import hashlib
import os
import time
import uuid

import pytest

from adapters.artefact_store import ArtefactStore
from adapters.errors import ArtefactsUnavailable

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_what_is_put_is_fetched_listed_and_removed(tmp_path, kind):
    url = str(tmp_path / "store") if kind == "folder" else f"memory://{uuid.uuid4().hex}/store"
    store, source, target = ArtefactStore(url), tmp_path / "source", tmp_path / "target"
    assert list(store.names_before(time.time() + 60)) == []
    source.write_bytes(CONTENT)
    store.put(source, DIGEST)
    store.put(source, DIGEST)

    store.fetch(DIGEST, target)
    assert target.read_bytes() == CONTENT
    assert list(store.names_before(time.time() + 60)) == [DIGEST]
    assert list(store.names_before(time.time() - 60)) == []
    store.remove(DIGEST)
    with pytest.raises(ArtefactsUnavailable):
        store.fetch(DIGEST, target)


def test_what_is_put_on_the_same_file_system_is_not_copied_and_can_be_read_by_others(tmp_path):
    store, source = ArtefactStore(str(tmp_path / "store")), tmp_path / "source"
    source.write_bytes(CONTENT)
    source.chmod(0o600)
    store.put(source, DIGEST)

    kept = tmp_path / "store" / DIGEST
    assert kept.samefile(source)
    assert kept.stat().st_mode & 0o777 == 0o644


def test_what_is_put_anew_is_not_removed_as_old(tmp_path):
    store, source = ArtefactStore(str(tmp_path / "store")), tmp_path / "source"
    for _ in range(2):
        source.write_bytes(CONTENT)
        store.put(source, DIGEST)
        source.unlink()
        assert list(store.names_before(time.time() - 60)) == []
        os.utime(tmp_path / "store" / DIGEST, (0, 0))  # as if long ago


def test_what_a_broken_upload_left_is_written_anew(tmp_path):
    store, source = ArtefactStore(str(tmp_path / "store")), tmp_path / "source"
    source.write_bytes(CONTENT)
    store.check()
    (tmp_path / "store" / DIGEST).write_bytes(CONTENT[:10])
    store.put(source, DIGEST)
    assert (tmp_path / "store" / DIGEST).read_bytes() == CONTENT
