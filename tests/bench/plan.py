"""How much a run of the bench measures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sizes:
    """slices, matrix: of the CT series. requests: single frames a client asks for in one run.
    frames, frame_matrix: of the multi-frame object. huge_mib: of the largest instance.
    studies: rows of the index in each step of its growth. viewer_slices: of the study in OHIF.
    source_slices, source_matrix: of the study that the model runs on.
    jobs: studies that wait for the workers. finished: workitems that are there already.
    """

    slices: int = 500
    matrix: int = 512
    compressed: int = 100
    requests: int = 400
    frames: int = 100
    frame_matrix: int = 672
    huge_mib: int = 2048
    studies: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    viewer_slices: int = 300
    source_slices: int = 300
    source_matrix: int = 512
    jobs: int = 60
    finished: int = 100_000


FULL = Sizes()
# Small enough for a test of the bench itself; its figures say nothing.
QUICK = Sizes(
    slices=6,
    matrix=64,
    compressed=3,
    requests=5,
    frames=4,
    frame_matrix=64,
    huge_mib=8,
    studies=(10, 100),
    viewer_slices=12,
    source_slices=40,
    source_matrix=128,
    jobs=6,
    finished=100,
)


@dataclass(frozen=True)
class Plan:
    """folder: for all that is written, emptied afterwards. say: tells progress."""

    folder: Path
    repeat: int
    sizes: Sizes
    say: Callable[[str], None]

    def place(self, name: str) -> Path:
        """A folder of that name, made."""
        place = self.folder / name
        place.mkdir(parents=True)
        return place
