"""The real Orthanc, as archive and as minded child."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adapters import orthanc_process
from adapters.errors import (
    ArchiveConflict,
    ArchiveFull,
    ArchiveRefused,
    ArchiveUnavailable,
    OrthancMissing,
)
from adapters.orthanc import OrthancArchive
from adapters.orthanc_process import OrthancChild, child_url
from tests.instances import instance
from tests.orthanc_server import needs_orthanc, orthanc_url, until  # noqa: F401 (a fixture)
from tests.postgresql import free_port


@pytest.fixture
def child(tmp_path):
    needs_orthanc()
    child = OrthancChild(tmp_path)
    child.start()
    yield child
    child.stop()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def answers(data: Path) -> bool:
    try:
        return "Orthanc" in OrthancArchive(child_url(data)).check()
    except ArchiveUnavailable:
        return False


def test_other_bytes_under_a_known_identity_are_a_conflict(orthanc_url):  # noqa: F811
    archive = OrthancArchive(orthanc_url)
    first = instance(1)
    key = archive.store(first).key
    with pytest.raises(ArchiveConflict) as conflict:
        archive.store(instance(1, StudyDescription="changed"))
    assert conflict.value.key == key
    assert archive.read(key) == first


def test_what_orthanc_cannot_parse_is_refused(orthanc_url):  # noqa: F811
    with pytest.raises(ArchiveRefused, match="Bad file format"):
        OrthancArchive(orthanc_url).store(b"not DICOM at all" * 10)


def test_wrong_credentials_are_told_without_showing_them(orthanc_url):  # noqa: F811
    url = httpx.URL(orthanc_url).copy_with(username="somebody", password="hunter2")
    archive = OrthancArchive(str(url))
    for use in (archive.check, lambda: archive.store(instance(1))):
        with pytest.raises(ArchiveUnavailable, match="credentials") as error:
            use()
        assert "hunter2" not in str(error.value)


def test_an_orthanc_that_is_not_there_is_unavailable():
    archive = OrthancArchive(f"http://127.0.0.1:{free_port()}")
    for use in (archive.check, lambda: archive.store(instance(1))):
        with pytest.raises(ArchiveUnavailable, match="check that it runs"):
            use()


def test_the_child_is_private(child, tmp_path):
    folder = tmp_path / "orthanc"
    for name in ("password", "orthanc.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    bare = httpx.URL(child_url(tmp_path)).copy_with(username=None, password=None)
    assert httpx.get(f"{bare}/system").status_code == 401
    configuration = json.loads((folder / "orthanc.json").read_text())
    assert configuration["RemoteAccessAllowed"] is False
    assert configuration["DicomServerEnabled"] is False


def test_a_child_that_dies_comes_back_at_the_same_place_with_its_bytes(child, tmp_path):
    archive = OrthancArchive(child_url(tmp_path))
    key = archive.store(instance(1)).key
    first = child.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: child.pid != first and answers(tmp_path))
    assert archive.read(key) == instance(1)


def test_stop_waits_for_the_end_and_a_new_start_is_quick(tmp_path):
    needs_orthanc()
    child = OrthancChild(tmp_path)
    child.start()
    url, pid = child_url(tmp_path), child.pid
    child.stop()
    assert not alive(pid)
    started = time.monotonic()
    child.start()
    assert time.monotonic() - started < 5
    assert child_url(tmp_path) == url
    child.stop()


def test_the_orthanc_of_a_killed_gateway_ends_and_the_next_one_takes_over(tmp_path):
    needs_orthanc()
    script = (
        "import sys, time; from pathlib import Path; "
        "from adapters.orthanc_process import OrthancChild; "
        "child = OrthancChild(Path(sys.argv[1])); child.start(); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    gateway = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert gateway.stdout is not None
    left_over = int(gateway.stdout.readline())
    gateway.kill()
    gateway.wait()
    child = OrthancChild(tmp_path)
    child.start()
    assert not alive(left_over)
    assert answers(tmp_path)
    child.stop()


def test_a_port_that_another_program_took_is_exchanged(tmp_path):
    needs_orthanc()
    taken = httpx.URL(child_url(tmp_path)).port
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(taken)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: not orthanc_process._is_free(taken))
        child = OrthancChild(tmp_path)
        child.start()
        assert httpx.URL(child_url(tmp_path)).port != taken
        child.stop()
    finally:
        other.kill()
        other.wait()


def test_without_a_binary_the_command_that_installs_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(orthanc_process.shutil, "which", lambda *_, **__: None)
    with pytest.raises(OrthancMissing, match="apt-get install -y orthanc"):
        OrthancChild(tmp_path).start()


@contextmanager
def small_disk(folder: Path, size: str):
    """A file system of its own in memory; needs root."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a full disk can only be made where tmpfs may be mounted")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_as_such(tmp_path):
    needs_orthanc()
    with small_disk(tmp_path / "data", "3m"):
        child = OrthancChild(tmp_path / "data")
        child.start()
        archive = OrthancArchive(child_url(tmp_path / "data"))
        large = instance(1, Rows=1448, Columns=1448, PixelData=b"\1\2" * 1448**2)
        with pytest.raises(ArchiveFull, match="free disk space"):
            archive.store(large)
        child.stop()
