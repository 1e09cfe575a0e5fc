"""Detection bundles as the Model Zoo has them: MONAI's own detector, a detector and its scripts."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from monai.apps.detection.networks.retinanet_network import RetinaNet

from adapters.runtimes.loading import Loadable, load
from ai_models.card import ModelCard
from ai_models.contract import Inputs
from standards.findings import Findings
from tests.adapters.runtimes.detectors import BOXES, CT, MARK, volume
from tests.bundles import write_bundle
from tests.cards import card

NAMES = {"tensor": "box", "scores": "label_scores", "labels": "label"}
SCRIPT = """
import torch

class Features(torch.nn.Module):
    out_channels = 8

    def __init__(self):
        super().__init__()
        self.levels = torch.nn.ModuleList(torch.nn.Conv3d(1, 8, n, n) for n in (4, 8))

    def forward(self, batch):
        return {str(n): level(batch) for n, level in enumerate(self.levels)}

class Detector:
    def set_threshold(self, threshold):
        self.threshold = threshold

    def __call__(self, images):
        return [self.boxes(self.network(one[None])[0, 1]) for one in images]

    def boxes(self, bright):
        places = torch.nonzero(bright > self.threshold).float()
        box = torch.cat([places.amin(0), places.amax(0) + 1])[None]
        return {"box": box, "label": torch.zeros(1, dtype=int), "label_scores": torch.ones(1)}

class Inferer:
    def __init__(self, detector, ready):
        self.detector, self.was_ready = detector, hasattr(detector, ready)

    def __call__(self, images, network):
        assert self.was_ready
        self.detector.network, self.detector.training = network, network.training
        return self.detector(images)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With scripts of its own, which are known to this process until the test has ended."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("scripts", "scripts.finder"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "finder.py").write_text(SCRIPT)
    return tmp_path


def detection(detector: dict[str, Any], ready: str, *operations: str) -> dict[str, Any]:
    """The parts of the configuration, in the words of the zoo."""
    return {
        "detector": detector,
        "detector_ops": list(operations),
        "inferer": {"_target_": "scripts.finder.Inferer", "detector": "@detector", "ready": ready},
        "evaluator": {"_target_": "scripts.no_such.Evaluator", "_requires_": "@detector_ops"},
        "postprocessing": {"_target_": "Compose", "transforms": [{"_target_": "scripts.None"}]},
    }


def bundle_card(**changes: Any) -> ModelCard:
    return card({"kind": "monai-bundle"}, inputs=CT, outputs=[BOXES | NAMES | changes])


def test_a_detection_bundle_tells_its_boxes_by_their_names(folder):
    own = {"_target_": "scripts.finder.Detector"}
    write_bundle(folder, **detection(own, "threshold", "$@detector.set_threshold(0)"))

    inputs = Inputs({"image": volume()})
    (region,) = Findings.of(load(Loadable(bundle_card(), folder)).predict(inputs)).regions

    assert region.points == (pytest.approx((16, 10)), pytest.approx((30, 20)))
    assert (region.image_index, region.depth_mm) == (10, pytest.approx(8))


def test_what_monais_own_detector_answers_is_understood(folder):
    features = import_module("scripts.finder").Features()
    sizes = {"spatial_dims": 3, "num_classes": 1, "num_anchors": 1, "size_divisible": [8, 8, 8]}
    anchors = {"feature_map_scales": [1, 2], "base_anchor_shapes": [[6, 8, 4]]}
    utils = "monai.apps.detection.utils.anchor_utils"
    parts = detection(
        {"_target_": "RetinaNetDetector", "network": "@network", "anchor_generator": "@anchors"},
        "inferer",
        "$@detector.set_target_keys(box_key='box', label_key='label')",
        "$@detector.set_box_selector_parameters(score_thresh=0.0, detections_per_img=3)",
    )
    write_bundle(
        folder,
        weights_of=RetinaNet(feature_extractor=features, **sizes),
        network_def={"_target_": "RetinaNet", "feature_extractor": "@features"} | sizes,
        features={"_target_": "scripts.finder.Features"},
        network="$@network_def.to(@device)",
        anchors={"_target_": f"{utils}.AnchorGeneratorWithAnchorShape"} | anchors,
        **parts,
    )
    classes = [MARK | {"threshold": 0}]

    model = load(Loadable(bundle_card(origin="middle", classes=classes), folder))
    regions = Findings.of(model.predict(Inputs({"image": volume()}))).regions

    assert 1 <= len(regions) <= 3
    assert all(isinstance(one.probability, float) for one in regions)
