"""Fetch the JavaScript dicomweb-client that a test drives, into .cache/dicomweb-client: one file.

It comes from the npm package dicomweb-client (MIT), its content checked. Does nothing when it is
there. Needs `npm` on PATH.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "dicomweb-client@0.11.3"
SHA512 = (
    "eedd5173fd357f21672a541e34f5bd3efc6f9acc7c47f0600769fb0714ee5a2a"
    "d11709530b9ba911e2de4b7bceef63fe9fafd2419dfee628f46e06960c7406fc"
)
FOLDER = Path(__file__).parents[1] / ".cache" / "dicomweb-client"
SCRIPT = "package/build/dicomweb-client.js"


def main() -> int:
    marker = FOLDER / "package.txt"
    if marker.exists() and marker.read_text() == PACKAGE:
        return 0
    if shutil.which("npm") is None:
        print("npm was not found on PATH; it fetches a client for the tests.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            check=False,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if packed.returncode != 0:
            print(f"npm pack {PACKAGE} failed: {packed.stderr.strip()}", file=sys.stderr)
            return 1
        (archive,) = Path(scratch).glob("*.tgz")
        if (found := hashlib.sha512(archive.read_bytes()).hexdigest()) != SHA512:
            print(f"{PACKAGE} has SHA-512 {found}, expected {SHA512}", file=sys.stderr)
            return 1
        _extract(archive)
    marker.write_text(PACKAGE)
    return 0


def _extract(archive: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name in (SCRIPT, "package/LICENSE"):
            member = package.extractfile(name)
            if member is None:
                raise FileNotFoundError(f"{PACKAGE} holds no {name}")
            (FOLDER / Path(name).name).write_bytes(member.read())


if __name__ == "__main__":
    sys.exit(main())
