"""Results on the frames of one multi-frame image refer to those frames, and to nothing else."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydicom import Dataset, dcmread

from standards import fhir
from standards.analysis import Result
from standards.derived import part10
from standards.frame_headers import frame_headers
from standards.gsps import presentation_state, presentation_states
from standards.key_image import key_image
from standards.seg import segmentation
from standards.sr import report
from tests import judges
from tests.pictures import BOX
from tests.series import KEY_SLICE, SLICES, ct_series, small_result
from tests.standards.multi_frame import enhanced_ct, frame_order


@pytest.fixture(scope="module")
def image() -> Dataset:
    slices = ct_series()
    return enhanced_ct([slices[n] for n in frame_order(SLICES)])


@pytest.fixture(scope="module")
def result(image) -> Result:
    return small_result(frame_headers(image))


@pytest.fixture(scope="module")
def objects(image, result) -> dict[str, Dataset]:
    seg = segmentation(result)
    pixels = image.pixel_array[0] - 1024.0
    made = (seg, report(result, seg), presentation_state(result), key_image(result, pixels))
    return {str(one.Modality): dcmread(io.BytesIO(part10(one))) for one in made}


def references(dataset: Dataset) -> Iterator[Dataset]:
    """Every item at any depth that names an image of the source's class."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from references(item)
    if "ReferencedSOPInstanceUID" in dataset:
        yield dataset


def test_each_frame_of_the_segmentation_refers_to_the_frame_that_it_was_drawn_on(image, objects):
    frames = {one.ReferencedFrameNumber: one for one in frame_headers(image)}
    marked = objects["SEG"].PerFrameFunctionalGroupsSequence
    assert len(marked) > 2
    for group in marked:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedSOPInstanceUID == image.SOPInstanceUID
        place = frames[source.ReferencedFrameNumber].ImagePositionPatient
        assert group.PlanePositionSequence[0].ImagePositionPatient == place


@pytest.mark.parametrize("modality", ["SEG", "SR", "PR", "OT"])
def test_nothing_but_the_image_and_the_results_is_referred_to(image, objects, modality):
    known = {image.SOPInstanceUID: image.SOPClassUID}
    known |= {one.SOPInstanceUID: one.SOPClassUID for one in objects.values()}
    found = list(references(objects[modality]))
    assert found
    for one in found:
        assert known[one.ReferencedSOPInstanceUID] == one.ReferencedSOPClassUID


def test_the_key_slice_is_the_frame_of_the_presentation_state_and_of_the_picture(image, objects):
    at = float(ct_series()[KEY_SLICE].ImagePositionPatient[2])
    (number,) = (
        one.ReferencedFrameNumber
        for one in frame_headers(image)
        if float(one.ImagePositionPatient[2]) == at
    )
    for modality in ("PR", "OT"):
        assert {one.get("ReferencedFrameNumber") for one in references(objects[modality])} == {
            number
        }


def test_evidence_names_the_instance_once(image, objects):
    (study,) = objects["SR"].CurrentRequestedProcedureEvidenceSequence
    named = [
        item.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]
    assert sorted(named) == sorted([image.SOPInstanceUID, objects["SEG"].SOPInstanceUID])


@pytest.mark.parametrize("modality", ["SEG", "SR", "PR", "OT"])
def test_the_judge_has_no_complaint(objects, modality, tmp_path):
    path = tmp_path / "object.dcm"
    objects[modality].save_as(path)
    assert judges.dciodvfy(path) == []


def test_fhir_lists_the_instance_once(image, result):
    nothing = fhir.References(wado_rs_root="http://localhost/dicom-web", instances=())
    study = next(
        one for one in fhir.resources(result, nothing) if one.get_resource_type() == "ImagingStudy"
    )
    (series,) = study.model_dump()["series"]
    assert [one["uid"] for one in series["instance"]] == [image.SOPInstanceUID]


def test_regions_on_slices_are_drawn_on_their_frames_and_say_so(image):
    marked = small_result(frame_headers(image), [replace(BOX, image_index=n) for n in (1, 4)])
    frames = [marked.analysis.source[n].ReferencedFrameNumber for n in (1, 4)]
    (state,) = presentation_states(marked)
    made = [report(marked, None), state]

    _, *drawn = state.GraphicAnnotationSequence
    assert [one.ReferencedImageSequence[0].ReferencedFrameNumber for one in drawn] == frames
    windows = [one.ReferencedImageSequence[0] for one in state.SoftcopyVOILUTSequence]
    assert [one.ReferencedFrameNumber for one in windows] == frames
    for dataset in made:
        assert {one.ReferencedSOPInstanceUID for one in references(dataset)} == {
            image.SOPInstanceUID
        }
    places = [marked.analysis.place_of(region) for region in marked.findings.regions]
    assert places == [(image.SOPInstanceUID, frame) for frame in frames]
