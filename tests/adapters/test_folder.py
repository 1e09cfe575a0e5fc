"""The folder archive: what lies on disk, and what happens when the disk will not."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.errors import ArchiveUnavailable
from adapters.folder import FolderArchive


def test_a_content_is_one_file_named_by_its_hash(tmp_path):
    archive = FolderArchive(tmp_path)
    key = archive.store(b"content").key
    assert key == hashlib.sha256(b"content").hexdigest()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [key]


def test_many_writers_of_one_content_leave_one_whole_file(tmp_path):
    archive = FolderArchive(tmp_path)
    content = os.urandom(1 << 20)
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(archive.store, [content] * 16))
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [content]
    assert len({each.key for each in stored}) == 1
    assert sum(each.new for each in stored) == 1


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("in the way")
    archive = FolderArchive(tmp_path / "file" / "archive")
    with pytest.raises(ArchiveUnavailable, match="not available"):
        archive.store(b"content")
    with pytest.raises(ArchiveUnavailable):
        archive.check()
