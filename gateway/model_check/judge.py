"""dicom3tools' verifier of Information Object Definitions, where it is installed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

# Known noise of the judge, with the reason beside each.
NOISE = {
    # Its dictionary is older than Device UID in this sequence, which IHE AIR 6.5.3.1 requires.
    r"Warning - </ContributingEquipmentSequence\(0018,a001\)\[\d+\]/DeviceUID\(0018,1002\)> - "
    r"Attribute is not present in standard DICOM IOD",
    # A private coding scheme (PS3.16 8) is known to nobody else.
    r"Warning - .*CodingSchemeDesignator.* - Unrecognized defined term = <99AIRGATE>",
    # Laterality is needed for paired body parts examined alone; it cannot know what a chest is.
    r"Error - .*Laterality.*Type 2C.*",
}
_KNOWN = [re.compile(pattern) for pattern in NOISE]
_SECONDS = 60


def dciodvfy() -> str | None:
    """The program, beside this Python or on the path; None where there is none."""
    beside_python = Path(sys.executable).with_name("dciodvfy")
    return str(beside_python) if beside_python.exists() else shutil.which("dciodvfy")


def errors_of(program: str, path: Path) -> set[str]:
    """What it calls errors; warnings are its opinion."""
    done = subprocess.run(
        [program, "-new", str(path)],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
    )
    lines = (line.strip() for line in (done.stdout + done.stderr).splitlines())
    found = {line for line in lines if line.startswith(("Error", "Abort"))}
    return {line for line in found if not any(known.fullmatch(line) for known in _KNOWN)}
