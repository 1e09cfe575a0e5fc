"""The process of a model, with real child processes and small real models."""

import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from adapters.runtimes.errors import ModelCrashed, ModelFailed, ModelTimedOut, ModelUnusable
from adapters.runtimes.loading import Loadable
from ai_models.contract import NoResult
from standards.errors import UnfitSeries
from tests.cards import card
from tests.phantom import chest_phantom

MODELS = """
    import os, time
    import numpy as np
    from ai_models.contract import NoResult
    from standards import codes
    from standards.findings import LabelMap, Measurement, Structure

    LUNG = Structure("Lung", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (200, 100, 100))

    class Threshold:
        def predict(self, inputs):
            volume = inputs.volume
            mask = (volume.voxels < -500).astype(np.uint8)
            ml = float(mask.sum() * volume.voxel_ml)
            return [
                LabelMap(mask, (LUNG,)),
                Measurement(codes.VOLUME, ml, codes.MILLILITRE, codes.LUNG, label=1),
                Measurement(codes.VOLUME, float(os.getpid()), codes.MILLILITRE, codes.LUNG),
            ]

    class Counts:
        def predict(self, inputs):
            return [
                Measurement(codes.VOLUME, float(len(volume.voxels)), codes.MILLILITRE, codes.LUNG)
                for name, volume in inputs.volumes.items() if name in ("t1", "flair")
            ]

    class Refuses:
        def predict(self, inputs):
            raise NoResult("lung volume", "3 ml", "500 ml or more")

    class Raises:
        def predict(self, inputs):
            raise KeyError("weights")

    class Crashes:
        def predict(self, inputs):
            os.kill(os.getpid(), 9)

    class Hangs:
        def predict(self, inputs):
            time.sleep(600)

    class TellsHowFar:
        def predict(self, inputs):
            for percent in (10, 50, 400):
                inputs.progress(percent)
                time.sleep(0.6)
            return [Measurement(codes.VOLUME, 1.0, codes.MILLILITRE, codes.LUNG)]

    class Wrong:
        def predict(self, inputs):
            return [LabelMap(np.full((2, 4, 4), 7, np.uint8), (LUNG,))]

    class NoModel:
        pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "small_models.py").write_text(textwrap.dedent(MODELS))
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    paths = chest_phantom(matrix=128).write(tmp_path_factory.mktemp("series"))
    return [path.read_bytes() for path in paths]


def entry(folder: Path, name: str, **changes) -> Loadable:
    return Loadable(card({"entry": f"small_models:{name}"}, **changes), folder)


def test_findings_come_back_and_the_process_stays_warm(runtime, folder, series):
    first = runtime.predict(entry(folder, "Threshold"), series, 60)
    second = runtime.predict(entry(folder, "Threshold"), series, 60)

    assert first.findings.label_map is not None
    assert first.findings.label_map.voxels.any()
    assert first.findings.measurements[1] == second.findings.measurements[1]  # the same pid
    np.testing.assert_array_equal(
        first.findings.label_map.voxels,
        second.findings.label_map.voxels,  # type: ignore[union-attr]
    )


def test_a_model_with_several_inputs_gets_each_volume_by_its_name(runtime, folder, series):
    counts = entry(folder, "Counts", inputs=[{"name": "t1"}, {"name": "flair"}])
    prediction = runtime.predict(counts, series, 60, name="t1", others={"flair": series[:5]})

    volumes = [one.value for one in prediction.findings.measurements]
    assert volumes == [len(series), 5]


def test_a_refusal_keeps_its_facts(runtime, folder, series):
    with pytest.raises(NoResult) as refusal:
        runtime.predict(entry(folder, "Refuses"), series, 60)

    assert (refusal.value.check, refusal.value.found) == ("lung volume", "3 ml")


def test_an_unfit_series_is_refused_before_the_model_sees_it(runtime, folder, series):
    with pytest.raises(UnfitSeries, match="gap"):
        runtime.predict(entry(folder, "Threshold"), series[:10] + series[11:], 60)


def test_a_file_that_cannot_be_read_fails_the_job_and_not_the_process(runtime, folder, series):
    before = runtime.predict(entry(folder, "Threshold"), series, 60)
    with pytest.raises(ModelFailed, match="InvalidDicomError"):
        runtime.predict(entry(folder, "Threshold"), [*series[:3], b"no DICOM"], 60)
    after = runtime.predict(entry(folder, "Threshold"), series, 60)

    assert before.findings.measurements == after.findings.measurements  # volume and pid


def test_the_gate_refuses_what_the_card_does_not_want(runtime, folder, series):
    heads = entry(folder, "Threshold", inputs=[{"body_part_examined": ["HEAD"]}])

    with pytest.raises(UnfitSeries) as refusal:
        runtime.predict(heads, series, 60)

    assert (refusal.value.check, refusal.value.found) == ("body part", "CHEST")


def test_what_the_gate_warns_of_is_a_caveat_of_the_result(runtime, folder, series):
    inputs = [{"body_part_examined": ["HEAD"]}]
    heads = entry(folder, "Threshold", inputs=inputs, gate={"body_part": "warn"})

    (caveat,) = runtime.predict(heads, series, 60).findings.caveats

    assert caveat.text == "Input image: body part: found CHEST, expected HEAD."


def test_a_series_that_is_refused_on_its_way_leaves_the_process_warm(runtime, folder, series):
    def undecodable():
        yield from series[:20]
        raise UnfitSeries("PixelData", "an image that cannot be decoded", "JPEG-LS")

    before = runtime.predict(entry(folder, "Threshold"), series, 60)
    with pytest.raises(UnfitSeries):
        runtime.predict(entry(folder, "Threshold"), undecodable(), 60)
    after = runtime.predict(entry(folder, "Threshold"), series, 60)

    assert before.findings.measurements == after.findings.measurements  # volume and pid


def test_a_series_that_cannot_be_read_to_its_end_is_never_taken_for_a_whole_one(
    runtime, folder, series
):
    def broken():
        yield from series[:20]
        raise ConnectionError("the archive went away")

    with pytest.raises(ConnectionError):
        runtime.predict(entry(folder, "Threshold"), broken(), 60)

    assert runtime.predict(entry(folder, "Threshold"), series, 60).findings.measurements


def test_an_error_is_told_and_the_next_job_is_done(runtime, folder, series):
    with pytest.raises(ModelFailed, match="KeyError"):
        runtime.predict(entry(folder, "Raises"), series, 60)

    assert runtime.predict(entry(folder, "Threshold"), series, 60).findings.measurements


def test_a_claim_without_a_description_is_a_failure(runtime, folder, series):
    with pytest.raises(ModelFailed, match="label 7"):
        runtime.predict(entry(folder, "Wrong"), series, 60)


def test_a_crash_is_told_with_its_signal_and_the_next_job_is_done(runtime, folder, series):
    with pytest.raises(ModelCrashed) as crash:
        runtime.predict(entry(folder, "Crashes"), series, 60)

    assert crash.value.exit_code == -9
    assert runtime.predict(entry(folder, "Threshold"), series, 60).findings.measurements


def test_a_hanging_model_is_stopped(runtime, folder, series):
    started = time.monotonic()

    with pytest.raises(ModelTimedOut):
        runtime.predict(entry(folder, "Hangs"), series, 0.5)

    assert time.monotonic() - started < 60
    assert runtime._process is None


class Unwanted(Exception):
    """Of a watch that wants the work to end."""


def test_a_watch_that_wants_the_end_stops_the_model_within_a_second(runtime, folder, series):
    runtime.warm_up(entry(folder, "Hangs"))
    process, raised_at = runtime._process, []

    def watch(_progress: int) -> None:
        if time.monotonic() > started + 1:
            raised_at.append(time.monotonic())
            raise Unwanted

    started = time.monotonic()
    with pytest.raises(Unwanted):
        runtime.predict(entry(folder, "Hangs"), series, 600, watch=watch)

    assert time.monotonic() < raised_at[0] + 1
    assert process is not None
    assert not process.is_alive()


def test_a_model_tells_how_far_it_is(runtime, folder, series):
    told: list[int] = []

    runtime.predict(entry(folder, "TellsHowFar"), series, 60, watch=told.append)

    assert [percent for percent in dict.fromkeys(told) if percent] == [10, 50, 99]


@pytest.mark.parametrize(
    ("name", "told"), [("NoModel", "no method predict"), ("Missing", "AttributeError")]
)
def test_an_unusable_entry_is_told(runtime, folder, name, told):
    with pytest.raises(ModelUnusable, match=told):
        runtime.warm_up(entry(folder, name))


def test_a_kind_without_a_loader_is_told(runtime):
    outside = Loadable(card({"kind": "ups"}))
    with pytest.raises(ModelUnusable, match="no worker runs models of kind ups"):
        runtime.warm_up(outside)


def test_a_folder_that_is_told_from_where_the_caller_is_is_found(
    runtime, folder, series, monkeypatch
):
    monkeypatch.chdir(folder.parent)
    near = Loadable(entry(folder, "Threshold").card, Path(folder.name))
    assert runtime.predict(near, series, 60).findings.measurements
