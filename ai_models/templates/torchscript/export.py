"""python export.py: writes the network, with its weights, to model.ts."""

from pathlib import Path

import torch
from network import Bone

torch.jit.save(torch.jit.script(Bone().eval()), Path(__file__).with_name("model.ts"))
