"""MONAI bundles as they are: their own configuration, their metadata for a card."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.pickles import PickledCode
from ai_models.card import ModelCard, read_card
from ai_models.card.bundle import METADATA, UnfitMetadata
from ai_models.contract import Inputs
from standards.findings import Findings
from standards.volume import Volume
from tests.adapters.runtimes import networks
from tests.ball import ball_mask, ball_volume
from tests.bundles import CONFIGURATION, DATA, SAID, write_bundle


def marked(card: ModelCard, folder: Path) -> np.ndarray:
    model = load(Loadable(card, folder))
    findings = Findings.of(model.predict(Inputs({"image": ball_volume()})))
    assert findings.label_map is not None
    return findings.label_map.voxels


def test_a_bundle_without_a_card_runs_as_it_is_by_what_its_metadata_say(tmp_path):
    card = read_card(write_bundle(tmp_path))

    np.testing.assert_array_equal(marked(card, tmp_path), ball_mask())
    assert (card.name, card.title, card.version, card.stage) == (
        "ball_3d",
        "Ball 3D",
        "0.1.2",
        "draft",
    )
    assert card.inputs[0].modality == ("CT",)
    (output,) = card.outputs
    assert output.labels[0].type.value == networks.LIVER["value"]
    assert not (tmp_path / "eval").exists()


def test_an_answer_on_the_grid_of_the_prepared_image_comes_back_too(tmp_path):
    after = {"_target_": "Compose", "transforms": []}
    card = read_card(write_bundle(tmp_path, postprocessing=after)).model_dump(mode="json")
    card["outputs"][0]["encoding"] = "softmax"

    np.testing.assert_array_equal(marked(ModelCard.model_validate(card), tmp_path), ball_mask())


def test_a_bundle_needs_no_postprocessing(tmp_path):
    card = read_card(write_bundle(tmp_path, postprocessing=None)).model_dump(mode="json")
    card["outputs"][0]["encoding"] = "softmax"

    assert marked(ModelCard.model_validate(card), tmp_path).any()


def test_each_channel_of_a_bundle_is_a_series_that_is_called_so(tmp_path):
    difference = torch.nn.Conv3d(2, 2, 1)
    with torch.no_grad():
        difference.weight.view(2, 2)[:] = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
        difference.bias[:] = torch.tensor([0.0, -networks.THRESHOLD])
    definition = CONFIGURATION["network_def"] | {"in_channels": 2}
    write_bundle(tmp_path, weights_of=difference, network_def=definition)
    image = DATA["inputs"]["image"] | {"num_channels": 2, "channel_def": {"1": "T2", "0": "T1 C"}}
    described = SAID | {"network_data_format": DATA | {"inputs": {"image": image}}}
    (tmp_path / METADATA).write_text(json.dumps(described))
    card = read_card(tmp_path)
    bright, dark = ball_volume(), replace(ball_volume(), voxels=np.zeros_like(ball_mask(), int))
    for one in (*bright.instances, *dark.instances):
        one.FrameOfReferenceUID = "1.2.3"

    def marked_of(**volumes: Volume) -> np.ndarray:
        label_map = Findings.of(model.predict(Inputs(volumes))).label_map
        assert label_map is not None
        return label_map.voxels

    assert [(one.name, one.description_includes) for one in card.inputs] == [
        ("t1_c", ("T1 C",)),
        ("t2", ("T2",)),
    ]
    model = load(Loadable(card, tmp_path))
    np.testing.assert_array_equal(marked_of(t1_c=bright, t2=dark), ball_mask())
    assert not marked_of(t1_c=dark, t2=bright).any()


class Code:
    def __reduce__(self):
        return print, ("this ran",)


@pytest.mark.parametrize("content", [pickle.dumps(Code()), b"nothing of the kind"])
def test_weights_that_are_no_plain_tensors_are_refused_without_being_run(tmp_path, capsys, content):
    card = read_card(write_bundle(tmp_path))
    (tmp_path / "models" / "model.pt").write_bytes(content)

    with pytest.raises(PickledCode, match="state dict"):
        load(Loadable(card, tmp_path))
    assert "this ran" not in capsys.readouterr().out


def test_a_channel_whose_name_nobody_knows_is_tissue(tmp_path):
    outputs = {"pred": {"channel_def": {"0": "background", "1": "wobbly bit"}}}
    (write_bundle(tmp_path) / METADATA).write_text(
        json.dumps(SAID | {"network_data_format": DATA | {"outputs": outputs}})
    )
    (label,) = read_card(tmp_path).outputs[0].labels
    assert (label.name, label.type.meaning) == ("wobbly bit", "Tissue")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({**SAID, "version": ""}, "version"),
        ({**SAID, "network_data_format": {}}, "network_data_format.inputs.image.modality"),
        ([], "anything by name"),
    ],
)
def test_metadata_that_make_no_card_are_told(tmp_path, said, told):
    (write_bundle(tmp_path) / METADATA).write_text(json.dumps(said))
    with pytest.raises(UnfitMetadata, match=told):
        read_card(tmp_path)
