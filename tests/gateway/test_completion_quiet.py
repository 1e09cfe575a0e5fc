"""Quiet time, its override by a route, and its growth where a study drips."""

import pytest

from gateway.completion import Case, Complete, Policy, Wait
from tests.gateway.completion_helper import HOUR, MINUTE, SECOND, House


class Says:
    """Evidence that says what the test wants."""

    name = "says"

    def __init__(self, word: Complete | Wait | None = None) -> None:
        self.word = word

    def judge(self, case: Case) -> Complete | Wait | None:
        return self.word


def test_a_route_may_ask_for_another_quiet_time(database):
    house = House(database, policy=Policy(quiet_seconds=3))
    house.arrives(1)
    assert house.passes(2.5) == 0
    assert house.passes(1) == 1
    assert house.evidence == {"evidence": "quiet_time", "generation": 1, "quiet_seconds": 3.0}


def test_an_hour_of_drops_each_minute_makes_few_jobs_and_ends_with_one_that_has_all(sqlite):
    house = House(sqlite)
    for number in range(60):
        house.arrives(number)
        house.passes(MINUTE, step=5 * SECOND)
    assert len(house.completed) <= 4
    last_drop = house.clock.now - MINUTE
    house.passes(HOUR, step=MINUTE)
    assert len(house.completed) <= 5
    assert house.completed[-1] > last_drop


def test_the_waiting_has_an_upper_limit_and_is_forgotten_after_a_day(sqlite):
    house = House(sqlite)
    for number in range(12):
        house.arrives(number)
        assert house.passes(600 * SECOND, step=10 * SECOND) == 1
    house.passes(24 * HOUR, step=12 * HOUR)
    house.arrives(99)
    assert house.passes(10 * SECOND) == 1


def test_no_evidence_is_quicker_than_that(sqlite):
    house = House(sqlite, [Says(Complete(0.0, {}))])
    house.arrives(1)
    assert house.passes(0.5) == 1
    house.arrives(2)
    assert house.passes(19.5) == 0
    assert house.passes(1) == 1
    assert house.evidence["evidence"] == "says"


def test_the_first_evidence_that_speaks_wins_and_a_promise_silences_the_weaker(database):
    promise = Says(Wait({"instances": 3}))
    house = House(database, [Says(None), promise, Says(Complete(0.0, {"of": "no use"}))])
    house.arrives(1)
    assert house.passes(99) == 0
    assert house.passes(2) == 1
    assert house.evidence["evidence"] == "quiet_time"
    assert house.evidence["missing"] == {"says": {"instances": 3}}


@pytest.mark.parametrize("at", [5.0, 20.0])
def test_evidence_may_say_complete_later_than_now(sqlite, at):
    says = Says()
    house = House(sqlite, [says])
    says.word = Complete(house.clock.now + at, {"answer": 42})
    house.arrives(1)
    assert house.passes(at - 0.5) == 0
    assert house.passes(0.5) == 1
    assert house.evidence == {"evidence": "says", "generation": 1, "answer": 42}
