"""python export.py: writes the network, with its weights, to model.pt2."""

from pathlib import Path

import torch
from network import Bone

# All sizes may vary but that of the channels, axis 1.
sizes = {axis: torch.export.Dim.AUTO for axis in (0, 2, 3, 4)}
example = (torch.zeros(2, 1, 8, 16, 16),)
program = torch.export.export(Bone().eval(), example, dynamic_shapes=({**sizes},))
torch.export.save(program, Path(__file__).with_name("model.pt2"))
