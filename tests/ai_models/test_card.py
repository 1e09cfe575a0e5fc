"""The model card: what is written is what is read, and nothing else passes."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

import ai_models.lung_ct
from ai_models.card import OUTSIDE, ModelCard, Orientation, Stage, read_card
from ai_models.lung_ct.checks import WIDEST_SPACING_MM
from ai_models.lung_ct.model import LungCT
from tests import cards
from tools import card_schema

FOLDER = Path(ai_models.lung_ct.__file__).parent
LEAST = {**cards.LEAST, "runtime": {"entry": "threshold:Model"}}


def test_the_bundled_card_says_what_the_model_may_see():
    card = read_card(FOLDER)
    (image,) = card.inputs
    assert (card.name, card.version, card.stage) == ("lung_ct", "1.1.0", Stage.LIVE)
    assert image.modality == ("CT",)
    assert image.orientation is Orientation.AXIAL
    assert "CHEST" in image.body_part_examined
    assert "LOCALIZER" in image.image_type_excludes
    assert "research" in card.intended_use.lower()
    assert card.limits


def test_the_bundled_card_names_a_model_that_can_be_made():
    module, name = read_card(FOLDER).runtime.entry.split(":")
    assert (module, name) == (LungCT.__module__, LungCT.__name__)
    LungCT()


def test_card_and_model_refuse_the_same_slice_spacing():
    (image,) = read_card(FOLDER).inputs
    assert image.maximum_slice_spacing_mm == WIDEST_SPACING_MM


def test_toml_and_json_are_one_schema():
    table = tomllib.loads((FOLDER / "card.toml").read_text("utf-8"))
    card = ModelCard.model_validate(table)
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


def test_the_published_schema_is_that_of_the_card():
    told = "run `python -m tools.card_schema`"
    assert card_schema.FILE.read_text("utf-8") == card_schema.text(), told


def test_a_card_needs_little():
    card = ModelCard.model_validate(LEAST)
    assert card.inputs[0].name == "image"
    assert card.resources.device == "cpu"


@pytest.mark.parametrize("field", sorted(LEAST))
def test_a_card_without_a_needed_field_is_refused(field):
    with pytest.raises(ValidationError, match=field):
        ModelCard.model_validate({k: v for k, v in LEAST.items() if k != field})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../etc"},
        {"name": "Lung CT"},
        {"version": ""},
        {"version": "1/2"},
        {"title": "x" * 65},
        {"stage": "finished"},
        {"runtime": {"kind": "shell", "entry": "a:B"}},
        {"runtime": {"entry": "os.system"}},
        {"runtime": {"entry": "a:B()"}},
        {"inputs": []},
        {"inputs": [{"minimum_slices": 0}]},
        {"inputs": [{"orientation": "oblique"}]},
        {"resources": {"device": "tpu"}},
        {"resources": {"timeout_seconds": 0}},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_a_card_with_a_wrong_value_is_refused(change):
    with pytest.raises(ValidationError):
        ModelCard.model_validate(LEAST | change)


def test_a_folder_without_a_card_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_card(tmp_path)


def test_a_model_that_runs_outside_has_no_entry_and_no_worker():
    outside = {"kind": "ups", "worklist": "NODULES"}
    card = ModelCard.model_validate({**LEAST, "runtime": outside})
    assert (card.queue, card.worklist) == (OUTSIDE, "NODULES")
    assert ModelCard.model_validate(LEAST).queue == "cpu"
    for runtime in ({**outside, "entry": "threshold:Model"}, {}, {**outside, "worklist": "A\\B"}):
        with pytest.raises(ValidationError):
            ModelCard.model_validate({**LEAST, "runtime": runtime})


@pytest.mark.parametrize(
    "stored",
    [
        {"kind": "python", "entry": "a:B", "worklist": "AIRGATE"},
        {"kind": "ups", "entry": "", "worklist": "NODULES"},
    ],
    ids=str,
)
def test_a_card_stored_when_all_kinds_had_all_fields_is_still_read(stored):
    assert cards.card(stored).runtime.kind == stored["kind"]


@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        ({"kind": "onnx", "file": "../../etc/passwd"}, "runtime.onnx.file"),
        ({"kind": "torchscript", "file": "/model.ts"}, "runtime.torchscript.file"),
        ({"kind": "monai-bundle", "root": "a/../.."}, "runtime.monai-bundle.root"),
        ({"kind": "kserve", "url": "file:///x", "model": "m"}, "runtime.kserve.url"),
        ({"kind": "kserve", "url": "http://user:word@host", "model": "m"}, "runtime.kserve.url"),
        ({"kind": "container", "image": "-v /:/host"}, "runtime.container.image"),
        ({"kind": "torch-export", "entry": "a:B"}, "runtime.torch-export.entry"),
        ({"kind": "magic"}, "'torch-export', 'onnx'"),
    ],
    ids=str,
)
def test_a_runtime_that_cannot_be_is_refused_with_its_field(runtime, told):
    with pytest.raises(ValidationError, match=told):
        cards.card(runtime)
