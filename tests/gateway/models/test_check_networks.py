"""`airgate models check` on networks of several inputs and of images: run, written and judged."""

from pathlib import Path

import pytest
import torch

from gateway.model_check.check import check
from gateway.model_check.report import State

CARD = """
name = "finder"
version = "0.1"
title = "Finder"
description = "Boxes what is bright."
manufacturer = "A laboratory"
intended_use = "research"
license = "MIT"
runtime = { kind = "torchscript" }
resources = { memory_mb = 4096 }

[[outputs]]
kind = "boxes"
tensor = "boxes"
scores = "scores"
labels = "labels"
x_axis = "first"
calibration = "none was done"

[[outputs.classes]]
name = "Nodule"
finding = { scheme = "SCT", value = "27925004", meaning = "Nodule" }
site = { scheme = "SCT", value = "10200004", meaning = "Liver" }
"""
TWO_SERIES = """
[[inputs]]
name = "t1"
modality = ["MR"]
description_includes = ["T1"]

[[inputs]]
name = "t2"
modality = ["MR"]
description_includes = ["T2"]

[[channels]]
input = "t1"

[[channels]]
input = "t2"
window = { low = 0, high = 100 }
"""
RADIOGRAPHS = """
[[inputs]]
kind = "images"
modality = ["DX"]

[[channels]]
input = "image"

[[channels]]
input = "image"
window = { low = 0, high = 100 }
"""


class Finder(torch.nn.Module):
    """One box around what is above 200 in the first channel, where the second is in its window."""

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        bright = (batch[0, 0] > 200.0) & (batch[0, 1] <= 1.0)
        places = torch.nonzero(bright).float()
        box = torch.cat([places.amin(0), places.amax(0) + 1.0])[None]
        return {"labels": torch.zeros([1]), "scores": torch.full([1], 0.9), "boxes": box}


@pytest.mark.parametrize(
    ("inputs", "mode", "regions"),
    [(TWO_SERIES, "xyzxyz", "1 region"), (RADIOGRAPHS, "xyxy", "2 regions")],
    ids=["two series", "radiographs"],
)
def test_a_detection_network_is_accepted_with_what_becomes_of_its_boxes(
    tmp_path: Path, inputs: str, mode: str, regions: str
):
    torch.jit.save(torch.jit.script(Finder()), tmp_path / "model.ts")
    text = CARD.replace('x_axis = "first"', f'x_axis = "first"\nmode = "{mode}"')
    (tmp_path / "card.toml").write_text(text + inputs, "utf-8")

    report = check(tmp_path)

    assert {line.state for line in report.lines} == {State.PASSED}, report.lines
    found = {line.name: line.found for line in report.lines}
    assert found["findings"] == regions
    assert found["objects"].startswith("SR, PR")
