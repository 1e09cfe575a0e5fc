"""What all objects of one result share, and that nothing in them is of another run."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from standards.derived import part10
from standards.errors import StandardsError
from standards.gsps import presentation_state
from standards.key_image import key_image
from standards.seg import segmentation
from standards.sr import report
from tests import judges
from tests.series import ALGORITHM, ct_series, key_pixels, small_result
from tests.shared_data import shared_data


def all_carriers(result, instances) -> list[Dataset]:
    seg = segmentation(result)
    picture = key_image(result, key_pixels(result, instances))
    return [seg, report(result, seg), presentation_state(result), picture]


def _reread(instances, **options) -> list[Dataset]:
    made = all_carriers(small_result(instances, **options), instances)
    return [dcmread(BytesIO(part10(dataset))) for dataset in made]


def digests() -> list[str]:
    instances = ct_series()
    made = all_carriers(small_result(instances), instances)
    return [hashlib.sha256(part10(dataset)).hexdigest() for dataset in made]


def test_bytes_of_every_object_are_the_same_in_another_process():
    program = "from tests.standards.test_derived import digests; print(*digests())"
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert there.stdout.split() == digests()


def test_each_object_is_alone_in_its_series_of_the_source_study():
    instances = ct_series()
    made = _reread(instances)

    for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SeriesNumber", "SeriesDescription"):
        assert len({str(dataset[keyword].value) for dataset in made}) == len(made)
    assert {dataset.StudyInstanceUID for dataset in made} == {instances[0].StudyInstanceUID}
    assert all(dataset.SeriesDescription.startswith("AI ") for dataset in made)


def test_another_build_of_the_model_writes_other_objects():
    instances = ct_series()
    build = replace(ALGORITHM, digest="cd" * 32)
    before, after = _reread(instances), _reread(instances, algorithm=build)

    for one, other in zip(before, after, strict=True):
        assert one.SOPInstanceUID != other.SOPInstanceUID
        assert one.SeriesInstanceUID != other.SeriesInstanceUID
        devices = {str(d.ContributingEquipmentSequence[0].DeviceUID) for d in (one, other)}
        assert len(devices) == 2


def test_patient_and_study_are_repeated_exactly():
    same = {
        "PatientID": "0815/a ",
        "PatientComments": "",
        "StudyDescription": "Thorax nativ, Röntgen",
        "IssuerOfPatientID": "KIS",
        "PatientWeight": "71.5",
        "OtherPatientNames": "Müller^Anna",
    }
    instances = ct_series(charset="ISO_IR 100", **same)

    for dataset in _reread(instances):
        for keyword in (*same, "PatientName", "AccessionNumber", "StudyDate", "PatientAge"):
            assert dataset[keyword].value == instances[0][keyword].value, keyword


def test_text_in_coded_sequences_changes_its_character_set_as_well(tmp_path: Path):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99X", "Röntgen übrig"
    instances = ct_series(charset="ISO_IR 100", ProcedureCodeSequence=[item])

    for dataset in _reread(instances):
        assert dataset.ProcedureCodeSequence[0].CodeMeaning == "Röntgen übrig"


def test_no_name_is_told_to_logs_or_warnings(caplog, recwarn):
    instances = ct_series(PatientName="Einwort", ReferringPhysicianName="Auchnur")

    _reread(instances)

    told = [str(warning.message) for warning in recwarn] + [r.getMessage() for r in caplog.records]
    assert not [line for line in told if "Einwort" in line or "Auchnur" in line]


def test_long_names_of_models_still_fit_a_series_description():
    for dataset in _reread(ct_series(), algorithm=replace(ALGORITHM, name="N" * 64)):
        assert len(dataset.SeriesDescription) <= 64
        assert dataset.ContributingEquipmentSequence[0].ManufacturerModelName == "N" * 64


def test_all_objects_agree_with_each_other_and_with_their_source(tmp_path: Path):
    instances = ct_series(EthnicGroup="", MedicalAlerts="", PatientSize="1.7")
    made, source = [], []
    for k, dataset in enumerate([*_reread(instances), *instances]):
        path = tmp_path / f"{k}.dcm"
        path.write_bytes(part10(dataset))
        (made if k < 4 else source).append(path)

    assert judges.dcentvfy(made, source) == []


@pytest.mark.parametrize("name", ["made_greek_ct.dcm", "made_cyrillic_ct.dcm"])
def test_real_files_of_other_alphabets_keep_their_names(name):
    header = dcmread(shared_data("charsets", name), stop_before_pixels=True)
    instances = ct_series(PatientName=header.PatientName)

    for dataset in _reread(instances):
        assert dataset.PatientName == header.PatientName


@pytest.mark.parametrize("keyword", ["FrameOfReferenceUID", "PixelSpacing"])
def test_a_source_without_its_place_is_refused(keyword):
    result = small_result()
    for header in result.analysis.source:
        delattr(header, keyword)

    with pytest.raises(StandardsError, match=f"without {keyword}"):
        segmentation(result)
