"""The slices that a viewer will ask for next are read before it asks, and no others."""

import time
from collections.abc import Callable

import pytest

from gateway.retrieve import neighbours as neighbours_module
from gateway.retrieve.located import Located, Scope, locate
from tests.gateway.index_helper import Gateway, written
from tests.gateway.retrieve_example import image

SLICES, SERIES = 60, "2.25.300.1"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("neighbours"))
    uids = {"StudyInstanceUID": "2.25.300", "SeriesInstanceUID": SERIES}
    for number in range(1, SLICES + 1):
        own = {"SOPInstanceUID": f"{SERIES}.{number}", "InstanceNumber": number}
        gateway.store(written(image("explicit", **uids, **own)))
    yield gateway
    gateway.close()


class Viewer:
    """Asks for slices, and knows what was read from the archive."""

    def __init__(self, gateway: Gateway) -> None:
        self.retrieval = gateway.app.state.retrieval
        self.retrieval.hold.sweep(lambda keys: set())
        self.retrieval.neighbours._walks.remove([SERIES])
        self.order = locate(gateway.database, Scope("2.25.300", SERIES))

    def asks_for(self, number: int) -> None:
        self.retrieval.pixels(self.order[number - 1])

    @property
    def at_hand(self) -> set[int]:
        """Instance Numbers of what is at hand and parsed."""
        found = enumerate(map(self.retrieval.hold.at_hand, self.order), 1)
        return {number for number, held in found if held is not None and held.pixels is not None}


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_slice_is_a_thumbnail(gateway):
    viewer = Viewer(gateway)
    viewer.asks_for(30)
    viewer.asks_for(30)
    time.sleep(0.2)

    assert viewer.at_hand == {30}


@pytest.mark.parametrize(("first", "second"), [(10, 11), (40, 39)])
def test_two_slices_are_a_walk_and_it_is_followed(gateway, first, second, monkeypatch):
    monkeypatch.setattr(neighbours_module, "AHEAD", 8)
    viewer = Viewer(gateway)
    viewer.asks_for(first)
    viewer.asks_for(second)
    step = second - first
    expected = {first, second, *(second + step * k for k in range(1, 9))}
    _eventually(lambda: viewer.at_hand == expected)

    viewer.asks_for(second + step * 3)
    expected |= {second + step * k for k in range(9, 12)}
    _eventually(lambda: viewer.at_hand == expected)


def test_the_walk_ends_with_the_series(gateway):
    viewer = Viewer(gateway)
    viewer.asks_for(SLICES - 2)
    viewer.asks_for(SLICES - 1)
    _eventually(lambda: viewer.at_hand == {SLICES - 2, SLICES - 1, SLICES})


def test_no_more_bytes_are_read_ahead_than_may_be(gateway, monkeypatch):
    viewer = Viewer(gateway)
    monkeypatch.setattr(neighbours_module, "AHEAD_BYTES", viewer.order[0].size * 3)
    viewer.asks_for(1)
    viewer.asks_for(2)
    _eventually(lambda: viewer.at_hand == {1, 2, 3, 4, 5})
    time.sleep(0.1)
    assert viewer.at_hand == {1, 2, 3, 4, 5}


def test_large_instances_are_not_read_before_they_are_asked_for(gateway, monkeypatch):
    monkeypatch.setattr(neighbours_module, "LARGE", 1000)
    viewer = Viewer(gateway)
    for number in (1, 2, 3):
        viewer.asks_for(number)
    time.sleep(0.2)

    assert viewer.at_hand == {1, 2, 3}


def test_what_left_memory_is_read_ahead_again(gateway, monkeypatch):
    monkeypatch.setattr(neighbours_module, "AHEAD", 4)
    viewer = Viewer(gateway)
    viewer.asks_for(1)
    viewer.asks_for(2)
    _eventually(lambda: viewer.at_hand == {1, 2, 3, 4, 5, 6})
    viewer.retrieval.hold.sweep(lambda keys: set())
    viewer.asks_for(3)
    _eventually(lambda: viewer.at_hand == {3, 4, 5, 6, 7})


def test_an_archive_that_is_away_costs_reading_ahead_and_nothing_else(gateway, monkeypatch):
    viewer = Viewer(gateway)
    viewer.asks_for(1)
    viewer.asks_for(2)
    all_ahead = set(range(1, 2 + neighbours_module.AHEAD + 1))  # so that no read is under way
    _eventually(lambda: viewer.at_hand == all_ahead)
    viewer.retrieval.hold.sweep(lambda keys: set())
    contents = dict(gateway.archive._contents)
    kept = {viewer.order[place].archive_key for place in (4, 9)}
    monkeypatch.setattr(
        gateway.archive, "_contents", {key: contents[key] for key in contents if key in kept}
    )
    viewer.asks_for(5)
    viewer.asks_for(10)
    time.sleep(0.2)
    assert viewer.at_hand == {5, 10}


def test_an_instance_that_was_deleted_meanwhile_confuses_nobody(gateway):
    viewer = Viewer(gateway)
    neighbours = viewer.retrieval.neighbours
    strange = Located("2.25.300", SERIES, "2.25.9", "1.2", 1, "key", 1, "c" * 64, 0.0)
    neighbours.asked_for(strange, was_there=True)
    viewer.asks_for(1)
    neighbours.asked_for(strange, was_there=False)
    viewer.asks_for(2)
    _eventually(lambda: len(viewer.at_hand) > 20)
