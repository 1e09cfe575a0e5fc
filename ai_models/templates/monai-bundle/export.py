"""python export.py: writes the weights of the bundle's network_def to models/model.pt."""

from pathlib import Path

import torch
from network import Bone

folder = Path(__file__).with_name("models")
folder.mkdir(exist_ok=True)
torch.save(Bone().layer.state_dict(), folder / "model.pt")
