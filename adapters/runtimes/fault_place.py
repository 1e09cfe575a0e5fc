"""Where in a model's own files an error was raised, for the person who wrote them."""

import traceback
from pathlib import Path


def fault_place(error: BaseException, folder: Path | None) -> str:
    """` (model.py, line 12)`, the innermost place below the folder; empty where there is none."""
    if folder is None:
        return ""
    root = folder.resolve()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(root):
            return f" ({path.relative_to(root).as_posix()}, line {frame.lineno})"
    return ""
