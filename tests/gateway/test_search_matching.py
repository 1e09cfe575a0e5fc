"""QIDO-RS finds what it should by every key (PS3.18 8.3.4.1, PS3.4 C.2.2.2), on both databases."""

import pytest
from pydicom.uid import MRImageStorage

from tests.gateway.search_example import BARE, CHEST, CLIENT, HEAD, OLD, found, get


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyDate=20240315", {CHEST}),
        ("00080020=20240315", {CHEST}),
        ("StudyTime=1015", {CHEST}),
        ("00080030=1015", {CHEST}),
        ("AccessionNumber=A1", {CHEST}),
        ("00080050=A1", {CHEST}),
        ("ModalitiesInStudy=OT", {CHEST}),
        ("00080061=MR", {HEAD}),
        ("ModalitiesInStudy=MR,OT", {CHEST, HEAD}),
        ("ModalitiesInStudy=MR%5COT", {CHEST, HEAD}),
        (f"SOPClassesInStudy={MRImageStorage}", {HEAD}),
        ("ReferringPhysicianName=doe%5EJANE", {CHEST}),
        ("00080090=doe%5EJANE", {CHEST}),
        ("PatientName=SMITH%5EJohn", {OLD}),
        ("00100010=SMITH%5EJohn", {OLD}),
        ("PatientID=P-1", {CHEST}),
        ("00100020=P-1", {CHEST}),
        ("PatientID=", {CHEST, HEAD, OLD, BARE}),
        ("PatientID=*", {CHEST, HEAD, OLD, BARE}),
        ("StudyID=S2", {HEAD}),
        ("00200010=S2", {HEAD}),
        (f"StudyInstanceUID={CHEST}", {CHEST}),
        (f"0020000d={CHEST}", {CHEST}),
        ("PatientBirthDate=19700101", {CHEST}),
        ("PatientBirthDate=1970-", None),
        ("PatientSex=F", {CHEST}),
        ("NumberOfStudyRelatedSeries=2", {CHEST}),
        ("NumberOfStudyRelatedInstances=1", {HEAD, OLD, BARE}),
        ("StudyDate=20240315&PatientID=P-2", set()),
        ("PatientID=P-1'%20OR%20'1'='1", set()),
        ("PatientID=P-1%25", set()),
        ("SpecificCharacterSet=ISO_IR%20100", {CHEST, HEAD, OLD, BARE}),
    ],
)
def test_studies_are_found_by_every_required_key_by_keyword_and_by_tag(search_root, query, studies):
    """SC-18, keys of a study."""
    if studies is None:
        assert get(search_root, f"/studies?{query}").status_code == 400
    else:
        assert set(found(search_root, f"/studies?{query}")) == studies


@pytest.mark.parametrize(
    ("query", "series"),
    [
        ("Modality=CT", {f"{CHEST}.1", f"{OLD}.1", f"{BARE}.1"}),
        ("00080060=OT", {f"{CHEST}.2"}),
        (f"SeriesInstanceUID={CHEST}.2,{HEAD}.1", {f"{CHEST}.2", f"{HEAD}.1"}),
        (f"0020000E={CHEST}.2", {f"{CHEST}.2"}),
        ("SeriesNumber=2", {f"{CHEST}.2"}),
        ("00200011=2", {f"{CHEST}.2"}),
        ("SeriesDescription=series%202", {f"{CHEST}.2"}),
        ("PerformedProcedureStepStartDate=20240101-", {f"{CHEST}.1"}),
        ("00400244=20240315", {f"{CHEST}.1"}),
        ("PerformedProcedureStepStartTime=10-11", {f"{CHEST}.1"}),
        ("00400245=1016", {f"{CHEST}.1"}),
        ("RequestAttributesSequence.ScheduledProcedureStepID=STEP1", {f"{CHEST}.1"}),
        ("RequestAttributesSequence.ScheduledProcedureStepID=STEP2", {f"{CHEST}.1"}),
        ("00400275.00400009=STEP?", {f"{CHEST}.1"}),
        ("00400275.00400009=*P2", {f"{CHEST}.1"}),
        ("RequestAttributesSequence.RequestedProcedureID=PROC2", {f"{CHEST}.1"}),
        ("00400275.00401001=PROC2", {f"{CHEST}.1"}),
        ("00400275.00401001=PROC3", set()),
        ("NumberOfSeriesRelatedInstances=3", {f"{CHEST}.1"}),
        ("PatientID=P-1&SeriesNumber=1", {f"{CHEST}.1"}),
        ("ModalitiesInStudy=OT", {f"{CHEST}.1", f"{CHEST}.2"}),
    ],
)
def test_series_are_found_by_every_required_key(search_root, query, series):
    """SC-18, keys of a series."""
    assert set(found(search_root, f"/series?{query}", "0020000E")) == series


@pytest.mark.parametrize(
    ("query", "instances"),
    [
        (f"SOPInstanceUID={CHEST}.1.10", {f"{CHEST}.1.10"}),
        (f"00080018={CHEST}.1.10%5C{CHEST}.1.2", {f"{CHEST}.1.10", f"{CHEST}.1.2"}),
        (f"SOPClassUID={MRImageStorage}", {f"{HEAD}.1.1"}),
        (f"00080016={MRImageStorage}", {f"{HEAD}.1.1"}),
        ("InstanceNumber=10", {f"{CHEST}.1.10"}),
        ("00200013=010", {f"{CHEST}.1.10"}),
        ("Modality=OT", {f"{CHEST}.2.1"}),
        ("Rows=5", set()),
        ("Rows=4&Modality=MR", {f"{HEAD}.1.1"}),
    ],
)
def test_instances_are_found_by_every_required_key(search_root, query, instances):
    """SC-18, keys of an instance."""
    assert set(found(search_root, f"/instances?{query}", "00080018")) == instances


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyDate=20240101-20241231", {CHEST, HEAD}),
        ("StudyDate=20240320-", {HEAD}),
        ("StudyDate=-20200101", {OLD}),
        ("StudyTime=0800-1015", {CHEST, HEAD}),
        ("StudyTime=080001-", {CHEST, OLD}),
        ("StudyTime=-101529", {HEAD}),
        ("AccessionNumber=A?", {CHEST, HEAD}),
        ("AccessionNumber=A_*", {OLD}),
        ("00100020=*-1", {CHEST, OLD}),
        ("PatientID=P*", {CHEST, HEAD}),
        ("ModalitiesInStudy=M*", {HEAD}),
        ("ModalitiesInStudy=*T", {CHEST, OLD, BARE}),
        ("StudyDescription=CT*", {CHEST}),
        ("StudyDescription=*CHEST*", {CHEST}),
        ("StudyDescription=*50%25", {CHEST}),
        ("StudyDescription=*%5Bcontrast%5D", {HEAD}),
        ("StudyDescription=*%5Babc%5D*", set()),
        (f"StudyInstanceUID={CHEST},{OLD}", {CHEST, OLD}),
        (f"StudyInstanceUID={CHEST}%5C{OLD}", {CHEST, OLD}),
        (f"StudyInstanceUID={CHEST}&StudyInstanceUID={OLD}", {CHEST, OLD}),
    ],
)
def test_ranges_wild_cards_and_lists_of_uids_match(search_root, query, studies):
    """SC-19."""
    assert set(found(search_root, f"/studies?{query}")) == studies


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyDate=20240314-20240401&StudyTime=1100-0700", {CHEST}),
        ("StudyDate=20240314-20240401&StudyTime=1100-0900", {CHEST, HEAD}),
        ("StudyDate=20240314-&StudyTime=1100-0900", None),
        ("StudyDate=20240314-20240401&StudyTime=0900-1100", {CHEST, HEAD}),
        ("StudyDate=20240315-20240401&StudyTime=0700-0730", {CHEST}),
        ("StudyDate=20240315-&StudyTime=1200-", {HEAD}),
        ("StudyDate=20240315&StudyTime=1200-", set()),
        ("StudyDate=20240315&StudyTime=10-11", {CHEST}),
    ],
)
def test_ranges_of_date_and_time_are_one_range_of_moments(search_root, query, studies):
    """PS3.18 8.3.4.1.1."""
    if studies is None:
        assert get(search_root, f"/studies?{query}").status_code == 400
    else:
        assert set(found(search_root, f"/studies?{query}")) == studies


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyTime=0915&TimezoneOffsetFromUTC=%2B0000", {CHEST}),
        ("StudyTime=1015&TimezoneOffsetFromUTC=+0100", {CHEST}),
        ("StudyTime=1015&00080201=-0500", set()),
        ("StudyDate=20240314&StudyTime=2215&TimezoneOffsetFromUTC=-1100", {CHEST}),
        ("StudyDate=20240315&TimezoneOffsetFromUTC=-1100", set()),
        ("StudyDate=20240314-20240314&StudyTime=22-23&TimezoneOffsetFromUTC=-1100", {CHEST}),
        ("StudyDate=20240401&TimezoneOffsetFromUTC=-1100", {HEAD}),
        ("TimezoneOffsetFromUTC=", {CHEST, HEAD, OLD, BARE}),
        ("TimezoneOffsetFromUTC=CET", None),
    ],
)
def test_dates_and_times_are_meant_in_the_time_zone_of_the_query(search_root, query, studies):
    if studies is None:
        assert get(search_root, f"/studies?{query}").status_code == 400
    else:
        assert set(found(search_root, f"/studies?{query}")) == studies


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("Müller^Änne", {CHEST}),
        ("muller^anne", {CHEST}),
        ("Müller^Änne^*", {CHEST}),
        ("*MULLER*", {CHEST}),
        ("M?ller*", {CHEST}),
        ("*^Änne", {CHEST}),
        ("yamada^tarou", {HEAD}),
        ("山田^太郎", {HEAD}),
        ("やまだ*", {HEAD}),
        ("*山田*", {HEAD}),
        ("Yamada*=山田*", {HEAD}),
        ("=山田*", {HEAD}),
        ("Yamada*=田中*", set()),
        ("y*u=山*", {HEAD}),
        ("y*郎", set()),
        ("*smith*", {OLD}),
        ("*mi*", {OLD}),
        ("Smith", set()),
        ("Smith^*", {OLD}),
        ("Müller^Änne\\Smith^John", {CHEST, OLD}),
    ],
)
def test_names_match_without_case_and_accents_in_every_way_of_writing(search_root, name, studies):
    """Any component group, and wild cards in each component."""
    response = CLIENT.get(f"{search_root}/dicom-web/studies", params={"PatientName": name})

    assert {study["0020000D"]["Value"][0] for study in response.json()} == studies


@pytest.mark.parametrize(
    ("resource", "query", "tag", "expected"),
    [
        ("studies", "PatientAge=045Y", "0020000D", {HEAD}),
        ("studies", "PatientWeight=71.5", "0020000D", {HEAD}),
        ("studies", "OtherPatientIDsSequence.PatientID=11235813", "0020000D", {CHEST}),
        ("studies", "00101002.00100020=1123*", "0020000D", {CHEST}),
        ("series", "BodyPartExamined=HEAD", "0020000E", {f"{HEAD}.1"}),
        ("series", "BodyPartExamined=HE*", "0020000E", {f"{HEAD}.1"}),
        ("series", "OperatorsName=meyer*", "0020000E", {f"{HEAD}.1"}),
        ("series", "00400275.00400008.00080100=CV2", "0020000E", {f"{CHEST}.1"}),
        (
            "series",
            "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue=CV2"
            "&RequestAttributesSequence.ScheduledProcedureStepID=STEP1",
            "0020000E",
            set(),
        ),
        ("instances", "KVP=120&InstanceNumber=2", "00080018", {f"{CHEST}.1.2"}),
        ("instances", "ImageType=AXIAL&InstanceNumber=2", "00080018", {f"{CHEST}.1.2"}),
        ("instances", "BitsAllocated=16&Modality=OT", "00080018", {f"{CHEST}.2.1"}),
        (
            "instances",
            "AcquisitionDateTime=20240315091630-20240315091631"
            "&TimezoneOffsetFromUTC=%2B0000&InstanceNumber=1",
            "00080018",
            {f"{CHEST}.1.1"},
        ),
        (
            "instances",
            "00091001=private%2010&00090010=ACME%201",
            "00080018",
            {f"{CHEST}.1.10"},
        ),
        ("instances", "00091001=private%2010&00090010=OTHER", "00080018", set()),
        ("instances", "00090010=OTHER", "00080018", set()),
        ("instances", "00090010=ACME%201&Modality=MR", "00080018", {f"{HEAD}.1.1"}),
    ],
)
def test_any_attribute_that_is_stored_can_be_searched(search_root, resource, query, tag, expected):
    assert set(found(search_root, f"/{resource}?{query}", tag)) == expected


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ('PatientID=""&emptyvaluematching=true', {BARE}),
        ("PatientID=&emptyvaluematching=true", {BARE}),
        ("AccessionNumber=&emptyvaluematching=true", {BARE}),
        ('StudyDate=""&emptyvaluematching=true', {BARE}),
        ('ReferringPhysicianName=""&emptyvaluematching=true', {OLD, BARE}),
        ('PatientBirthDate=""&emptyvaluematching=true', {HEAD, OLD, BARE}),
        ('ModalitiesInStudy=""&emptyvaluematching=true', set()),
        ('OtherPatientIDsSequence=""&emptyvaluematching=true', {HEAD, OLD, BARE}),
        ('PatientID=""', set()),
        ("PatientID=P-1&emptyvaluematching=true", {CHEST}),
    ],
)
def test_empty_values_are_found_when_asked_for(search_root, query, studies):
    """PS3.18 8.3.4.5, PS3.4 C.2.2.2.7."""
    response = get(search_root, f"/studies?{query}")

    assert {study["0020000D"]["Value"][0] for study in response.json()} == studies
    assert "warning" not in response.headers


@pytest.mark.parametrize(
    ("resource", "query", "tag", "expected"),
    [
        ("studies", "ModalitiesInStudy=CT%5COT&multiplevaluematching=true", "0020000D", {CHEST}),
        ("studies", "ModalitiesInStudy=CT,MR&multiplevaluematching=true", "0020000D", set()),
        (
            "instances",
            "ImageType=AXIAL%5CORIGINAL&InstanceNumber=2&multiplevaluematching=true",
            "00080018",
            {f"{CHEST}.1.2"},
        ),
        (
            "instances",
            "ImageType=AXIAL%5CDERIVED&multiplevaluematching=true",
            "00080018",
            set(),
        ),
    ],
)
def test_all_of_several_values_are_found_when_asked_for(
    search_root, resource, query, tag, expected
):
    """PS3.18 8.3.4.6, PS3.4 C.2.2.2.8."""
    response = get(search_root, f"/{resource}?{query}")

    assert {each[tag]["Value"][0] for each in response.json()} == expected
    assert "warning" not in response.headers


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("PatientName=Smyth", {OLD}),
        ("PatientName=Jon%20Smyth", {OLD}),
        ("PatientName=Mueller", {CHEST}),
        ("PatientName=Miller%5EAnna", {CHEST}),
        ("PatientName=ヤマダ", {HEAD}),
        ("PatientName=*smyth*", {OLD}),
        ("PatientName=Sm?th", {OLD}),
        ("PatientName=Smith%5EJohn", {OLD}),
        ("PatientName=*mit*", {OLD}),
        ("PatientName=Smyth%5EKarl", set()),
        ("ReferringPhysicianName=Rik%20Roh", {HEAD}),
        ("PatientID=P-1", {CHEST}),
    ],
)
def test_fuzzy_matching_finds_names_by_sound_in_any_order(search_root, query, studies):
    """SC-22: a fuzzy result, so no Warning."""
    response = get(search_root, f"/studies?fuzzymatching=true&{query}")

    assert {study["0020000D"]["Value"][0] for study in response.json()} == studies
    assert "warning" not in response.headers
