"""Searches as viewers and client libraries send them."""

import json
from datetime import datetime

from dicomweb_client import DICOMwebClient
from pydicom import Dataset

from tests.gateway.search_example import CHEST, HEAD, found, get


def test_ohif_finds_its_study(search_root):
    """The very requests of a session (VIEWERS 3)."""
    fields = "00081030%2C00080060%2C00080090%2C00100030"
    query = f"limit=101&offset=0&fuzzymatching=false&includefield={fields}"

    (study,) = get(search_root, f"/studies?{query}&StudyInstanceUID={CHEST}").json()
    assert study["00081030"]["Value"] == ["CT CHEST 50%"]
    assert found(search_root, f"/studies?{query}&PatientName=*m%C3%BCller*") == [CHEST]
    assert found(search_root, f"/studies?{query}&00100020=*P-1*") == [CHEST]
    assert found(search_root, f"/studies?{query}&AccessionNumber=*A2*") == [HEAD]
    assert found(search_root, f"/studies?{query}&StudyDescription=*contr*") == [HEAD]
    assert found(search_root, f"/studies?{query}&ModalitiesInStudy=MR%5COT") == [HEAD, CHEST]
    wanted = "includefield=00080021%2C00080031%2C0008103E%2C00200011"
    path = f"/studies/{CHEST}/series?{wanted}&SeriesInstanceUID={CHEST}.2"
    assert get(search_root, path).json()[0]["0008103E"]["Value"] == ["series 2"]


def test_dicomweb_client_searches_all_three_levels(search_root):
    client = DICOMwebClient(f"{search_root}/dicom-web")

    studies = client.search_for_studies(
        search_filters={"StudyDate": "20240101-", "PatientName": "*müller*"}, fields=["PatientSex"]
    )
    series = client.search_for_series(CHEST, search_filters={"Modality": "CT"})
    instances = client.search_for_instances(CHEST, f"{CHEST}.1", limit=2)

    assert Dataset.from_json(json.dumps(studies[0])).StudyInstanceUID == CHEST
    assert datetime.strptime(studies[0]["00080020"]["Value"][0], "%Y%m%d").year == 2024
    assert [each["0020000E"]["Value"] for each in series] == [[f"{CHEST}.1"]]
    assert len(instances) == 2


def test_dicomweb_client_pages_to_the_end(search_root):
    client = DICOMwebClient(f"{search_root}/dicom-web")

    everything = client.search_for_instances(limit=3, get_remaining=True)

    assert len(everything) == 7
