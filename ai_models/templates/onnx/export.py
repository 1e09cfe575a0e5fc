"""python export.py: writes the network, with its weights, to model.onnx.

Needs `pip install onnx`.
"""

from pathlib import Path

import torch
from network import Bone

# All sizes may vary but that of the channels, axis 1.
sizes = {0: "batch", 2: "a", 3: "b", 4: "c"}
torch.onnx.export(
    Bone().eval(),
    (torch.zeros(2, 1, 8, 16, 16),),
    str(Path(__file__).with_name("model.onnx")),
    input_names=["image"],
    output_names=["labels"],
    dynamic_axes={"image": sizes, "labels": sizes},
    dynamo=False,
)
