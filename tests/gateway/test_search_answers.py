"""What a search answers: attributes, counts, links (PS3.18 10.6.3.3)."""

import pytest

from tests.gateway.index_helper import Gateway
from tests.gateway.search_example import BARE, CHEST, CLIENT, HEAD, OLD, get, instance, searchable
from tests.shared_data import shared_data


def only(root: str, path: str) -> dict:
    (result,) = get(root, path).json()
    return result


def test_a_study_tells_what_it_holds(search_root):
    """SC-26: counts, modalities and links."""
    study = only(search_root, f"/studies?StudyInstanceUID={CHEST}")

    assert study["00080061"]["Value"] == ["CT", "OT"]
    assert study["00201206"]["Value"] == [2]
    assert study["00201208"]["Value"] == [4]
    assert study["00080056"]["Value"] == ["ONLINE"]
    assert study["00081190"]["Value"] == [f"{search_root}/dicom-web/studies/{CHEST}"]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^Änne"}]
    assert study["00081030"]["Value"] == ["CT CHEST 50%"]
    assert study["00080005"]["Value"] == ["ISO_IR 192"]
    assert study["00080201"]["Value"] == ["+0100"]
    assert list(study) == sorted(study)


def test_a_name_comes_back_in_all_its_ways_of_writing(search_root):
    """SC-27, from Unicode; from other character sets see below."""
    study = only(search_root, f"/studies?StudyInstanceUID={HEAD}")

    assert study["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]


CHARACTER_SETS = {
    "chrH31": ("Yamada^Tarou", "山田^太郎", "やまだ^たろう"),  # ISO 2022 IR 87
    "chrI2": ("Hong^Gildong", "洪^吉洞", "홍^길동"),  # ISO 2022 IR 149
    "chrX2": ("Wang^XiaoDong", "王^小东"),  # GB18030
    "chrX1": ("Wang^XiaoDong", "王^小東"),  # ISO_IR 192
    "chrGreek": ("Διονυσιος",),  # ISO_IR 126
}


@pytest.mark.parametrize("kind", CHARACTER_SETS)
def test_names_in_other_character_sets_come_back_as_utf_8(tmp_path, database_url, kind):
    """SC-27, from ISO 2022 and GB18030."""
    path = shared_data(f"charsets/{kind}.dcm")
    groups = CHARACTER_SETS[kind]
    with searchable(tmp_path, path.read_bytes(), database_url=database_url) as root:
        response = get(root, "/studies")
        by_name = [
            CLIENT.get(f"{root}/dicom-web/studies", params={"PatientName": group}).json()
            for group in groups
        ]

    (study,) = response.json()
    names = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=False))
    assert study["00100010"]["Value"] == [names]
    assert study["00080005"]["Value"] == ["ISO_IR 192"]
    assert groups[-1].encode() in response.content
    assert by_name == [[study]] * len(groups)


def test_required_attributes_without_a_value_are_there_and_empty(search_root):
    study = only(search_root, f"/studies?StudyInstanceUID={BARE}")

    assert study["00080050"] == {"vr": "SH"}
    assert study["00100010"] == {"vr": "PN"}


def test_series_of_a_study_come_by_number_and_without_study_attributes(search_root):
    series = get(search_root, f"/studies/{CHEST}/series").json()

    assert [each["00200011"]["Value"][0] for each in series] == [1, 2]
    assert series[0]["00201209"]["Value"] == [3]
    assert series[0]["00081190"]["Value"] == [
        f"{search_root}/dicom-web/studies/{CHEST}/series/{CHEST}.1"
    ]
    assert "00100010" not in series[0]
    assert series[0]["00400275"]["Value"][1] == {
        "00400009": {"vr": "SH", "Value": ["STEP2"]},
        "00401001": {"vr": "SH", "Value": ["PROC2"]},
    }


def test_a_search_over_all_series_tells_of_their_studies(search_root):
    series = only(search_root, f"/series?SeriesInstanceUID={CHEST}.2")

    assert series["00100020"]["Value"] == ["P-1"]
    assert series["00201208"]["Value"] == [4]


def test_instances_come_by_number(search_root):
    path = f"/studies/{CHEST}/series/{CHEST}.1/instances"
    found = get(search_root, path).json()

    assert [each["00200013"]["Value"] for each in found] == [[1], [2], [10]]
    assert found[0]["00280010"]["Value"] == [4]
    assert found[0]["00280100"]["Value"] == [16]
    assert found[0]["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
    assert found[0]["00081190"]["Value"] == [
        f"{search_root}/dicom-web/studies/{CHEST}/series/{CHEST}.1/instances/{CHEST}.1.1"
    ]


def test_instances_of_a_study_tell_their_series(search_root):
    found = get(search_root, f"/studies/{CHEST}/instances").json()

    assert [each["0020000E"]["Value"][0] for each in found] == [f"{CHEST}.1"] * 3 + [f"{CHEST}.2"]
    assert found[0]["00080060"]["Value"] == ["CT"]


def test_an_unknown_study_has_no_series(search_root):
    assert get(search_root, "/studies/1.2.3/series").json() == []


@pytest.mark.parametrize(
    "fields",
    [
        "includefield=00080021&includefield=00180015",
        "includefield=00080021,00180015",
        "includefield=00080021%2C00180015",
        "includefield=SeriesDate,BodyPartExamined",
        "includefield=00080021,BodyPartExamined",
        "includefield=all",
    ],
)
def test_further_attributes_can_be_asked_for(search_root, fields):
    """SC-23: all, a list, repeated, by tag and by keyword."""
    with_fields = get(search_root, f"/studies/{HEAD}/series?{fields}").json()[0]
    without = get(search_root, f"/studies/{HEAD}/series").json()[0]

    assert with_fields["00180015"]["Value"] == ["HEAD"]
    assert "00180015" not in without


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("OtherPatientIDsSequence.PatientID", {"00100020"}),
        ("00101002.00100022", {"00100022"}),
        ("00101002.00100022,00101002.00100020", {"00100020", "00100022"}),
        ("OtherPatientIDsSequence.PatientID,OtherPatientIDsSequence", {"00100020", "00100022"}),
        ("OtherPatientIDsSequence", {"00100020", "00100022"}),
        ("OtherPatientIDsSequence.AccessionNumber", set()),
    ],
)
def test_a_path_brings_only_what_it_names_within_a_sequence(search_root, fields, expected):
    """SC-23: nested paths."""
    study = only(search_root, f"/studies?StudyInstanceUID={CHEST}&includefield={fields}")

    (item,) = study["00101002"]["Value"]
    assert item.keys() == expected


def test_a_path_goes_down_several_sequences(search_root):
    """SC-23: a path of three."""
    path = "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue"
    series = only(search_root, f"/studies/{CHEST}/series?SeriesNumber=1&includefield={path}")

    first, second = series["00400275"]["Value"]
    assert "00400008" not in first
    assert [item.keys() for item in second["00400008"]["Value"]] == [{"00080100"}, {"00080100"}]


def test_what_is_searched_by_is_answered_too(search_root):
    study = only(search_root, "/studies?PatientAge=045Y")
    inner = only(search_root, "/studies?OtherPatientIDsSequence.PatientID=11235813")

    assert study["00101010"]["Value"] == ["045Y"]
    assert inner["00101002"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["11235813"]}}]


def test_attributes_of_a_lower_level_are_passed_over_and_of_a_higher_one_given(search_root):
    study = only(search_root, f"/studies?StudyInstanceUID={HEAD}&includefield=00080060,00200013")
    series = get(search_root, f"/studies/{HEAD}/series?includefield=PatientID,KVP").json()[0]

    assert not {"00080060", "00200013"} & study.keys()
    assert series["00100020"]["Value"] == ["P-2"]
    assert "00180060" not in series


def test_numbers_of_what_a_patient_has_are_told_when_asked_for(search_root):
    fields = "NumberOfPatientRelatedStudies,00201202,00201204"
    study = only(search_root, f"/studies?StudyInstanceUID={CHEST}&includefield={fields}")
    nobody = only(search_root, f"/studies?StudyInstanceUID={BARE}&includefield={fields}")

    numbers = [study[tag]["Value"] for tag in ("00201200", "00201202", "00201204")]
    assert numbers == [[1], [2], [4]]
    assert "00201200" not in nobody


def test_a_private_attribute_comes_with_its_creator(search_root):
    path = f"/studies/{CHEST}/series/{CHEST}.1/instances?InstanceNumber=2"
    found = only(search_root, f"{path}&00090010=ACME%201&includefield=00091001")

    assert found["00091001"]["Value"] == ["private 2"]
    assert found["00090010"]["Value"] == ["ACME 1"]
    assert "00091001" not in only(search_root, path)


def test_all_attributes_of_an_instance_link_to_their_bulk_data(search_root):
    path = f"/studies/{CHEST}/series/{CHEST}.1/instances"
    found = get(search_root, f"{path}?includefield=all&limit=1").json()[0]

    uri = found["7FE00010"]["BulkDataURI"]
    assert uri == f"{search_root}/dicom-web{path}/{CHEST}.1.1/bulkdata/7FE00010"
    assert CLIENT.get(uri, headers={"Accept": "application/octet-stream"}).content == bytes(48)


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
def test_links_follow_the_proxy(search_root, headers, expected):
    """SC-26: behind a proxy with a prefix."""
    reply = CLIENT.get(f"{search_root}/dicom-web/studies?limit=1", headers=headers)
    (study,) = reply.json()

    assert study["00081190"]["Value"][0].startswith(f"{expected}/dicom-web/studies/")
    assert reply.headers["warning"].startswith(f"299 {expected}/dicom-web: There are 3 ")


def test_a_forwarded_host_that_is_none_is_passed_over(search_root):
    headers = {"X-Forwarded-Host": "evil.example/<script>", "X-Forwarded-Prefix": "//x"}
    (study,) = CLIENT.get(f"{search_root}/dicom-web/studies?limit=1", headers=headers).json()

    assert study["00081190"]["Value"][0].startswith(f"{search_root}/dicom-web/studies/")


def test_links_keep_the_port_for_a_client_that_leaves_it_out_of_host(search_root):
    reply = CLIENT.get(f"{search_root}/dicom-web/studies?limit=1", headers={"Host": "127.0.0.1"})

    (study,) = reply.json()
    assert study["00081190"]["Value"][0].startswith(f"{search_root}/dicom-web/studies/")


def test_the_public_url_of_the_settings_wins(tmp_path):
    public = "https://airgate.example/x/"
    with searchable(tmp_path, instance(OLD, 1, 1), public_url=public) as root:
        study = only(root, "/studies")

    assert study["00081190"]["Value"] == [f"https://airgate.example/x/dicom-web/studies/{OLD}"]


def test_counts_follow_what_is_stored_later(tmp_path, database_url):
    """SC-26: counts and modalities are those of the moment."""
    gateway = Gateway(tmp_path, database_url)
    gateway.store(instance(OLD, 1, 1))
    with gateway.serving() as root:
        gateway.store(instance(OLD, 1, 2), instance(OLD, 2, 1, "MR"))
        gateway.store(instance(OLD, 1, 1))
        study = only(root, "/studies")
        series = get(root, f"/studies/{OLD}/series").json()
    gateway.close()

    assert study["00080061"]["Value"] == ["CT", "MR"]
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([2], [3])
    assert [each["00201209"]["Value"] for each in series] == [[2], [1]]
