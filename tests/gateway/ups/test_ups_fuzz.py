"""Data sets that are almost right, through the whole life of a workitem: never a fault of ours.

Longer: AIRGATE_FUZZ_EXAMPLES=2000 .venv/bin/pytest tests/gateway/ups/test_ups_fuzz.py
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.fuzzing.fuzzed import bounded
from tests.gateway.ups.example import (
    COMPLETED,
    IN_PROGRESS,
    Json,
    Worklist,
    element,
    new_uid,
    order,
    performed,
    progress,
)

ODD = [
    *(None, "", 0, -1, 1e308, 2**70, True, "a\x00b", "\ud800", "\\", "x" * 300, "*", "?", "9999"),
    *({"Alphabetic": "A^B"}, {"Alphabetic": None}, [], {}, {"00404018": {"vr": "SQ"}}, "1.2.3"),
]
VRS = ["CS", "LO", "SQ", "DT", "PN", "UI", "DS", "IS", "UN", "OB", "AT", "XX", None, "US", "LT"]
TAGS = [
    *("00081195", "00080005", "00080201", "00001000", "00090010", "00091001", "00741238"),
    *("0020000D", "00404021", "7FE00010", "00081190", "FFFEE000", "00020010", "nonsense"),
]
odd = st.sampled_from(ODD)
elements = st.fixed_dictionaries({"vr": st.sampled_from(VRS), "Value": st.lists(odd, max_size=3)})


def almost(step: Json) -> st.SearchStrategy[Json]:
    """The data set with one to three attributes that are something else."""
    tags = st.sampled_from([*step, *TAGS])
    changes = st.dictionaries(tags, elements | odd, min_size=1, max_size=3)
    return changes.map(lambda changed: {**step, **changed})


ORDERS = almost(order())
UPDATES = almost({**performed(), **progress("3"), "00741204": element("LO", "x")})
REASONS = almost({"00741238": element("LT", "x")})


def test_no_data_set_fails_on_the_servers_side(ups: Worklist):
    @bounded(60)
    @given(ORDERS, UPDATES, UPDATES, REASONS)
    def live(ordered: Json, first: Json, second: Json, reason: Json) -> None:
        uid, transaction = new_uid(), new_uid()

        def send(method: str, path: str, data_set: Any) -> int:
            reply = ups.http.request(
                method,
                f"/workitems{path}",
                content=json.dumps([data_set]).encode(),
                headers={"Content-Type": "application/dicom+json"},
            )
            assert reply.status_code < 500, reply.text
            return reply.status_code

        if send("POST", f"?{uid}", ordered) != 201:
            uid = ups.create()
        send("POST", f"/{uid}", first)
        assert ups.change(uid, IN_PROGRESS, transaction).status_code == 200
        send("POST", f"/{uid}?{transaction}", second)
        send("POST", f"/{uid}/cancelrequest", reason)
        assert ups.change(uid, COMPLETED, transaction).status_code < 500
        for accept in ("application/dicom+json", 'multipart/related; type="application/dicom+xml"'):
            found = ups.http.get(f"/workitems/{uid}", headers={"Accept": accept})
            assert found.status_code == 200

    live()
    for query in (
        "PatientName=*a*",
        "ScheduledProcedureStepStartDateTime=2026-",
        "includefield=all",
    ):
        assert ups.http.get(f"/workitems?{query}").status_code == 200
