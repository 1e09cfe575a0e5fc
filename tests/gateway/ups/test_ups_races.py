"""Two performers, one workitem: exactly one has it (SC-53). races.py runs a thousand of each."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.ups import races
from tests.gateway.ups.example import COMPLETED, IN_PROGRESS, Worklist, new_uid, order, performed

SHORT = 60


@pytest.mark.parametrize(
    "claims",
    [(races.outside, races.outside), (races.outside, races.inside)],
    ids=["two outside", "one inside"],
)
def test_of_two_claims_exactly_one_succeeds_sc_53(parts, claims):
    won = races.check(parts.database, SHORT, claims)
    assert won.total() == SHORT


def test_of_many_http_clients_one_claims_and_one_completion_is_no_repeat_sc_53(ups):
    clients = [Worklist(ups.root) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in range(10):
            uid = ups.create()
            mine = [new_uid() for _ in clients]
            replies = list(
                pool.map(lambda c, t: c.change(uid, IN_PROGRESS, t), clients, mine)  # noqa: B023
            )
            assert sorted(one.status_code for one in replies) == [200, 409, 409, 409]
            (owner,) = [t for t, one in zip(mine, replies, strict=True) if one.is_success]
            assert ups.update(uid, owner, performed()).status_code == 200
            ends = list(pool.map(lambda c: c.change(uid, COMPLETED, owner), clients))  # noqa: B023
            assert {one.status_code for one in ends} == {200}
            assert sum("warning" not in one.headers for one in ends) == 1


def test_of_two_creations_under_one_uid_exactly_one_succeeds_sc_53(ups):
    clients = [Worklist(ups.root) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in range(10):
            path = f"/workitems?{new_uid()}"
            replies = list(pool.map(lambda c: c.send("POST", path, order()), clients))  # noqa: B023
            assert sorted(one.status_code for one in replies) == [201, 409, 409, 409]
