"""What people see of work from outside: the pages and lists that show all other work too."""

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.ups import operations
from standards.ups import State
from standards.ups_rules import canonical
from tests.gateway.console_example import STUDY, study_row
from tests.gateway.ups.example import TOKEN, element, new_uid, order, performed


@pytest.fixture(scope="module")
def client(parts):
    """A study with work from outside in every state, and some that names no study."""
    database = parts.database
    with database.write() as session:
        session.add(study_row(STUDY, "Example^Anna", 100.0))
    for end in (None, State.IN_PROGRESS, State.COMPLETED, State.CANCELED):
        uid, transaction = new_uid(), new_uid()
        of_study = {"0020000D": element("UI", STUDY)}
        operations.create(database, uid, canonical(order(of_study)), "vendor")
        operations.create(database, new_uid(), canonical(order()), "vendor")
        if end is not None:
            operations.change_state(database, uid, State.IN_PROGRESS, transaction, "vendor")
        if end is State.COMPLETED or end is State.CANCELED:
            operations.update(database, uid, transaction, canonical(performed()))
            operations.change_state(database, uid, end, transaction, "vendor")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return TestClient(create_app(parts, TOKEN), headers=headers)


@pytest.mark.parametrize(
    "path",
    [
        "/ui/",
        f"/ui/studies/{STUDY}",
        "/ui/models",
        "/api/v1/workitems",
        f"/api/v1/studies/{STUDY}",
        f"/air/studies/{STUDY}/results",
        "/metrics",
        "/dicom-web/workitems",
    ],
)
def test_pages_and_lists_show_work_from_outside(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text


def test_results_tell_how_work_from_outside_ended(client):
    results = client.get(f"/air/studies/{STUDY}/results").json()["results"]
    assert [one["workitem"]["outcome"] for one in results] == ["", "", "DONE", "CANCELED"]
