"""From the archive to a float32 volume, against MONAI's PydicomReader on local files.

Ours goes the whole way that a job goes: Orthanc's REST API, the codecs' processes, the pipe, and
the stack in a process like a model's. The rival reads a folder, with nothing between. Both are
warm: their processes run, their modules are imported.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from adapters.orthanc import OrthancArchive
from adapters.orthanc_process import OrthancChild, child_url
from adapters.process_tree import descendants
from adapters.runtimes.child import END, receive
from adapters.runtimes.incoming import IncomingVolume
from gateway.source import SourceSeries
from tests.bench.data import ct_files
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.cards import card

SYNTAXES = {
    "uncompressed": ExplicitVRLittleEndian,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}
RIVAL = "PydicomReader"
CARD = card({"entry": "nobody:Nothing"})
_spawn = multiprocessing.get_context("spawn")


def measure(plan: Plan) -> Iterator[Line]:
    data = plan.place("pixels")
    orthanc = OrthancChild(data / "orthanc")
    orthanc.start()
    try:
        archive = OrthancArchive(child_url(data / "orthanc"))
        for name, syntax in SYNTAXES.items():
            yield from _measured(plan, archive, data / name, name, syntax)
    finally:
        orthanc.stop()


def _measured(
    plan: Plan, archive: OrthancArchive, folder: Path, name: str, syntax: UID
) -> Iterator[Line]:
    slices, matrix = plan.sizes.source_slices, plan.sizes.source_matrix
    plan.say(f"making {slices} slices, {name}")
    contents = ct_files(slices, matrix, syntax).of(len(name))
    folder.mkdir()
    for n, content in enumerate(contents):
        (folder / f"{n}.dcm").write_bytes(content)
    keys = [archive.store(content).key for content in contents]
    reads = [partial(archive.read, key) for key in keys]
    plan.say(f"{name}, starting the codecs' processes")
    _in_process(_stacked, reads)
    ours, rival = [], []
    for run in range(1, plan.repeat + 1):
        plan.say(f"{name}, run {run} of {plan.repeat}")
        ours.append(_in_process(_stacked, reads))
        rival.append(_in_process(_by_monai, str(folder)))
    volume_mib = slices * matrix**2 * 4 / (1 << 20)
    work = f"{slices} slices {name} to float32"
    took, processor, peak = (
        [[values[n] for values in side] for side in (ours, rival)] for n in range(3)
    )
    yield Line(work, *took, "3.3 x", against=RIVAL)
    yield Line(f"{work}: processor time of all processes", *processor, against=RIVAL)
    peaks = ([mib / volume_mib for mib in side] for side in peak)
    yield Line(f"{work}: peak memory, in volumes", *peaks, "2.2 x", "x", RIVAL)


class Cost(NamedTuple):
    """seconds: that passed. processor: seconds of all processes of the bench, Orthanc's too.

    mib: by which the peak of the loading process grew.
    """

    seconds: float
    processor: float
    mib: float


def _in_process(load: Callable[[Connection], np.ndarray], source) -> Cost:
    """Load the source in a fresh process."""
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=_measure, args=(theirs, load))
    process.start()
    theirs.close()
    ours.recv()  # it is ready
    before, started = _processor_seconds(), time.perf_counter()
    if isinstance(source, str):
        ours.send(source)
    else:
        _send(ours, SourceSeries(source))
    grown = ours.recv()
    seconds = time.perf_counter() - started
    processor = _processor_seconds() - before
    process.join()
    return Cost(seconds, processor, grown)


def _processor_seconds() -> float:
    """Of this process and all that it started and that runs (proc(5))."""
    ticks = 0
    for pid in (os.getpid(), *descendants(os.getpid())):
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def _send(connection: Connection, series: SourceSeries) -> None:
    connection.send_bytes(b"image")
    for content in series.contents():
        connection.send_bytes(content)
    connection.send_bytes(END)
    connection.send_bytes(END)


def _measure(connection: Connection, load: Callable[[Connection], np.ndarray]) -> None:
    if load is _by_monai:
        import monai.data.image_reader  # noqa: F401, PLC0415 (a second or two that are no part of reading)
    before = _peak_mib()
    connection.send("ready")
    voxels = load(connection)
    assert voxels.dtype == np.float32
    connection.send(_peak_mib() - before)


def _stacked(connection: Connection) -> np.ndarray:
    (series,) = receive(connection, CARD).values()
    assert isinstance(series, IncomingVolume)
    return series.volume().voxels.astype(np.float32)


def _by_monai(connection: Connection) -> np.ndarray:
    from monai.data.image_reader import PydicomReader  # noqa: PLC0415

    reader = PydicomReader()
    voxels, _ = reader.get_data(reader.read(connection.recv()))
    return voxels.astype(np.float32)


def _peak_mib() -> float:
    """VmHWM of this process (proc(5)): unlike getrusage, without what it was before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
