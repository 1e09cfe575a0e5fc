"""The Unified Procedure Step as a value: Table CC.2.5-3, the state machine, event reports."""

from datetime import UTC, datetime

import pytest

from standards.errors import InvalidWorkitem, MalformedMetadata, WorkitemRefused
from standards.study import tag_of
from standards.ups import FOLLOWS, State, canceled_by_performer, in_state
from standards.ups_attributes import REQUIREMENTS, STATE
from standards.ups_events import EventType, reports_of_change, state_report
from standards.ups_rules import canonical, changed_step, lacking_to_complete, new_step
from standards.ups_transitions import (
    check_cancel_request,
    check_change,
    check_update,
    requested_state,
)
from tests.gateway.ups.example import code, element, order, performed, progress

S, P, D, X = State.SCHEDULED, State.IN_PROGRESS, State.COMPLETED, State.CANCELED
OWNER, OTHER = "1.2.3", "1.2.4"
# PS3.4 Table CC.1.1-2, row by row: the state wanted, the Transaction UID, what each state answers.
TABLE = [
    (P, OWNER, {S: "changes", P: 0xC302, D: 0xC300, X: 0xC300}),
    (S, OWNER, {S: 0xC303, P: 0xC303, D: 0xC303, X: 0xC303}),
    (D, OWNER, {S: 0xC310, P: "changes", D: "already", X: 0xC300}),
    (X, OWNER, {S: 0xC310, P: "changes", D: 0xC300, X: "already"}),
    (D, OTHER, {P: 0xC301, D: 0xC301, X: 0xC301}),
    (X, OTHER, {P: 0xC301, D: 0xC301, X: 0xC301}),
    (P, "", {S: 0xC301, P: 0xC301, D: 0xC301, X: 0xC301}),
    (D, "", {S: 0xC301, P: 0xC301, D: 0xC301, X: 0xC301}),
    (X, "", {S: 0xC301, P: 0xC301, D: 0xC301, X: 0xC301}),
]


@pytest.mark.parametrize(
    ("wanted", "given", "state", "answer"),
    [(wanted, given, s, answer) for wanted, given, row in TABLE for s, answer in row.items()],
)
def test_each_request_has_the_answer_of_the_state_table(wanted, given, state, answer):
    owner = "" if state is S else OWNER
    try:
        found = "changes" if check_change(state, wanted, owner=owner, given=given) else "already"
    except WorkitemRefused as refusal:
        found = refusal.code
    assert found == answer
    if found == "changes":
        assert wanted in FOLLOWS[state]


def test_an_update_is_for_who_holds_the_claim():
    check_update(S, owner="", given="")
    check_update(P, owner=OWNER, given=OWNER)
    for state, owner, given, code_ in (
        (S, "", OWNER, 0xC310),
        (P, OWNER, "", 0xC301),
        (P, OWNER, OTHER, 0xC301),
        (D, OWNER, OWNER, 0xC300),
        (X, OWNER, OWNER, 0xC300),
    ):
        with pytest.raises(WorkitemRefused) as refused:
            check_update(state, owner=owner, given=given)
        assert refused.value.code == code_


def test_a_cancel_request_is_for_what_is_not_over():
    assert [check_cancel_request(state) for state in (S, P, X)] == [True, True, False]
    with pytest.raises(WorkitemRefused) as refused:
        check_cancel_request(D)
    assert refused.value.code == 0xC311


def test_both_spellings_of_canceled_are_understood():
    assert requested_state("CANCELLED") is requested_state("CANCELED") is X
    with pytest.raises(InvalidWorkitem):
        requested_state("")


def test_a_complete_order_is_taken_as_it_is_and_an_incomplete_one_filled_in():
    given = canonical(order())
    step, added = new_step(given)
    assert added == []
    assert {**step, **given} == step
    step, added = new_step(canonical(order({"00380010": None, "00741202": element("LO")})))
    assert added == ["00380010", "00741202"]
    assert step["00741202"]["Value"] == ["AIRGATE"]


@pytest.mark.parametrize("tag", [tag for tag, row in REQUIREMENTS.items() if row.create == "1"])
def test_what_is_of_type_1_is_needed(tag):
    with pytest.raises(InvalidWorkitem, match=rf"\({tag[:4]},{tag[4:]}\)"):
        new_step(canonical(order({tag: None})))


@pytest.mark.parametrize(
    "tag", [tag for tag, row in REQUIREMENTS.items() if row.change == "never" and tag != STATE]
)
def test_what_may_not_be_changed_is_refused(tag):
    with pytest.raises(InvalidWorkitem, match=rf"\({tag[:4]},{tag[4:]}\) in an update"):
        changed_step(order(), {tag: {"vr": "LO"}})


@pytest.mark.parametrize(
    "bad",
    [
        {"00100010": element("PN", 7)},
        {"00741204": element("LO", ["Doe"])},
        {"00404018": {"vr": "SQ", "Value": ["Doe"]}},
        {"00741204": {"vr": "LO", "Value": "Doe"}},
    ],
)
def test_values_are_checked_against_their_vr_and_never_repeated(bad):
    with pytest.raises(MalformedMetadata) as refused:
        canonical(order(bad))
    assert "Doe" not in str(refused.value)


def test_what_completing_lacks_is_named():
    step, _ = new_step(canonical(order()))
    step["00404010"] = element("DT", "2026")
    lacking = lacking_to_complete(step)
    assert lacking[0].startswith("UnifiedProcedureStepPerformedProcedureSequence")
    assert lacking_to_complete({**step, **performed()}) == []
    (named,) = lacking_to_complete({**step, **performed(outputs=False)})
    assert named == "OutputInformationSequence (0040,4033)"


def test_a_canceled_step_has_a_time_and_a_code_and_keeps_what_its_performer_said():
    told = {"00741238": element("LT", "why"), "0074100E": element("SQ", code("X"))}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    step = canceled_by_performer(order({"00741002": element("SQ", told)}), at)
    (item,) = step["00741002"]["Value"]
    assert step[STATE]["Value"] == ["CANCELED"]
    assert item == {**told, tag_of("ProcedureStepCancellationDateTime"): item["00404052"]}
    assert item["00404052"]["Value"] == ["20260101000000.000000+0000"]


def test_a_new_step_is_reported_with_its_state_and_its_assignment():
    step = {**order(), "00080018": element("UI", "1.2.3")}
    state, assigned = reports_of_change({}, step)
    assert state["00001002"]["Value"] == [EventType.STATE_REPORT]
    assert state["00741000"]["Value"] == ["SCHEDULED"]
    assert assigned["00001002"]["Value"] == [EventType.ASSIGNED]
    assert assigned["00404025"]["Value"][0]["00080100"]["Value"] == ["STATION"]
    assert list(state) == sorted(state)
    assert state == state_report(step)


def test_only_what_an_event_is_for_is_reported():
    step = {**order(), "00080018": element("UI", "1.2.3")}
    assert list(reports_of_change(step, step)) == []
    assert list(reports_of_change(step, {**step, "00741204": element("LO", "other")})) == []
    (one,) = reports_of_change(step, {**step, **progress("5")})
    assert one["00001002"]["Value"] == [EventType.PROGRESS_REPORT]
    (one,) = reports_of_change(step, in_state(step, P))
    assert one["00741000"]["Value"] == ["IN PROGRESS"]


def test_a_state_report_tells_why_it_was_canceled():
    told = {"00741238": element("LT", "why")}
    step = in_state({**order({"00741002": element("SQ", told)})}, X)
    assert state_report(step)["00741238"]["Value"] == ["why"]
