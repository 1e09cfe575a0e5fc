"""A small MONAI bundle as the Model Zoo lays it out; it has no card, and marks what is bright."""

import json
from pathlib import Path
from typing import Any

import torch

from ai_models.card.bundle import METADATA
from tests.adapters.runtimes import networks

CONFIGURATION = {
    "network_def": {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 2}
    | {"kernel_size": 1},
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "monai.transforms.EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "PSL"},
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 8], "overlap": 0.25},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing"}
            | {"orig_keys": "image"},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"},
        ],
    },
}
DATA = {
    "inputs": {"image": {"modality": "CT"}},
    "outputs": {"pred": {"channel_def": {"0": "background", "1": "liver"}}},
}
SAID = {
    "name": "Ball 3D",
    "version": "0.1.2",
    "description": "Marks what is bright.",
    "network_data_format": DATA,
}


def write_bundle(
    root: Path,
    threshold: float = networks.THRESHOLD,
    weights_of: torch.nn.Module | None = None,
    **changes: Any,
) -> Path:
    """threshold: what is brighter is marked. weights_of: another network than that which does so.
    changes: of the configuration; None takes a part away.
    """
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    whole = {name: part for name, part in (CONFIGURATION | changes).items() if part is not None}
    (root / "configs" / "inference.json").write_text(json.dumps(whole))
    (root / METADATA).write_text(json.dumps(SAID))
    network = weights_of or networks.Bright(threshold=threshold).network_def
    torch.save(network.state_dict(), root / "models" / "model.pt")
    return root
