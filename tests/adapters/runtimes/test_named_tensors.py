"""Tensors found by name, in and out, in each runtime; what a file says of them is checked."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from adapters.runtimes.described import DescribedDifferently, check_described
from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.open_inference import ModelMetadata, TensorMetadata
from ai_models.contract import Inputs
from ai_models.tensor_errors import MissingTensor
from standards.findings import Findings
from tests.adapters.runtimes.detectors import BOXES, CT, NAMED, volume
from tests.adapters.runtimes.inference_grpc_server import grpc_inference_server
from tests.adapters.runtimes.inference_server import Behaviour, inference_server
from tests.cards import card

BOX, SURE = [[8.0, 10, 16, 12, 20, 30]], [0.9]
TWO_TENSORS = [{"input": "image", "tensor": "minuend"}, {"input": "image", "tensor": "subtrahend"}]


class AsDict(torch.nn.Module):
    """A box in a dict whose order is not that of the card, and a tensor that nobody wants."""

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        box = torch.tensor([[8.0, 10.0, 16.0, 12.0, 20.0, 30.0]]) + 0 * batch.mean()
        return {
            "labels": torch.zeros([1], dtype=torch.int64),
            "more": batch,
            "scores": torch.full([1], 0.9),
            "boxes": box,
        }


class AsTuple(torch.nn.Module):
    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        box = torch.tensor([[8.0, 10.0, 16.0, 12.0, 20.0, 30.0]]) + 0 * batch.mean()
        return torch.zeros([1]), box, torch.full([1], 0.9)


def found(runtime: dict[str, Any], folder: Path | None, **sections: Any) -> Findings:
    sections = {"inputs": CT, "outputs": [BOXES | NAMED]} | sections
    model = load(Loadable(card(runtime, **sections), folder))
    return Findings.of(model.predict(Inputs({"image": volume()})))


def assert_is_the_box(findings: Findings) -> None:
    (region,) = findings.regions
    assert region.points == (pytest.approx((16, 10)), pytest.approx((30, 20)))


def torchscript(network: torch.nn.Module, folder: Path) -> dict[str, Any]:
    torch.jit.save(torch.jit.script(network), folder / "model.ts")
    return {"kind": "torchscript"}


def torch_export(network: torch.nn.Module, folder: Path) -> dict[str, Any]:
    example = (torch.zeros(1, 1, *volume().voxels.shape),)
    torch.export.save(torch.export.export(network, example), folder / "model.pt2")
    return {"kind": "torch-export"}


@pytest.mark.parametrize("write", [torchscript, torch_export])
def test_a_network_may_answer_with_a_dict_or_a_tuple(tmp_path, write):
    assert_is_the_box(found(write(AsDict(), tmp_path), tmp_path))
    runtime = write(AsTuple(), tmp_path)
    places = {"tensor": "1", "scores": "2", "labels": "0"}
    assert_is_the_box(found(runtime, tmp_path, outputs=[BOXES | places]))
    with pytest.raises(MissingTensor, match="no tensor 'boxes', but 0, 1, 2"):
        found(runtime, tmp_path)


def onnx_graph(folder: Path, boxes: tuple[int, int] = (1, 6)) -> dict[str, Any]:
    """Two images in, their difference out, and a box, in this order: scores, boxes, y, labels."""
    free = [1, 1, "a", "b", "c"]
    constants = {
        "scores": np.array(SURE, np.float32),
        "boxes": np.resize(np.array(BOX, np.float32), boxes),
        "labels": np.zeros(1, np.int64),
    }
    value, kinds = helper.make_tensor_value_info, {"labels": TensorProto.INT64}
    told = {
        name: value(name, kinds.get(name, TensorProto.FLOAT), list(one.shape))
        for name, one in constants.items()
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(one))
        for name, one in constants.items()
    ]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Sub", ["minuend", "subtrahend"], ["y"])],
        "named",
        [value(name, TensorProto.FLOAT, free) for name in ("subtrahend", "minuend")],
        [told["scores"], told["boxes"], value("y", TensorProto.FLOAT, free), told["labels"]],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return {"kind": "onnx"}


WINDOW = {"low": -1000, "high": 1000, "to_low": 0, "to_high": 1}
MAP = {
    "kind": "heat-map",
    "tensor": "y",
    "name": "Difference",
    "quantity": {"scheme": "DCM", "value": "130404", "meaning": "Saliency"},
    "unit": "1",
    "value_range": [-2000, 2000],
}
WINDOWED = [TWO_TENSORS[0], TWO_TENSORS[1] | {"window": WINDOW}]


def assert_is_the_difference(findings: Findings) -> None:
    """Of the voxels and of those in a window."""
    (heat_map,) = findings.heat_maps
    voxels = volume().voxels.astype(np.float32)
    np.testing.assert_allclose(heat_map.voxels, voxels - (voxels + 1000) / 2000, atol=1e-3)


def test_onnx_tensors_are_found_by_name_in_and_out(tmp_path):
    runtime = onnx_graph(tmp_path)
    findings = found(runtime, tmp_path, channels=WINDOWED, outputs=[BOXES | NAMED, MAP])
    assert_is_the_box(findings)
    assert_is_the_difference(findings)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"channels": ()}, r"found 2 input\(s\), subtrahend, minuend; expected 1"),
        ({"channels": [{"input": "image", "tensor": name} for name in "ab"]}, "no input 'a', but"),
        ({"channels": [*TWO_TENSORS, TWO_TENSORS[0]]}, r"minuend has shape .*expected \[-1, 2"),
        ({"outputs": [BOXES | NAMED | {"scores": "score"}]}, "no output 'score', but scores"),
        ({"outputs": [BOXES]}, r"found 4 output\(s\).*expected 3"),
        (
            {"outputs": [BOXES | {"tensor": "y", "scores": "boxes", "class_from": "scores"}]},
            r"y has shape \[1, 1, -1, -1, -1\]; expected \[-1, -1, 6\]",
        ),
    ],
    ids=str,
)
def test_an_onnx_file_that_says_otherwise_than_its_card_is_refused_when_it_is_loaded(
    tmp_path, sections, told
):
    runtime = onnx_graph(tmp_path)
    with pytest.raises(DescribedDifferently, match=told):
        found(runtime, tmp_path, **({"channels": TWO_TENSORS} | sections))


def test_what_tells_no_axes_is_taken_at_the_word_of_the_card():
    one = card({"kind": "onnx"}, inputs=CT, outputs=[BOXES | NAMED])
    outputs = tuple(TensorMetadata(name, "FP32", ()) for name in NAMED.values())
    check_described(one, ModelMetadata((TensorMetadata("x", "FP32", ()),), outputs))


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "values"])
@pytest.mark.parametrize("server", [inference_server, grpc_inference_server], ids=["HTTP", "gRPC"])
def test_a_served_network_is_asked_by_name_in_and_out(server, binary):
    behaviour = Behaviour.of_two_tensors(binary=binary)
    with server(behaviour) as address:
        runtime = {"kind": "kserve", "url": address, "model": "bright"}
        findings = found(runtime, None, channels=WINDOWED, outputs=[BOXES | NAMED, MAP])
        assert_is_the_box(findings)
        assert_is_the_difference(findings)
        assert behaviour.asked_for == [["boxes", "scores", "labels", "y"]]
        with pytest.raises(DescribedDifferently, match="no input"):
            found(runtime, None, channels=[TWO_TENSORS[0], TWO_TENSORS[1] | {"tensor": "other"}])
