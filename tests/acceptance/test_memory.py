"""How much memory the HTTP process takes for an instance that would not fit in it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.data import instance_path, study_uid
from tests.bench.frames import AS_STORED
from tests.bench.huge import FRAME, Growth, huge_instance
from tests.bench.sides import Side, stow
from tests.serving import Gateway

pytestmark = pytest.mark.serve

MIB = 1 << 20
BOUND_MIB = 64
# The archive behind the gateway holds an instance three times while it stores it.
ARCHIVE_NEEDS_MIB = 3 * 2048 + 2048


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("memory") / "data", workers="0") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def side(gateway) -> Side:
    token = {"Authorization": f"Bearer {gateway.token}"}
    return Side(f"{gateway.url}/dicom-web", gateway.pid, token)


def available_mib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable"))


def test_two_gib_stream_through_64_mib_SC_16(side):
    """SC-16: one instance of 2 GiB is stored while the HTTP process grows by less than 64 MiB."""
    if available_mib() < ARCHIVE_NEEDS_MIB:
        pytest.skip(f"Orthanc needs {ARCHIVE_NEEDS_MIB} MiB for an instance of 2 GiB")
    with side.connect() as connection:
        with Growth(side.pid) as growth:
            stow(connection, huge_instance(2048))
        assert growth.mib < BOUND_MIB

        (found,) = json.loads(
            connection.read(f"/studies/{study_uid(0)}/instances", "application/json")
        )
        assert found["00280008"]["Value"] == [2048 * MIB // FRAME]


def test_a_frame_of_a_large_instance_is_found_without_the_rest(side):
    """512 MiB lie in the archive; neither the first frame asked for nor another takes 64 MiB."""
    frames = 512 * MIB // FRAME
    with side.connect() as connection, Growth(side.pid) as growth:
        stow(connection, huge_instance(512, study=1))
        for frame in (frames, 1):
            received = connection.get(f"{instance_path(1, 0)}/frames/{frame}", AS_STORED)
            assert received > FRAME
    assert growth.mib < BOUND_MIB
