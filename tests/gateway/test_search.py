"""QIDO-RS over real HTTP, by hand and through dicomweb-client."""

import json
from datetime import datetime

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from tests.gateway.index_helper import Gateway, written

ROOT = "2.25.100"
CHEST, HEAD, OLD, BARE = (f"{ROOT}.{number}" for number in range(1, 5))

STUDIES = {
    CHEST: {
        "StudyDate": "20240315", "StudyTime": "101530.5", "AccessionNumber": "A1",
        "PatientID": "P-1", "PatientName": "Müller^Änne", "StudyID": "S1",
        "StudyDescription": "CT CHEST 50%", "ReferringPhysicianName": "Doe^Jane",
        "PatientBirthDate": "19700101", "PatientSex": "F",
    },
    HEAD: {
        "StudyDate": "20240401", "StudyTime": "080000", "AccessionNumber": "A2",
        "PatientID": "P-2", "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "StudyID": "S2",
        "StudyDescription": "MR head [contrast]", "ReferringPhysicianName": "Roe^Rick",
    },
    OLD: {
        "StudyDate": "20190101", "StudyTime": "2359", "AccessionNumber": "A_3",
        "PatientID": "p-1", "PatientName": "Smith^John", "StudyID": "S3",
        "StudyDescription": "ct chest", "ReferringPhysicianName": "",
    },
    BARE: {},
}  # fmt: skip


CLIENT = httpx.Client(timeout=30)


def _instance(study: str, series: int, number: int, modality: str = "CT", **more: object) -> bytes:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    classes = {"CT": CTImageStorage, "MR": MRImageStorage}
    ds.SOPClassUID = classes.get(modality, SecondaryCaptureImageStorage)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.{series}"
    ds.SOPInstanceUID = f"{study}.{series}.{number}"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, series, number
    ds.PatientID, ds.PatientName, ds.StudyDate, ds.StudyTime = "", "", "", ""
    ds.SeriesDescription = f"series {series}"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored = 4, 6, 16, 16
    ds.HighBit, ds.PixelRepresentation, ds.SamplesPerPixel = 15, 0, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = bytes(48)
    for keyword, value in {**STUDIES[study], **more}.items():
        setattr(ds, keyword, value)
    return written(ds)


def _request_attributes(*steps: tuple[str, str]) -> list[Dataset]:
    items = []
    for step, procedure in steps:
        item = Dataset()
        item.ScheduledProcedureStepID, item.RequestedProcedureID = step, procedure
        items.append(item)
    return items


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("search"))
    requested = _request_attributes(("STEP1", "PROC1"), ("STEP2", "PROC2"))
    performed = {
        "PerformedProcedureStepStartDate": "20240315",
        "PerformedProcedureStepStartTime": "1016",
    }
    gateway.store(
        *(
            _instance(CHEST, 1, n, RequestAttributesSequence=requested, **performed)
            for n in (2, 1, 10)
        ),
        _instance(CHEST, 2, 1, "OT"),
        _instance(HEAD, 1, 1, "MR", BodyPartExamined="HEAD"),
        _instance(OLD, 1, 1),
        _instance(BARE, 1, 1),
    )
    with gateway.serving() as root:
        yield root
    gateway.close()


def _get(root: str, path: str, accept: str = "application/dicom+json") -> httpx.Response:
    return CLIENT.get(f"{root}/dicom-web{path}", headers={"Accept": accept})


def _found(root: str, path: str, tag: str = "0020000D") -> list:
    response = _get(root, path)
    assert response.status_code == 200, response.text
    return [result[tag]["Value"][0] for result in response.json()]


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyDate=20240315", {CHEST}),
        ("00080020=20240315", {CHEST}),
        ("StudyDate=20240101-20241231", {CHEST, HEAD}),
        ("StudyDate=20240320-", {HEAD}),
        ("StudyDate=-20200101", {OLD}),
        ("StudyTime=0800-1015", {CHEST, HEAD}),
        ("StudyTime=080001-", {CHEST, OLD}),
        ("StudyTime=-101529", {HEAD}),
        ("StudyTime=1015", {CHEST}),
        ("AccessionNumber=A1", {CHEST}),
        ("00080050=A1", {CHEST}),
        ("AccessionNumber=A?", {CHEST, HEAD}),
        ("AccessionNumber=A_*", {OLD}),
        ("ModalitiesInStudy=OT", {CHEST}),
        ("00080061=MR", {HEAD}),
        ("ModalitiesInStudy=MR,OT", {CHEST, HEAD}),
        ("ModalitiesInStudy=MR%5COT", {CHEST, HEAD}),
        ("ModalitiesInStudy=M*", {HEAD}),
        (f"SOPClassesInStudy={MRImageStorage}", {HEAD}),
        ("ReferringPhysicianName=doe%5EJANE", {CHEST}),
        ("PatientID=P-1", {CHEST}),
        ("00100020=*-1", {CHEST, OLD}),
        ("PatientID=P*", {CHEST, HEAD}),
        ("PatientID=", {CHEST, HEAD, OLD, BARE}),
        ("PatientID=*", {CHEST, HEAD, OLD, BARE}),
        ("StudyID=S2", {HEAD}),
        ("StudyDescription=CT*", {CHEST}),
        ("StudyDescription=*50%25", {CHEST}),
        ("StudyDescription=*%5Bcontrast%5D", {HEAD}),
        ("StudyDescription=*[abc]*", set()),
        (f"StudyInstanceUID={CHEST}", {CHEST}),
        (f"StudyInstanceUID={CHEST},{OLD}", {CHEST, OLD}),
        (f"StudyInstanceUID={CHEST}%5C{OLD}", {CHEST, OLD}),
        (f"0020000d={CHEST}", {CHEST}),
        ("PatientBirthDate=1970-", None),
        ("PatientBirthDate=19700101", {CHEST}),
        ("PatientSex=F", {CHEST}),
        ("StudyDate=20240315&PatientID=P-2", set()),
        ("PatientID=P-1'%20OR%20'1'='1", set()),
    ],
)
def test_studies_are_filtered_by_every_key(root, query, studies):
    if studies is None:
        assert _get(root, f"/studies?{query}").status_code == 400
    else:
        assert set(_found(root, f"/studies?{query}")) == studies


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("Müller^Änne", {CHEST}),
        ("muller^anne", {CHEST}),
        ("*MULLER*", {CHEST}),
        ("M?ller*", {CHEST}),
        ("yamada^tarou", {HEAD}),
        ("山田^太郎", {HEAD}),
        ("やまだ*", {HEAD}),
        ("*smith*", {OLD}),
        ("Smith", set()),
    ],
)
def test_names_match_without_case_and_accents_in_every_way_of_writing(root, name, studies):
    response = CLIENT.get(f"{root}/dicom-web/studies", params={"PatientName": name})

    assert {study["0020000D"]["Value"][0] for study in response.json()} == studies


@pytest.mark.parametrize(
    ("query", "series"),
    [
        ("Modality=CT", {f"{CHEST}.1", f"{OLD}.1", f"{BARE}.1"}),
        ("00080060=OT", {f"{CHEST}.2"}),
        (f"SeriesInstanceUID={CHEST}.2,{HEAD}.1", {f"{CHEST}.2", f"{HEAD}.1"}),
        ("SeriesNumber=2", {f"{CHEST}.2"}),
        ("SeriesDescription=series%202", {f"{CHEST}.2"}),
        ("PerformedProcedureStepStartDate=20240101-", {f"{CHEST}.1"}),
        ("PerformedProcedureStepStartTime=10-11", {f"{CHEST}.1"}),
        ("RequestAttributesSequence.ScheduledProcedureStepID=STEP1", {f"{CHEST}.1"}),
        ("RequestAttributesSequence.ScheduledProcedureStepID=STEP2", {f"{CHEST}.1"}),
        ("00400275.00400009=STEP?", {f"{CHEST}.1"}),
        ("00400275.00401001=PROC2", {f"{CHEST}.1"}),
        ("00400275.00401001=PROC3", set()),
        ("BodyPartExamined=HEAD", {f"{HEAD}.1"}),
        ("PatientID=P-1&SeriesNumber=1", {f"{CHEST}.1"}),
        ("ModalitiesInStudy=OT", {f"{CHEST}.1", f"{CHEST}.2"}),
    ],
)
def test_series_are_filtered_by_every_key(root, query, series):
    assert set(_found(root, f"/series?{query}", "0020000E")) == series


@pytest.mark.parametrize(
    ("query", "instances"),
    [
        (f"SOPInstanceUID={CHEST}.1.10", {f"{CHEST}.1.10"}),
        (f"SOPClassUID={MRImageStorage}", {f"{HEAD}.1.1"}),
        (f"00080016={MRImageStorage}", {f"{HEAD}.1.1"}),
        ("InstanceNumber=10", {f"{CHEST}.1.10"}),
        ("Modality=OT", {f"{CHEST}.2.1"}),
        ("Rows=5", set()),
    ],
)
def test_instances_are_filtered_by_every_key(root, query, instances):
    assert set(_found(root, f"/instances?{query}", "00080018")) == instances


def test_nothing_found_is_an_empty_list(root):
    response = _get(root, "/studies?PatientID=nobody")

    assert (response.status_code, response.json()) == (200, [])
    assert response.headers["content-type"] == "application/dicom+json"


@pytest.mark.parametrize(
    "query",
    [
        "NoSuchAttribute=1",
        "00ZZ0010=1",
        "patientid=P-1",
        "PixelSpacing=1",
        "Modality=CT",
        "SOPInstanceUID=1.2",
        "RequestAttributesSequence=1",
        "StudyDate=yesterday",
        "StudyDate=2024-03-15",
        "StudyDate=-",
        "StudyTime=2500",
        "limit=-1",
        "limit=ten",
        "offset=1.5",
        "fuzzymatching=perhaps",
        "includefield=NoSuchAttribute",
        "PatientID=a&PatientID=b",
        "PatientID=*a*b*c*d*e*f*g*",
        "PatientID=%00",
    ],
)
def test_what_cannot_be_matched_is_refused_and_never_left_unfiltered(root, query):
    response = _get(root, f"/studies?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_a_study_tells_what_it_holds(root):
    (study,) = _get(root, f"/studies?StudyInstanceUID={CHEST}").json()

    assert study["00080061"]["Value"] == ["CT", "OT"]
    assert study["00201206"]["Value"] == [2]
    assert study["00201208"]["Value"] == [4]
    assert study["00080056"]["Value"] == ["ONLINE"]
    assert study["00081190"]["Value"] == [f"{root}/dicom-web/studies/{CHEST}"]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^Änne"}]
    assert study["00081030"]["Value"] == ["CT CHEST 50%"]
    assert list(study) == sorted(study)


def test_a_name_comes_back_in_all_its_ways_of_writing(root):
    (study,) = _get(root, f"/studies?StudyInstanceUID={HEAD}").json()

    assert study["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]


def test_required_attributes_without_a_value_are_there_and_empty(root):
    (study,) = _get(root, f"/studies?StudyInstanceUID={BARE}").json()

    assert study["00080050"] == {"vr": "SH"}
    assert study["00100010"] == {"vr": "PN"}


def test_series_of_a_study_come_by_number_and_without_study_attributes(root):
    series = _get(root, f"/studies/{CHEST}/series").json()

    assert [each["00200011"]["Value"][0] for each in series] == [1, 2]
    assert series[0]["00201209"]["Value"] == [3]
    assert series[0]["00081190"]["Value"] == [f"{root}/dicom-web/studies/{CHEST}/series/{CHEST}.1"]
    assert "00100010" not in series[0]
    assert series[0]["00400275"]["Value"][1]["00400009"]["Value"] == ["STEP2"]


def test_a_search_over_all_series_tells_of_their_studies(root):
    (series,) = _get(root, f"/series?SeriesInstanceUID={CHEST}.2").json()

    assert series["00100020"]["Value"] == ["P-1"]
    assert series["00201208"]["Value"] == [4]


def test_instances_come_by_number(root):
    path = f"/studies/{CHEST}/series/{CHEST}.1/instances"

    assert _found(root, path, "00200013") == [1, 2, 10]
    first = _get(root, path).json()[0]
    assert first["00280010"]["Value"] == [4]
    assert first["00280100"]["Value"] == [16]
    assert first["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
    assert first["00081190"]["Value"] == [
        f"{root}/dicom-web/studies/{CHEST}/series/{CHEST}.1/instances/{CHEST}.1.1"
    ]


def test_instances_of_a_study_tell_their_series(root):
    found = _get(root, f"/studies/{CHEST}/instances").json()

    assert [each["0020000E"]["Value"][0] for each in found] == [f"{CHEST}.1"] * 3 + [f"{CHEST}.2"]
    assert found[0]["00080060"]["Value"] == ["CT"]


def test_an_unknown_study_has_no_series(root):
    assert _get(root, "/studies/1.2.3/series").json() == []


def test_pages_put_together_are_the_whole_list(root):
    whole = _found(root, "/studies")
    pages = [_found(root, f"/studies?limit=1&offset={offset}") for offset in range(5)]

    assert [uid for page in pages for uid in page] == whole
    assert whole == [HEAD, CHEST, OLD, BARE]


def test_a_page_warns_of_what_is_left(root):
    more = _get(root, "/studies?limit=3")
    last = _get(root, "/studies?limit=3&offset=3")

    assert more.headers["warning"] == (
        f"299 {root}/dicom-web: There are 1 additional results that can be requested"
    )
    assert "warning" not in last.headers


def test_limit_zero_gives_nothing_and_says_how_much_there_is(root):
    response = _get(root, "/studies?limit=0")

    assert response.json() == []
    assert "There are 4 additional" in response.headers["warning"]


def test_fuzzy_matching_warns_that_it_was_literal(root):
    response = _get(root, "/studies?fuzzymatching=true&PatientID=P-1")

    assert response.headers["warning"] == (
        f"299 {root}/dicom-web: The fuzzymatching parameter is not supported. "
        "Only literal matching has been performed."
    )
    assert len(response.json()) == 1
    assert "warning" not in _get(root, "/studies?fuzzymatching=false").headers


@pytest.mark.parametrize(
    "fields",
    [
        "includefield=00080021&includefield=00180015",
        "includefield=00080021,00180015",
        "includefield=00080021%2C00180015",
        "includefield=SeriesDate,BodyPartExamined",
        "includefield=all",
    ],
)
def test_further_attributes_can_be_asked_for(root, fields):
    with_fields = _get(root, f"/studies/{HEAD}/series?{fields}").json()[0]
    without = _get(root, f"/studies/{HEAD}/series").json()[0]

    assert with_fields["00180015"]["Value"] == ["HEAD"]
    assert "00180015" not in without


def test_a_path_in_includefield_brings_its_sequence(root):
    field = "RequestAttributesSequence.RequestedProcedureID"
    (series,) = _get(root, f"/studies/{CHEST}/series?SeriesNumber=1&includefield={field}").json()

    assert len(series["00400275"]["Value"]) == 2


def test_all_attributes_of_an_instance_link_to_their_bulk_data(root):
    path = f"/studies/{CHEST}/series/{CHEST}.1/instances"
    instance = _get(root, f"{path}?includefield=all&limit=1").json()[0]

    uri = instance["7FE00010"]["BulkDataURI"]
    assert uri == f"{root}/dicom-web{path}/{CHEST}.1.1/bulkdata/7FE00010"
    assert CLIENT.get(uri, headers={"Accept": "application/octet-stream"}).content == bytes(48)


@pytest.mark.parametrize("accept", ["image/png", 'multipart/related; type="application/dicom+xml"'])
def test_a_type_that_is_not_offered_is_refused(root, accept):
    response = _get(root, "/studies", accept)

    assert response.status_code == 406
    assert "application/dicom+json" in response.json()["detail"]


def test_plain_json_and_the_accept_parameter_are_understood(root):
    assert _get(root, "/studies", "application/json").headers["content-type"] == "application/json"
    by_parameter = _get(root, "/studies?accept=application/json", "image/png")
    assert by_parameter.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "pacs.example.org",
                "X-Forwarded-Prefix": "/ai",
            },
            "https://pacs.example.org/ai",
        ),
        ({"Forwarded": 'for=1.2.3.4;proto=https;host="a.example:8443"'}, "https://a.example:8443"),
        ({"X-Forwarded-Host": "outer.example, inner.example"}, "http://outer.example"),
    ],
)
def test_links_follow_the_proxy(root, headers, expected):
    (study,) = CLIENT.get(f"{root}/dicom-web/studies?limit=1", headers=headers).json()

    assert study["00081190"]["Value"][0].startswith(f"{expected}/dicom-web/studies/")


def test_a_forwarded_host_that_is_none_is_passed_over(root):
    headers = {"X-Forwarded-Host": "evil.example/<script>", "X-Forwarded-Prefix": "//x"}
    (study,) = CLIENT.get(f"{root}/dicom-web/studies?limit=1", headers=headers).json()

    assert study["00081190"]["Value"][0].startswith(f"{root}/dicom-web/studies/")


def test_the_public_url_of_the_settings_wins(tmp_path):
    gateway = Gateway(tmp_path, public_url="https://airgate.example/x/")
    gateway.store(_instance(OLD, 1, 1))
    with gateway.serving() as root:
        (study,) = _get(root, "/studies").json()
    gateway.close()

    assert study["00081190"]["Value"] == [f"https://airgate.example/x/dicom-web/studies/{OLD}"]


def test_ohif_finds_its_study(root):
    """The very requests of a session (VIEWERS 3)."""
    fields = "00081030%2C00080060%2C00080090%2C00100030"
    query = f"limit=101&offset=0&fuzzymatching=false&includefield={fields}"

    (study,) = _get(root, f"/studies?{query}&StudyInstanceUID={CHEST}").json()
    assert study["00081030"]["Value"] == ["CT CHEST 50%"]
    assert _found(root, f"/studies?{query}&PatientName=*m%C3%BCller*") == [CHEST]
    assert _found(root, f"/studies?{query}&00100020=*P-1*") == [CHEST]
    wanted = "includefield=00080021%2C00080031%2C0008103E%2C00200011"
    series = _get(root, f"/studies/{CHEST}/series?{wanted}&SeriesInstanceUID={CHEST}.2").json()
    assert series[0]["0008103E"]["Value"] == ["series 2"]


def test_dicomweb_client_searches_all_three_levels(root):
    client = DICOMwebClient(f"{root}/dicom-web")

    studies = client.search_for_studies(
        search_filters={"StudyDate": "20240101-", "PatientName": "*müller*"}, fields=["PatientSex"]
    )
    series = client.search_for_series(CHEST, search_filters={"Modality": "CT"})
    instances = client.search_for_instances(CHEST, f"{CHEST}.1", limit=2)

    assert Dataset.from_json(json.dumps(studies[0])).StudyInstanceUID == CHEST
    assert datetime.strptime(studies[0]["00080020"]["Value"][0], "%Y%m%d").year == 2024
    assert [each["0020000E"]["Value"] for each in series] == [[f"{CHEST}.1"]]
    assert len(instances) == 2


def test_links_keep_the_port_for_a_client_that_leaves_it_out_of_host(root):
    (study,) = CLIENT.get(f"{root}/dicom-web/studies?limit=1", headers={"Host": "127.0.0.1"}).json()

    assert study["00081190"]["Value"][0].startswith(f"{root}/dicom-web/studies/")
