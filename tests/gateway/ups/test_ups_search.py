"""Searching the worklist: matching rules, paging, indexes."""

import pytest
from sqlalchemy import text

from gateway.search.query_string import pairs
from gateway.store.tables import WorkitemRow
from gateway.ups.rows import add
from gateway.ups.search import search
from tests.gateway.test_search_plans import Plans
from tests.gateway.ups.example import (
    PRIORITY,
    STATE,
    Worklist,
    code,
    element,
    new_uid,
    order,
    warning,
)

START = "00404005"


@pytest.fixture(scope="module")
def label() -> str:
    return f"L{new_uid()[-12:]}"


@pytest.fixture(scope="module")
def made(ups: Worklist, label: str) -> list[str]:
    """Five workitems of one label, in the order in which they are to begin."""
    named = {"00741202": element("LO", label)}
    changes = [
        {START: element("DT", "20300101080000"), PRIORITY: element("CS", "HIGH")},
        {START: element("DT", "20300101090000+0000"), "00404018": element("SQ", code("heart"))},
        {START: element("DT", "20300101120000+0100"), "00404025": element("SQ", code("OTHER"))},
        {START: element("DT", "20300102"), "00100010": element("PN", {"Alphabetic": "Roe^Jim"})},
        {
            START: element("DT", "20300103"),
            "00100020": element("LO", "P8"),
            "0040A370": element("SQ", {"00080050": element("SH", "A-1")}),
        },
    ]
    return [ups.create({**named, **each}) for each in changes]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("ProcedureStepState=SCHEDULED", [0, 1, 2, 3, 4]),
        ("00741000=COMPLETED", []),
        ("ProcedureStepState=SCHEDULED,IN%20PROGRESS", [0, 1, 2, 3, 4]),
        ("ScheduledProcedureStepPriority=HIGH", [0]),
        ("ScheduledProcedureStepPriority=H*", [0]),
        ("ScheduledProcedureStepPriority=HIGH,LOW", [0]),
        ("ScheduledWorkitemCodeSequence.CodeValue=heart", [1]),
        ("00404018.00080100=heart&00404018.00080102=99TEST", [1]),
        ("00404018.00080100=heart&00404018.00080102=OTHER", []),
        ("ScheduledWorkitemCodeSequence.CodeValue=h*t", [1]),
        ("ScheduledStationNameCodeSequence.CodeValue=OTHER", [2]),
        ("ScheduledStationNameCodeSequence.CodeValue=OTHER%5CNOBODY", [2]),
        ("ScheduledProcedureStepStartDateTime=20300101", [0, 1, 2]),
        ("ScheduledProcedureStepStartDateTime=20300101-20300102", [0, 1, 2, 3]),
        ("ScheduledProcedureStepStartDateTime=20300102-", [3, 4]),
        ("00404005=20300101085959%2B0000-20300101100000%2B0000", [1]),
        ("00404005=20300101110000%2B0000-20300101110000%2B0000", [2]),
        ("PatientName=roe*", [3]),
        ("PatientID=P8", [4]),
        ("ReferencedRequestSequence.AccessionNumber=A-1", [4]),
        ("ProcedureStepLabel=Find*", [0, 1, 2, 3, 4]),
        ("InputReadinessState=READY", [0, 1, 2, 3, 4]),
        ("limit=2", [0, 1]),
        ("limit=2&offset=3", [3, 4]),
        ("offset=9", []),
        ("PatientID=P7&limit=1&offset=1", [1]),
    ],
)
def test_workitems_are_found_by_the_rules_of_all_searches(ups, label, made, query, numbers):
    assert ups.found(f"WorklistLabel={label}&{query}") == [made[number] for number in numbers]


def test_a_uid_or_a_list_of_them_finds_workitems(ups, made):
    assert ups.found(f"SOPInstanceUID={made[1]},{made[3]}") == [made[1], made[3]]


def test_what_follows_a_page_is_told_by_warning_299(ups, label, made):
    def told(query: str) -> str:
        return warning(ups.http.get(f"/workitems?WorklistLabel={label}&{query}"))

    rest = "There are {} additional results that can be requested"
    assert told("limit=2") == rest.format(3)
    assert told("PatientName=*o*&limit=1") == rest.format(4)
    assert told("limit=5") == told("") == ""


def test_results_have_the_return_keys_and_what_was_asked_for(ups, label, made):
    (step,) = ups.http.get(f"/workitems?WorklistLabel={label}&limit=1").json()
    assert step["00404018"]["Value"][0]["00080100"]["Value"] == ["nodules"]
    assert step["00380010"] == {"vr": "LO"}
    assert list(step) == sorted(step)
    assert not {"00404010", "00741216", "00400400"} & set(step)
    query = f"/workitems?WorklistLabel={label}&limit=1&includefield=00404010,00400400"
    (asked,) = ups.http.get(query).json()
    assert {"00404010", "00400400"} <= set(asked)
    (everything,) = ups.http.get(f"/workitems?SOPInstanceUID={made[0]}&includefield=all").json()
    assert everything == ups.step(made[0])


def test_nothing_found_is_an_empty_list(ups):
    answer = ups.http.get("/workitems?WorklistLabel=NOBODY")
    assert (answer.status_code, answer.content) == (200, b"[]")


@pytest.mark.parametrize(
    "query",
    ["Nonsense=1", "limit=x", "ProcedureStepState.CodeValue=1", "00404005=tomorrow", "a=%zz"],
)
def test_a_search_that_cannot_be_understood_is_refused(ups, query):
    assert ups.http.get(f"/workitems?{query}").status_code == 400


def test_a_workitem_is_found_by_what_it_is_now(ups, label):
    uid = ups.create({"00741202": element("LO", label + "X")})
    assert ups.update(uid, "", {"00741202": element("LO", label + "Y")}).status_code == 200
    assert ups.update(uid, "", {"00404025": element("SQ", code("MOVED"))}).status_code == 200
    assert ups.found(f"WorklistLabel={label}X") == []
    assert ups.found(f"WorklistLabel={label}Y") == [uid]
    assert ups.found("ScheduledStationNameCodeSequence.CodeValue=MOVED") == [uid]
    ups.claim(uid)
    assert ups.found(f"WorklistLabel={label}Y&ProcedureStepState=SCHEDULED") == []
    assert ups.found(f"WorklistLabel={label}Y&ProcedureStepState=IN%20PROGRESS") == [uid]


@pytest.mark.parametrize(
    "extra", ["", "&ScheduledWorkitemCodeSequence.CodeValue=heart", "&PatientName=roe*"]
)
def test_what_is_scheduled_of_a_label_is_read_from_an_index(parts, crowd, extra):
    """No table scan, and no sort of what is found by columns alone."""
    query = pairs(f"WorklistLabel=QUEUE&ProcedureStepState=SCHEDULED{extra}".encode())
    with Plans(parts.database) as plans:
        search(parts.database, query, 10)
    told = " ".join(plans.told)
    assert "workitem_of_label" in told or "workitem_codes" in told
    assert "SCAN workitems" not in told
    assert "Seq Scan on workitems" not in told
    if not extra:
        assert "TEMP B-TREE" not in told
        assert "Sort" not in told


@pytest.fixture(scope="module")
def crowd(parts) -> None:
    """So many finished workitems that reading all of them would be worse than an index."""
    step = order({"00080018": element("UI", "1"), STATE: element("CS", "COMPLETED")})
    none = {"study_instance_uid": "", "series_instance_uid": "", "model_name": ""}
    none |= {"model_version": "", "model_digest": ""}
    with parts.database.write() as session:
        for _ in range(500):
            add(session, WorkitemRow(sop_instance_uid=new_uid(), created_at=0, **none), step)
        session.execute(text("ANALYZE"))
