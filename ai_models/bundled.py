"""The models that come with the program: each folder here with a card."""

import hashlib
from pathlib import Path

from ai_models.card import ModelCard, read_card
from ai_models.card.runtime import Python

HERE = Path(__file__).parent
SHARED = HERE / "ct"  # code that several of them use: as much a part of their build as their own


def bundled_models() -> dict[Path, ModelCard]:
    """Folder -> card of every bundled model."""
    return {card.parent: read_card(card.parent) for card in sorted(HERE.glob("*/card.toml"))}


def folder_of(card: ModelCard) -> Path | None:
    """Where the files of a bundled model lie; None where nothing but code is needed, which is
    imported as part of the program, and for models that are not bundled.
    """
    if isinstance(card.runtime, Python):
        return None
    return next((folder for folder, one in bundled_models().items() if one == card), None)


def digest_of(folder: Path) -> str:
    """sha256 over the names and bytes of all files of a model: another build, another digest."""
    total = hashlib.sha256()
    for part in (folder, SHARED) if folder.parent == HERE else (folder,):
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(part).as_posix()}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
