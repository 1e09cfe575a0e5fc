"""Where the larger test data lies, for tests that use it when it is there."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[1] / "../shared/data"


def shared_data(*parts: str) -> Path:
    """The path of a shared file or folder; skips the test, or the module, where it is absent."""
    path = SHARED_DATA.joinpath(*parts).resolve()
    if not path.exists():
        wanted = "/".join(("shared/data", *parts))
        pytest.skip(f"{wanted} is not beside this checkout", allow_module_level=True)
    return path
