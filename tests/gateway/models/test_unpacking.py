"""Archives that nobody vouches for: laid out whole, or refused with the reason and no trace."""

import random
import struct
import tarfile
import zipfile

import pytest

from gateway.errors import Unprocessable
from gateway.models.unpacking import Limits, unpack
from tests.gateway.models.archives import link, tar_link, tarred, zipped

SMALL = Limits(files=10, total=1 << 20, ratio=50, unmeasured=1 << 16)
ZEROS = bytes(1 << 19)
NOISE = random.Random(7).randbytes(1 << 10)
LOUD = random.Random(8).randbytes(1 << 18)


def understated() -> bytes:
    """Its headers say 10 bytes, and half a MiB comes out."""
    size, told = struct.pack("<I", len(ZEROS)), struct.pack("<I", 10)
    return zipped(("big", ZEROS)).replace(size, told)


def encrypted() -> bytes:
    """The flag of the local header and of the directory says so."""
    content = bytearray(zipped(("a", b"x")))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def long_header() -> bytes:
    """An extended header of tar as long as the archive may be."""
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (17 << 20)}
    return tarred((info, b"x"))


HOSTILE = {
    "a path that climbs": (zipped(("../a", "x")), "leaves its folder"),
    "a path that climbs from within": (zipped(("a/../../b", "x")), "leaves its folder"),
    "an absolute path": (zipped(("/etc/a", "x")), "leaves its folder"),
    "a path of another system": (zipped((r"..\a", "x")), "leaves its folder"),
    "a drive": (zipped(("C:a", "x")), "leaves its folder"),
    "a link": (zipped((link("a"), "/etc/passwd")), "a link or a device"),
    "a file by a link": (zipped((link("a"), "/etc"), ("a/b", "x")), "a link or a device"),
    "a name twice": (zipped(("a", "x"), ("./a", "y")), "twice"),
    "a file that becomes a folder": (zipped(("a", "x"), ("a/", "")), "as a file and as a folder"),
    "a folder that is a file": (zipped(("a", "x"), ("a/b", "y")), "as a file and as a folder"),
    "a file that is a folder": (zipped(("a/b", "y"), ("a", "x")), "as a file and as a folder"),
    "a long name": (zipped(("a" * 300, "x")), "too long"),
    "a deep path": (zipped(("a/" * 600 + "a", "x")), "too long"),
    "many files": (zipped(*((str(n), "") for n in range(11))), "more than 10 files"),
    "a bomb": (zipped(("a", ZEROS)), "more than 50 times"),
    "many bytes": (zipped(*((str(n), LOUD) for n in range(5))), "more than 1048576 bytes"),
    "a size that lies": (understated(), "cannot be read"),
    "a secret": (encrypted(), "encrypted"),
    "no archive": (b"no archive at all", "cannot be read"),
    "nothing": (b"", "cannot be read"),
    "half of one": (zipped(("a", NOISE))[:600], "cannot be read"),
    "half of a tar": (tarred(("a", NOISE))[:-300], "cannot be read"),
    "a gzip file that is no tar": (b"\x1f\x8b" + NOISE, "cannot be read"),
    "a climbing tar": (tarred(("../a", b"x")), "leaves its folder"),
    "an absolute tar": (tarred(("/a", b"x")), "leaves its folder"),
    "a link in a tar": (tarred((tar_link("a", "/etc/passwd"), b"")), "a link or a device"),
    "a hard link": (tarred((tar_link("a", "b", tarfile.LNKTYPE), b"")), "a link or a device"),
    "a device": (tarred((tar_link("a", "", tarfile.CHRTYPE), b"")), "a link or a device"),
    "a bomb in a tar": (tarred(("a", ZEROS)), "more than 50 times"),
    "a tar of many files": (tarred(*((str(n), b"") for n in range(11))), "more than 10 files"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_of_it_stays(tmp_path, content, told):
    archive = tmp_path / "spool" / "archive"
    archive.parent.mkdir()
    archive.write_bytes(content)
    with pytest.raises(Unprocessable, match=told):
        unpack(archive, tmp_path / "models" / "new", SMALL)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (left, list((tmp_path / "models").iterdir())) == ([archive], [])


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_honest_archive_is_laid_out_as_it_was_packed(tmp_path, pack):
    archive = tmp_path / "archive"
    archive.write_bytes(pack(("card.toml", b"x"), ("weights/deep/er.bin", NOISE), ("empty", b"")))
    unpack(archive, tmp_path / "new", SMALL)
    assert (tmp_path / "new" / "weights" / "deep" / "er.bin").read_bytes() == NOISE
    assert (tmp_path / "new" / "empty").read_bytes() == b""


def test_headers_without_end_are_not_read_into_memory(tmp_path):
    archive = tmp_path / "archive"
    archive.write_bytes(long_header())
    with pytest.raises(Unprocessable, match="headers in one piece"):
        unpack(archive, tmp_path / "new", Limits(ratio=1 << 20))


def test_a_zip_directory_without_end_is_not_read_into_memory(tmp_path):
    """A sparse file: 100 MiB of directory, as its end record says."""
    size = 100 << 20
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)
    with (tmp_path / "archive").open("wb") as out:
        out.truncate(size)
        out.seek(size)
        out.write(end)
    with pytest.raises(Unprocessable, match="headers in one piece"):
        unpack(tmp_path / "archive", tmp_path / "new")


def test_broken_bytes_are_refused_or_unpacked_and_never_anything_else(tmp_path):
    """Deterministic noise in good archives: 150 of each kind."""
    chance = random.Random(11)
    members = [("card.toml", b"x" * 300), ("a/b.bin", NOISE)]
    for number in range(300):
        content = bytearray((tarred if number % 2 else zipped)(*members))
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        archive = tmp_path / "archive"
        archive.write_bytes(content)
        try:
            unpack(archive, tmp_path / str(number), SMALL)
        except Unprocessable:
            assert not (tmp_path / str(number)).exists()


def test_packing_methods_that_take_memory_are_refused(tmp_path):
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a", b"x")
    with pytest.raises(Unprocessable, match="method 14"):
        unpack(archive, tmp_path / "new")
