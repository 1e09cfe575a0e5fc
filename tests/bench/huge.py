"""STOW-RS of one huge instance: how far the memory of the server's process grows meanwhile.

The instance is made while it is sent; neither client nor disk holds it whole. What is told is
anonymous memory (RssAnon of /proc), so that pages of files do not count on either side. The gateway
hands the instance on to its archive, another Orthanc, whose growth is told in the report's JSON.
"""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from standards.derived import part10
from tests.bench.data import Files, Multipart, multi_frame_header
from tests.bench.http import timed
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import Side, servers, stow

MATRIX = 512
FRAME = MATRIX * MATRIX * 2
SAMPLE_SECONDS = 0.02
AIM_MIB = 64


def measure(plan: Plan) -> Iterator[Line]:
    """Once, whatever the number of runs: memory hardly varies, and the disk has to hold it."""
    mib = plan.sizes.huge_mib
    with servers(plan.place("huge")) as sides:
        (archive,) = sides.gateway.children("Orthanc")
        plan.say(f"{mib} MiB into the gateway")
        with Growth(sides.ours.pid) as ours, Growth(archive) as behind:
            ours_seconds = _send(sides.ours, mib)
        plan.say(f"{mib} MiB into the plug-in")
        with Growth(sides.rival.pid) as rival:
            rival_seconds = _send(sides.rival, mib)
    work = f"STOW-RS of one instance of {mib} MiB"
    detail = {"archive_growth_mib": behind.mib}
    yield Line(f"{work}: memory", [ours.mib], [rival.mib], f"{AIM_MIB} MiB", "MiB", detail=detail)
    yield Line(work, [ours_seconds], [rival_seconds])


class Growth:
    """The most that a process held while the block ran, less what it held before."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._before = self._most = self._held()
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._sample)

    @property
    def mib(self) -> float:
        return (self._most - self._before) / 1024

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._most = max(self._most, self._held())

    def _held(self) -> int:
        """RssAnon in KiB (proc(5))."""
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    def __enter__(self) -> "Growth":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()


def huge_instance(mib: int, study: int = 0) -> Multipart:
    """A multi-frame object of so many MiB of pixels, as the body of one STOW-RS request."""
    frames = mib * (1 << 20) // FRAME
    header = multi_frame_header(frames, MATRIX)
    del header.PageNumberVector, header.FrameIncrementPointer
    (head,) = Files([part10(header)]).of(study)
    head += _pixel_data_element(frames * FRAME)
    frame = np.random.default_rng(3).integers(0, 4096, FRAME // 2, np.uint16).tobytes()

    def content() -> Iterator[bytes]:
        yield head
        for _ in range(frames):
            yield frame

    return Multipart([(len(head) + frames * FRAME, content)])


def _pixel_data_element(length: int) -> bytes:
    """The head of (7FE0,0010) OW in Explicit VR Little Endian (PS3.5 7.1.2)."""
    return bytes.fromhex("e07f1000") + b"OW\0\0" + length.to_bytes(4, "little")


def _send(side: Side, mib: int) -> float:
    with side.connect() as connection:
        return timed(partial(stow, connection, huge_instance(mib)))
