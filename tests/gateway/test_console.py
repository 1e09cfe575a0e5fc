"""The console's pages over real rows: what is told, what is escaped, what stays out of URLs."""

import re
import time

import pytest
from starlette.testclient import TestClient

from gateway.console.pages import dicom_date, dicom_time, duration, moment, quantity
from gateway.store.events import note
from gateway.store.tables import StudyRow, WorkitemRow
from tests.gateway.console_example import (
    CT_SERIES,
    HOSTILE,
    STUDY,
    WORKITEM,
    fill,
    gateway,
    study_row,
)


@pytest.fixture
def app(tmp_path):
    return gateway(tmp_path)


@pytest.fixture
def browser(app):
    return TestClient(app)


def database_of(app):
    return app.state.services.database


def text_of(page: str) -> str:
    """The page as read: tags gone, blanks folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_an_empty_gateway_says_how_to_send_a_first_study(browser):
    page = browser.get("/ui/")
    assert page.status_code == 200
    assert "No study has arrived yet" in page.text
    assert "No model is registered" in browser.get("/ui/models").text


def test_the_list_shows_each_study_with_its_state_and_what_models_made_of_it(app, browser):
    fill(database_of(app))
    shown = text_of(browser.get("/ui/").text)
    for told in (
        "Example, Anna, Maria",
        "EX-0815",
        "CT Thorax",
        "2026-03-14",
        "65",
        "complete",
        "lung_ct: done",
    ):
        assert told in shown


def test_the_last_to_arrive_stands_first_and_older_ones_have_their_page(app, browser):
    with database_of(app).write() as session:
        session.add_all(study_row(f"1.2.9.{n}", f"Number^{n:02}", 1000.0 + n) for n in range(60))
    first, second = browser.get("/ui/").text, browser.get("/ui/?offset=50").text
    assert re.findall(r"Number, (\d\d)", first) == [f"{n:02}" for n in range(59, 9, -1)]
    assert re.findall(r"Number, (\d\d)", second) == [f"{n:02}" for n in range(9, -1, -1)]
    assert "/ui/?offset=50" in first
    assert "/ui/?offset=0" in second
    assert "Older" not in second


def test_a_study_page_tells_results_with_units_and_links_to_every_carrier(app, browser):
    fill(database_of(app))
    page = browser.get(f"/ui/studies/{STUDY}")
    shown = text_of(page.text)
    for told in (
        "Right lung Volume 2210 ml Mean Attenuation Coefficient -812.4 HU",
        "Pneumothorax (Lung, Right) Absent 97 % Nodule box on an image, frame 3",
        "Low attenuation area below -950 HU 2.875 %",
        "SEG Lung CT volumetry SEG",
        "worked for 7.8 s",
        "64",
    ):
        assert told in shown
    for link in (
        f'href="/viewer?StudyInstanceUIDs={STUDY}"',
        f'href="/air/studies/{STUDY}/results"',
        'href="/fhir/r4/DiagnosticReport/report-1"',
        f'src="/dicom-web/studies/{STUDY}/series/2.25.1003/instances/2.25.2003/rendered"',
    ):
        assert link in page.text


def test_the_trace_runs_from_the_first_byte_to_the_result_with_the_time_of_each_step(app, browser):
    fill(database_of(app))
    shown = text_of(browser.get(f"/ui/studies/{STUDY}").text)
    assert "22.0 s from first byte to result" in shown
    assert "+15.0 s Predict 5.5 s" in shown
    assert "+14.0 s Study complete" in shown
    assert "evidence quiet time" in shown


def test_the_page_says_why_each_series_was_chosen_or_passed_over(app, browser):
    fill(database_of(app))
    shown = text_of(browser.get(f"/ui/studies/{STUDY}").text)
    assert f"Thorax 1.0 B31 {CT_SERIES} chosen 64 slices, the most of" in shown
    assert "passed over Image Type holds LOCALIZER" in shown


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        (
            "no_rule_matched",
            {"reason": "Modality is MR, expected CT"},
            "No rule matched Modality is MR, expected CT",
        ),
        (
            "not_routed",
            {
                "rule": "chest-ct",
                "model": "lung_ct",
                "reason": "no series fits the model's card",
                "passed_over": [
                    {"series_instance_uid": "1.5", "description": "Scout", "reason": "2 slices"}
                ],
            },
            "rule chest-ct, model lung_ct no series fits the model&#39;s card "
            "Series Choice Reason Scout 1.5 passed over 2 slices",
        ),
    ],
)
def test_a_study_that_no_model_sees_says_why(app, browser, kind, detail, told):
    with database_of(app).write() as session:
        session.add(study_row("1.2.7", "A^B", 1000.0))
        note(session, "1.2.7", kind, detail)
    shown = text_of(browser.get("/ui/studies/1.2.7").text)
    assert "No model has been asked to look at this study" in shown
    assert told in shown


def test_sizes_and_yes_or_no_are_said_in_words(app, browser):
    with database_of(app).write() as session:
        session.add(study_row("1.2.7", "A^B", 1000.0))
        note(session, "1.2.7", "received", {"bytes": 9_958_836, "for_review": False, "new": 0})
    assert "bytes 10.0 MB for review no new 0" in text_of(browser.get("/ui/studies/1.2.7").text)


def test_text_of_a_study_is_never_markup(app, browser):
    fill(database_of(app))
    with database_of(app).write() as session:
        row = session.get(StudyRow, STUDY)
        row.study_description = HOSTILE
        row.attributes = row.attributes.replace("Anna", "<img src=x onerror=alert(1)>")
        session.get(WorkitemRow, WORKITEM).reason = '"><script>x()</script>'
    for path in ("/ui/", f"/ui/studies/{STUDY}"):
        page = browser.get(path).text
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page


def test_no_address_on_a_page_names_a_patient(app, browser):
    fill(database_of(app))
    for path in ("/ui/", f"/ui/studies/{STUDY}"):
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', browser.get(path).text)
        assert addresses
        for address in addresses:
            assert not re.search(r"EX-0815|Example|Anna|A-77", address)


@pytest.mark.parametrize("path", ["/ui/", "/ui/models", f"/ui/studies/{STUDY}", "/ui/studies/1.9"])
def test_every_page_is_marked_as_research_keeps_to_itself_and_is_not_stored(app, browser, path):
    fill(database_of(app))
    page = browser.get(path)
    assert "Research use only" in page.text
    assert "not a medical device" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    assert " style=" not in page.text  # the policy would drop it


def test_a_page_refreshes_itself_until_its_study_is_settled(app, browser):
    fill(database_of(app), ended=False)
    running = browser.get(f"/ui/studies/{STUDY}").text
    assert "data-live" in running
    assert 'value="40"' in running
    with database_of(app).write() as session:
        session.get(WorkitemRow, WORKITEM).procedure_step_state = "COMPLETED"
    assert "data-live" not in browser.get(f"/ui/studies/{STUDY}").text


def test_a_refused_input_shows_the_reason(app, browser):
    fill(database_of(app))
    with database_of(app).write() as session:
        item = session.get(WorkitemRow, WORKITEM)
        item.outcome, item.reason, item.results = "NO_RESULT", "the lungs are cut off", ""
    shown = text_of(browser.get(f"/ui/studies/{STUDY}").text)
    assert "no result" in shown
    assert "the lungs are cut off" in shown


def test_an_unknown_study_is_a_page_of_its_own(browser):
    missing = browser.get("/ui/studies/1.2.3")
    assert missing.status_code == 404
    assert "No such study" in missing.text


def test_models_are_shown_with_stage_intended_use_and_how_they_fared(app, browser):
    fill(database_of(app))
    shown = text_of(browser.get("/ui/models").text)
    for told in ("Lung CT volumetry", "lung_ct 1.0.0", "live", "Research use only.", "done 1"):
        assert told in shown
    facts = text_of(browser.get("/ui/models/lung_ct/1.0.0").text)
    for told in ("Whole chest CT of adults", "How it is run", "Predict 1 5.5 s", "Modality CT"):
        assert told in facts


@pytest.mark.parametrize("name", ["console.css", "live.js", "icon.svg"])
def test_the_console_brings_its_own_assets(browser, name):
    assert browser.get(f"/ui/static/{name}").status_code == 200


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "%2Fetc%2Fpasswd"])
def test_nothing_else_can_be_read_beside_the_assets(browser, name):
    assert browser.get(f"/ui/static/{name}").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9999, "1.0 s"),
        (59.96, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_a_length_of_time_reads_as_a_person_says_it(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (2210.43, "2210"),
        (-812.44, "-812.4"),
        (3.25, "3.25"),
        (0.012344, "0.01234"),
        (123456.7, "123457"),
        (100, "100"),
    ],
)
def test_a_value_keeps_four_digits_and_its_whole_part(value, said):
    assert quantity(value) == said


def test_dates_and_times_of_dicom_are_readable_and_odd_ones_stay_as_they_came():
    assert dicom_date("20260314") == "2026-03-14"
    assert dicom_date("2026") == "2026"
    assert dicom_time("142233.5") == "14:22"
    assert dicom_time("") == ""
    assert moment(0) == ""
    assert moment(1_700_000_000) == "2023-11-14 22:13:20"


def test_neither_a_batch_nor_a_later_replay_lengthens_the_time_to_the_result(app, browser):
    fill(database_of(app))
    with database_of(app).write() as session:
        note(session, STUDY, "workitem_created", {"batch": "b1"}, workitem_uid="1.9.1")
        note(session, STUDY, "done", workitem_uid="1.9.1")
        note(session, STUDY, "shadow_routed", {"stage": "shadow"}, workitem_uid="1.9.3")
        note(session, STUDY, "done", workitem_uid="1.9.3")
        note(session, STUDY, "replayed", {"as": "1.9.2"}, workitem_uid=WORKITEM)
        note(session, STUDY, "done", workitem_uid="1.9.2")
        note(session, STUDY, "withdrawn", workitem_uid=WORKITEM)
    shown = text_of(browser.get(f"/ui/studies/{STUDY}").text)
    assert "22.0 s from first byte to result" in shown


def test_what_came_later_has_a_time_of_its_own_once_it_has_a_result(app, browser):
    fill(database_of(app))
    later = time.time()
    told = (
        (5.0, "received", {"instances": 3, "new": 3, "seconds": 2.0}, ""),
        (8.0, "complete", {"generation": 2}, ""),
        (8.0, "routed", {"rule": "chest-ct", "model": "lung_ct"}, "1.9.1"),
        (9.0, "superseded", {}, WORKITEM),
    )
    with database_of(app).write() as session:
        for offset, kind, detail, uid in told:
            note(session, STUDY, kind, detail, workitem_uid=uid, at=later + offset)
    assert "22.0 s from first byte" in text_of(browser.get(f"/ui/studies/{STUDY}").text)
    with database_of(app).write() as session:
        note(session, STUDY, "no_result", {}, workitem_uid="1.9.1", at=later + 10)
    assert "7.0 s from first byte" in text_of(browser.get(f"/ui/studies/{STUDY}").text)
