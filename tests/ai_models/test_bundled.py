"""The models that come with the program: each is whole, says what it is, and can be run."""

import shutil

import pytest

from adapters.runtimes.errors import ModelCrashed
from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.model_process import ModelProcess
from ai_models.bundled import SHARED, bundled_models, digest_of, folder_of
from ai_models.card import Stage
from ai_models.contract import NoResult
from standards.derived import part10
from tests.series import ct_series

MODELS = bundled_models()
DRAFTS = {"always_nothing", "crash", "demo_unet"}  # of tests and demonstrations


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_every_bundled_model_has_a_card_a_page_and_can_be_loaded(folder):
    card = MODELS[folder]
    assert folder.name == card.name
    assert callable(load(Loadable(card, folder_of(card))).predict)
    assert (folder / "README.md").read_text("utf-8").startswith("# ")
    assert card.limits


def test_models_for_tests_and_demonstrations_are_drafts_and_the_others_are_for_research():
    for card in MODELS.values():
        if card.name in DRAFTS:
            assert card.stage is Stage.DRAFT
        else:
            assert "research" in card.intended_use.lower()


def test_code_that_models_share_is_part_of_their_build(tmp_path, monkeypatch):
    folder = next(folder for folder in MODELS if folder.name == "lung_ct")
    before = digest_of(folder)
    shared = shutil.copytree(SHARED, tmp_path / "ct")
    monkeypatch.setattr("ai_models.bundled.SHARED", shared)
    assert digest_of(folder) == before
    (shared / "body.py").write_text("SHEET_MM = 4.0\n", "utf-8")
    assert digest_of(folder) != before


def test_the_model_for_no_result_refuses_and_the_one_for_failure_dies_alone():
    runtime, series = ModelProcess(), [part10(image) for image in ct_series(3, 16, 16)]
    try:
        with pytest.raises(NoResult, match="never answers"):
            runtime.predict(_model("always_nothing"), series, 60)
        with pytest.raises(ModelCrashed):
            runtime.predict(_model("crash"), series, 60)
        with pytest.raises(NoResult):  # the runtime goes on
            runtime.predict(_model("always_nothing"), series, 60)
    finally:
        runtime.stop()


def _model(name: str) -> Loadable:
    return Loadable(next(card for card in MODELS.values() if card.name == name))
