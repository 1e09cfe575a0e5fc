"""Fetch OHIF's ready static site into .cache/ohif: one exact build, its content checked.

It comes from the npm package @ohif/app (MIT). Does nothing when it is there. Needs `npm` on PATH.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@ohif/app@3.13.2"
SHA512 = (
    "5997719a9986eeba85816f5924b71b82bdd70ad2e2d4a0cd3e831a798e4f3dee"
    "a3e06e1f8c48e393271933a0ba664d85f3b04ac457e9abe8dde715d907d13c10"
)
FOLDER = Path(__file__).parents[1] / ".cache" / "ohif"
COMPRESSED = {".js", ".css", ".wasm", ".svg"}


class CannotFetch(Exception):
    """The site could not be fetched; the message says what to do."""


def main() -> int:
    version = FOLDER / ".version"
    if version.is_file() and version.read_text() == PACKAGE:
        return 0
    try:
        fetch()
    except CannotFetch as problem:
        print(f"OHIF: {problem}", file=sys.stderr)
        return 1
    return 0


def fetch() -> None:
    """Download, check, unpack beside the goal and move into place whole."""
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="ohif-") as scratch:
        print(f"==> Fetching {PACKAGE}, the viewer (50 MB)", flush=True)
        archive = download(Path(scratch))
        check(archive)
        print("==> Unpacking the viewer", flush=True)
        site = unpack(archive, Path(scratch))
        compress(site)
        (site / ".version").write_text(PACKAGE)
        if FOLDER.exists():
            os.rename(FOLDER, Path(scratch) / "previous")
        os.rename(site, FOLDER)


def download(scratch: Path) -> Path:
    if shutil.which("npm") is None:
        raise CannotFetch(
            "npm was not found on PATH; install it (Debian: apt-get install npm) and try again"
        )
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE],
        check=False,
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    archives = list(scratch.glob("*.tgz"))
    if packed.returncode != 0 or len(archives) != 1:
        raise CannotFetch(
            f"`npm pack {PACKAGE}` failed; is the npm registry reachable? {packed.stderr.strip()}"
        )
    return archives[0]


def check(archive: Path) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha512").hexdigest()
    if found != SHA512:
        raise CannotFetch(
            f"{PACKAGE} has SHA-512 {found}, expected {SHA512}; it is not the build that was "
            "tested, so it was not installed"
        )


def unpack(archive: Path, scratch: Path) -> Path:
    """package/dist without its source maps, and the licence that must go with it."""
    with tarfile.open(archive) as package:
        wanted = [
            member
            for member in package.getmembers()
            if member.name.startswith("package/dist/") and not member.name.endswith(".map")
        ]
        package.extractall(scratch, [*wanted, package.getmember("package/LICENSE")], filter="data")
    site = scratch / "package" / "dist"
    os.rename(scratch / "package" / "LICENSE", site / "LICENSE.txt")
    return site


def compress(site: Path) -> None:
    """A .gz beside each larger text or WebAssembly file at the root, where the viewer's own are."""
    for file in sorted(site.iterdir()):
        if file.suffix in COMPRESSED and file.stat().st_size > 1024:
            small = gzip.compress(file.read_bytes(), compresslevel=6, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(small)


if __name__ == "__main__":
    sys.exit(main())
