"""Pages of results, and searches that would take too long (PS3.18 8.3.4.4, 10.6.3.1)."""

import pytest
from sqlalchemy import text

from gateway.search import run
from gateway.search.errors import SearchTooBroad
from gateway.search.limits import limited
from tests.gateway.search_example import BARE, CHEST, HEAD, OLD, found, get, searchable


def test_studies_come_the_newest_first(search_root):
    assert found(search_root, "/studies") == [HEAD, CHEST, OLD, BARE]


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("/studies?", "0020000D"),
        ("/series?", "0020000E"),
        ("/instances?", "00080018"),
        ("/studies?ModalitiesInStudy=CT&", "0020000D"),
        ("/studies?PatientName=*m*&", "0020000D"),
        ("/instances?BitsAllocated=16&", "00080018"),
        (f"/studies/{CHEST}/instances?", "00080018"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_put_together_are_the_whole_list_in_the_same_order(search_root, path, tag, limit):
    """SC-20."""
    whole = found(search_root, path, tag)
    pages = [
        found(search_root, f"{path}limit={limit}&offset={offset}", tag)
        for offset in range(0, len(whole) + limit, limit)
    ]

    assert [uid for page in pages for uid in page] == whole
    assert pages[-1] == []
    assert found(search_root, path, tag) == whole


@pytest.mark.parametrize("by", ["", "&PatientSex=", "&includefield=all"])
def test_a_page_warns_of_what_is_left(search_root, by):
    """SC-21: the remaining count, and no Warning on the last page."""
    more = get(search_root, f"/studies?limit=3{by}")
    last = get(search_root, f"/studies?limit=3&offset=3{by}")

    assert more.headers["warning"] == (
        f"299 {search_root}/dicom-web: There are 1 additional results that can be requested"
    )
    assert "warning" not in last.headers
    assert "warning" not in get(search_root, f"/studies?limit=4{by}").headers


def test_what_is_left_is_counted_where_json_is_compared_too(search_root):
    """SC-21, for an attribute without an index."""
    response = get(search_root, "/instances?BitsAllocated=16&limit=5")

    assert len(response.json()) == 5
    assert "There are 2 additional results" in response.headers["warning"]


@pytest.mark.parametrize("query", ["limit=2", "limit=2&PatientSex=*", "BitsAllocated=16&limit=2"])
def test_what_is_left_is_counted_up_to_a_bound(search_root, query, monkeypatch):
    """SC-21: counting a million results would cost more than the page."""
    monkeypatch.setattr(run, "MOST_COUNTED", 1)

    warning = get(search_root, f"/instances?{query}").headers["warning"]

    assert warning.endswith("There are more than 1 additional results that can be requested")


def test_limit_zero_gives_nothing_and_says_how_much_there_is(search_root):
    response = get(search_root, "/studies?limit=0")

    assert response.json() == []
    assert "There are 4 additional" in response.headers["warning"]


def test_no_client_gets_more_than_the_maximum_at_once(search_root, monkeypatch):
    monkeypatch.setattr("gateway.search.parameters.MAXIMUM_RESULTS", 2)

    response = get(search_root, "/studies?limit=1000")

    assert len(response.json()) == 2
    assert "There are 2 additional" in response.headers["warning"]


def test_a_search_that_takes_too_long_is_refused_with_a_reason(tmp_path, database_url):
    """413 with a text that says what to do, never a search that goes on without end."""
    with searchable(tmp_path, database_url=database_url, search_seconds=0.000001) as root:
        slow = get(root, "/instances?KVP=120")
        again = get(root, "/instances?KVP=120")

    assert (slow.status_code, again.status_code) == (413, 413)
    assert "too broad" in slow.json()["detail"]
    assert "Narrow it by" in slow.json()["detail"]


_COUNTING = """
    WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers)
    SELECT max(i) FROM numbers
"""


def test_work_in_the_database_ends_in_time_too(database):
    """Also where one statement would go on, and the next one works as before."""
    forever = _COUNTING if database.is_sqlite else "SELECT pg_sleep(60)"
    with database.read() as session, pytest.raises(SearchTooBroad), limited(session, 0.2):
        session.execute(text(forever))

    with database.read() as session, limited(session, 10):
        assert session.execute(text("SELECT 1")).scalar_one() == 1
