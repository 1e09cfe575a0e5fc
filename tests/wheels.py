"""A wheel with one module, as an index would give it."""

import zipfile
from pathlib import Path


def write_wheel(folder: Path, module: str, code: str) -> Path:
    """Version 1.0 of a distribution that is called as its module."""
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    about = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr(f"{module}.py", code)
        content.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n"
        )
        content.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        content.writestr(f"{about}/RECORD", "")
    return wheel
