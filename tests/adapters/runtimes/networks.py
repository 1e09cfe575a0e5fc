"""A tiny network that marks exactly what is brighter than a threshold, in each form that is run."""

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper

LIVER = {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
LABELS = {"kind": "labels", "labels": [{"name": "Ball", "type": LIVER}]}
THRESHOLD = 300.0


class Bright(torch.nn.Module):
    """Background and ball: 0 and how far a voxel is above the threshold."""

    def __init__(self, dimensions: int = 3, threshold: float = THRESHOLD) -> None:
        super().__init__()
        convolution = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dimensions]
        self.network_def = convolution(1, 2, 1)
        with torch.no_grad():
            self.network_def.weight.view(2, 1)[:] = torch.tensor([[0.0], [1.0]])
            self.network_def.bias[:] = torch.tensor([0.0, -threshold])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network_def(batch)


class Moody(torch.nn.Module):
    """Labels what is bright; but images of so many columns get what no card explains."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        labels = (batch > 300.0).float()
        columns = batch.size(4)
        if columns == 17:
            return labels * torch.nan
        if columns == 18:
            return labels[:, :, :1]
        if columns == 19:
            return labels * 7
        return labels


def torchscript(folder: Path, network: torch.nn.Module | None = None) -> dict[str, Any]:
    """Written there; the card's [runtime]."""
    torch.jit.save(torch.jit.script(network or Bright()), folder / "model.ts")
    return {"kind": "torchscript"}


def torch_export(folder: Path) -> dict[str, Any]:
    sizes = {n: torch.export.Dim.AUTO for n in (0, 2, 3, 4)}
    example = (torch.zeros(2, 1, 8, 16, 16),)
    program = torch.export.export(Bright(), example, dynamic_shapes=({**sizes},))
    torch.export.save(program, folder / "model.pt2")
    return {"kind": "torch-export"}


def onnx_graph(folder: Path) -> dict[str, Any]:
    free = ["n", 1, "a", "b", "c"]
    weights = {
        "w": Bright().network_def.weight.detach().numpy(),
        "b": Bright().network_def.bias.detach().numpy(),
    }
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])],
        "bright",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, "a", "b", "c"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return {"kind": "onnx"}
