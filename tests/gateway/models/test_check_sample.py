"""The images that a check makes after a card: its inputs find them, and the gate lets them pass."""

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from ai_models.gate import examine, examine_images
from gateway.client import files_of
from gateway.local_run import files_of_inputs, selected, series_in
from gateway.model_check.sample import write_sample
from standards.images import Image
from standards.volume import volume_of
from tests.cards import card

INPUTS: dict[str, list[dict[str, Any]]] = {
    "anything": [{}],
    "thin CT": [{"modality": ["CT"], "minimum_slices": 40, "maximum_slice_thickness_mm": 1}],
    "contrast": [{"modality": ["CT"], "contrast": "with", "body_part_examined": ["LIVER"]}],
    "coronal MR": [
        {"modality": ["MR"], "orientation": "coronal", "description_includes": ["T1", "MPRAGE"]}
    ],
    "sagittal PET": [{"modality": ["PT"], "orientation": "sagittal", "regular_spacing": True}],
    "radiographs": [{"modality": ["DX", "CR"], "kind": "images"}],
    "two and a prior": [
        {"name": "t1", "modality": ["MR"], "description_includes": ["T1"]},
        {"name": "flair", "modality": ["MR"], "description_includes": ["FLAIR"]},
        {"name": "before", "modality": ["MR"], "prior": True, "maximum_age_days": 90}
        | {"description_includes": ["T1"]},
    ],
}


@pytest.mark.parametrize("inputs", INPUTS.values(), ids=INPUTS)
def test_every_input_gets_its_images_and_the_gate_has_nothing_to_say(
    tmp_path: Path, inputs: list[dict[str, Any]]
):
    model = card({"entry": "model:Model"}, inputs=inputs)
    write_sample(model, tmp_path)
    found = series_in(files_of([tmp_path]), pytest.fail)

    files = files_of_inputs(selected(model, found), found)

    assert set(files) == {one.name for one in model.inputs}
    for name, paths in files.items():
        wanted, instances = model.input(name), [dcmread(path) for path in paths]
        if wanted.kind == "images":
            assert examine_images([Image(one) for one in instances], wanted, model.gate) == []
        else:
            assert examine(volume_of(instances), wanted, model.gate) == []
