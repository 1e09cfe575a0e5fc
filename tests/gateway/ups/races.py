"""Performers that race for workitems: one inside, and several outside (SC-53).

`python -m tests.gateway.ups.races [races]` runs 1000 races on SQLite and on PostgreSQL, half of
them between two outside, half between one outside and one inside: some 35 s on two cores.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from gateway import worklist
from gateway.store.database import Database
from gateway.store.migrate import migrate
from gateway.store.tables import WorkitemRow
from gateway.ups import operations, rows
from standards.errors import WorkitemRefused
from standards.ups import State
from standards.ups_rules import canonical
from standards.ups_transitions import ALREADY_IN_PROGRESS
from tests.gateway.ups.example import element, new_uid, order
from tests.postgresql import PostgreSQL

RACES = 1000
OUTSIDE, INSIDE = "outside", "inside"

Claim = Callable[[Database, str], str]  # who it was, or ""


def outside(database: Database, uid: str) -> str:
    try:
        operations.change_state(database, uid, State.IN_PROGRESS, new_uid(), "racer")
    except WorkitemRefused as refusal:
        return "" if refusal.code == ALREADY_IN_PROGRESS else f"refused: {refusal}"
    return OUTSIDE


def inside(database: Database, uid: str) -> str:
    return INSIDE if worklist.claim(database, uid) is not None else ""


def scheduled(database: Database, count: int) -> list[str]:
    """So many workitems, made together."""
    step = canonical(order())
    none = {"study_instance_uid": "", "series_instance_uid": "", "model_name": ""}
    none |= {"model_version": "", "model_digest": ""}
    uids = [new_uid() for _ in range(count)]
    with database.write() as session:
        for uid in uids:
            row = WorkitemRow(sop_instance_uid=uid, created_at=time.time(), **none)
            rows.add(session, row, {**step, "00080018": element("UI", uid)})
    return uids


def race(database: Database, uids: Sequence[str], claims: Sequence[Claim]) -> list[list[str]]:
    """Who won each workitem. All begin with the same one at the same moment, and go on together."""
    barrier = Barrier(len(claims))

    def run(claim: Claim) -> list[str]:
        won = []
        for uid in uids:
            barrier.wait()
            won.append(claim(database, uid))
        return won

    with ThreadPoolExecutor(len(claims)) as pool:
        found = list(pool.map(run, claims))
    return [[each for each in winners if each] for winners in zip(*found, strict=True)]


def check(database: Database, races: int, claims: Sequence[Claim]) -> Counter[str]:
    """How often each kind won; exactly one wins each race, and the row says which."""
    uids = scheduled(database, races)
    winners = race(database, uids, claims)
    assert all(len(each) == 1 for each in winners), winners
    with database.read() as session:
        for uid, (winner,) in zip(uids, winners, strict=True):
            row = session.get_one(WorkitemRow, uid)
            assert row.procedure_step_state == State.IN_PROGRESS
            assert row.claimed_outside == (winner == OUTSIDE)
            assert row.transaction_uid
    return Counter(winner for (winner,) in winners)


def main(races: int) -> None:
    server = PostgreSQL()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for url in (f"sqlite:///{Path(folder) / 'airgate.db'}", server.new_database()):
                database = Database(url)
                migrate(database)
                for claims in ((outside, outside), (outside, inside)):
                    print(url.partition(":")[0], _measured(database, races // 2, claims))
                database.close()
    finally:
        server.stop()


def _measured(database: Database, races: int, claims: Sequence[Claim]) -> str:
    began = time.monotonic()
    won = check(database, races, claims)
    return f"{races} races in {time.monotonic() - began:.1f} s, won by {dict(won)}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RACES)
