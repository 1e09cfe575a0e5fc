"""The card that a MONAI bundle without one gets from its configs/metadata.json."""

import json
import re
from pathlib import Path
from typing import Any

from ai_models.card.codes import structure_named

METADATA = Path("configs", "metadata.json")
_BACKGROUND = "background"
_COLOURS = ((214, 94, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167))
_NO_MEANING = "Tissue"  # of a channel whose name no context group knows


class UnfitMetadata(ValueError):
    """A bundle whose metadata do not make a card."""

    def __init__(self, lacking: str) -> None:
        self.lacking = lacking
        super().__init__(
            f"{METADATA.as_posix()} says nothing of {lacking}; expected it as the MONAI bundle "
            "specification has it, or a card.toml beside `configs`"
        )


def card_of_bundle(root: Path) -> dict[str, Any]:
    """A card as data, in the stage of a draft: somebody ought to read it before it is used.

    Its labels are what `postprocessing` leaves, one channel of label values.
    Raises UnfitMetadata, OSError, and json.JSONDecodeError.
    """
    metadata = json.loads((root / METADATA).read_text("utf-8"))
    if not isinstance(metadata, dict):
        raise UnfitMetadata("anything by name")
    name = str(metadata.get("name") or root.resolve().name)
    return {
        "name": _plain(name),
        "version": _said(metadata, "version"),
        "title": name[:64],
        "description": _said(metadata, "description"),
        "manufacturer": str(metadata.get("authors") or "unknown")[:64],
        "intended_use": metadata.get("intended_use") or "Research use only.",
        "license": metadata.get("copyright") or "see the bundle",
        "stage": "draft",
        "runtime": {"kind": "monai-bundle"},
        **_inputs(metadata),
        "outputs": [{"kind": "labels", "encoding": "labels", "labels": _labels(metadata)}],
    }


def _said(metadata: Any, *path: str) -> Any:
    found = metadata
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not found:
        raise UnfitMetadata(".".join(path))
    return found


def _inputs(metadata: Any) -> dict[str, Any]:
    """A series for each channel of the image, found by the channel's name in its description."""
    image = ("network_data_format", "inputs", "image")
    said = str(_said(metadata, *image, "modality")).upper()
    modality = [{"MRI": "MR"}.get(said, said)]
    if int(_said(metadata, *image).get("num_channels") or 1) == 1:
        return {"inputs": [{"modality": modality}]}
    channels = [(_plain(name), name) for name in _in_order(_said(metadata, *image, "channel_def"))]
    return {
        "inputs": [
            {"name": plain, "modality": modality, "description_includes": [name]}
            for plain, name in channels
        ],
        "channels": [{"input": plain} for plain, _ in channels],
    }


def _labels(metadata: Any) -> list[dict[str, Any]]:
    channels = _said(metadata, "network_data_format", "outputs", "pred", "channel_def")
    names = [name for name in _in_order(channels) if name.lower() != _BACKGROUND]
    return [_label(name, _COLOURS[n % len(_COLOURS)]) for n, name in enumerate(names)]


def _in_order(channel_def: Any) -> list[str]:
    return [str(channel_def[key]) for key in sorted(channel_def, key=int)]


def _plain(name: str) -> str:
    """As a card may name a model or an input."""
    return re.sub(r"[^a-z0-9_-]+", "_", name.lower()).lstrip("_-0123456789")[:63]


def _label(name: str, colour: tuple[int, int, int]) -> dict[str, Any]:
    concept = structure_named(name) or structure_named(_NO_MEANING)
    assert concept is not None  # noqa: S101 (pydicom lists it)
    return {"name": name, "type": concept.model_dump(), "colour": colour}
