"""What a search refuses: 400 with a reason, never an unfiltered list and never a 5xx."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.gateway.search_example import CLIENT, get


@pytest.mark.parametrize(
    "query",
    [
        "NoSuchAttribute=1",
        "00ZZ0010=1",
        "patientid=P-1",
        "0008=1",
        "00080021 =1",
        "PatientID.StudyDate=1",
        "RequestAttributesSequence.NoSuch=1",
        ".".join(["RequestAttributesSequence"] * 9) + "=1",
        "=1",
    ],
)
def test_an_unknown_attribute_is_refused_and_never_left_unfiltered(search_root, query):
    """SC-24."""
    for resource in ("studies", "series", "instances"):
        response = get(search_root, f"/{resource}?{query}")
        assert response.status_code == 400, query
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("PixelSpacing=1", "it belongs to instances"),
        ("Modality=CT", "it belongs to series or instances"),
        ("SOPInstanceUID=1.2", "it belongs to instances"),
        ("RequestAttributesSequence=1", "it belongs to series"),
        ("OtherPatientIDsSequence=1", "an attribute that can be compared"),
        ("RetrieveURL=http://x", "it is no part of what is stored"),
        ("00020010=1.2.840.10008.1.2", "it is no part of what is stored"),
        ("00080000=4", "no DICOM attribute"),
        ("00091001=x", "it belongs to instances"),
        ("StudyDate=yesterday", "expected YYYYMMDD"),
        ("StudyDate=2024-03-15", "expected YYYYMMDD"),
        ("StudyDate=20240315-20240314", "lies after its last"),
        ("StudyDate=-", "expected YYYYMMDD"),
        ("StudyTime=2500", "expected HHMMSS"),
        ("StudyTime=2200-0200", "lies after its last"),
        ("StudyInstanceUID=1.2.*", "UIDs in full"),
        ("NumberOfStudyRelatedSeries=two", "a whole number"),
        ("limit=-1", "a whole number"),
        ("limit=ten", "a whole number"),
        ("limit=99999999999999999999", "a whole number"),
        ("limit=%D9%A1", "a whole number"),
        ("offset=1.5", "a whole number"),
        ("offset=-0", "a whole number"),
        ("fuzzymatching=perhaps", "true or false"),
        ("emptyvaluematching=1", "true or false"),
        ("includefield=NoSuchAttribute", "keywords or tags"),
        ("includefield=00091001", "its Private Creator"),
        ("PatientID=a&PatientID=b", "given twice"),
        ("PatientID=a&00100020=b", "given twice"),
        ("PatientID=*a*b*c*d*e*f*g*", "fewer of them"),
        ("PatientID=%00", "printable characters"),
        ("PatientName=a%0Ab", "printable characters"),
        ("PatientName=a=b=c=d", "at most three"),
        ("PatientID=" + "x" * 2000, "at most 1024"),
        ("PatientID=%FF", "percent-encoded UTF-8"),
        ("PatientID=%C3%28", "percent-encoded UTF-8"),
        ("PatientID=%ED%A0%80", "percent-encoded UTF-8"),
        ("PatientID=100%", "%25 for the sign itself"),
        ("PatientID=%zz", "%25 for the sign itself"),
        ("TimezoneOffsetFromUTC=1", "an offset such as"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(search_root, query, reason):
    response = get(search_root, f"/studies?{query}")

    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert reason in response.json()["detail"]


@pytest.mark.parametrize("value", ["Smith^Jane*a*a*a*a*a*a*a", "Doe^Joe\x01", "John=a=b=c"])
def test_a_refusal_repeats_no_value(search_root, value):
    """It may be a patient's, and refusals are logged."""
    response = get(search_root, f"/studies?PatientName={quote(value)}")

    assert response.status_code == 400
    assert not {"Smith", "Doe", "John"} & set(response.text.replace("^", " ").split())


@pytest.mark.parametrize("uid", ["1.2%00", "%0A", "%FF", "1.2%27--", "x" * 5000, "%F0%9F%98%80"])
def test_paths_that_name_no_study_find_nothing(search_root, uid):
    for path in (f"/studies/{uid}/series", f"/studies/{uid}/series/{uid}/instances"):
        response = get(search_root, path)
        assert response.status_code in (200, 400)
        assert response.status_code == 400 or response.json() == []


def test_ten_thousand_parameters_are_refused(search_root):
    query = "&".join(f"includefield=0008{number:04X}" for number in range(5000))
    response = get(search_root, f"/studies?{query[:60000]}")

    assert response.status_code == 400
    assert "too many parameters" in response.json()["detail"]


def test_many_uids_are_found_or_refused(search_root):
    some = get(search_root, "/studies?StudyInstanceUID=" + ",".join(["1.2.3.4"] * 5000))
    many = ",".join(f"1.{number}" for number in range(6000))

    assert (some.status_code, some.json()) == (200, [])
    assert get(search_root, f"/studies?StudyInstanceUID={many}").status_code == 400


@pytest.mark.parametrize(
    "value",
    ["%", "_", "\\", "'", '"', "[", "]", "[a-z]*", "a'--", "$.x", "(", "{", "^", "~", "\\\\?*",
     '"*', "*\"abc\"*", "NEAR(a b)", "* OR *abc", "-", "+", "😀*", "ß", "*%25*", "\ufeff"],
)  # fmt: skip
@pytest.mark.parametrize(
    "key", ["PatientID", "PatientName", "StudyDescription", "IssuerOfPatientID"]
)
def test_what_means_something_to_sql_means_nothing_here(search_root, key, value):
    for pattern in (value, f"*{value}*"):
        response = CLIENT.get(f"{search_root}/dicom-web/studies", params={key: pattern})
        assert response.status_code in (200, 400)
        everything = "\\" in value  # a list with * in it
        assert everything or response.status_code == 400 or len(response.json()) < 4


KNOWN = """
PatientID PatientName StudyDate StudyTime ModalitiesInStudy SOPClassesInStudy PatientAge
PatientWeight PatientBirthDate OtherPatientIDsSequence.PatientID Modality SeriesNumber KVP
RequestAttributesSequence.ScheduledProcedureStepID AcquisitionDateTime SOPInstanceUID
PixelSpacing Rows ImageType 00091001 00090010 limit offset fuzzymatching includefield
emptyvaluematching multiplevaluematching TimezoneOffsetFromUTC accept StudyInstanceUID
PixelData FrameIncrementPointer SmallestImagePixelValue
"""
NAMES = st.sampled_from(KNOWN.split()) | st.text(max_size=12)
VALUES = (
    st.text(max_size=20)
    | st.text("0123456789-+.:,\\*?^= ", max_size=24)
    | st.sampled_from(["true", "all", "CT", "P*", "20240101-", "1000-1100", "=山*", "*a*"])
)
PATHS = st.sampled_from(
    ["/studies", "/series", "/instances", "/studies/1.2/series", "/studies/1.2/instances"]
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PATHS, st.lists(st.tuples(NAMES, VALUES), max_size=5))
@example("/studies", [("ModalitiesInStudy", "M\\*")])
@example("/instances", [("KVP", "1e999")])
def test_no_query_makes_it_fail(search_root, path, query):
    encoded = "&".join(
        f"{quote(name.encode('utf-8', 'replace'))}={quote(value.encode('utf-8', 'replace'))}"
        for name, value in query
    )
    response = CLIENT.get(f"{search_root}/dicom-web{path}?{encoded}")

    assert response.status_code in (200, 400, 406)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text("%&=+;#?/._-,\\*%0123456789abcdefABCDEF", max_size=60))
def test_no_encoding_makes_it_fail(search_root, query):
    response = CLIENT.get(f"{search_root}/dicom-web/studies?{query}")

    assert response.status_code in (200, 400, 406)
