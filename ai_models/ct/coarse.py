"""A coarser copy of a volume: shapes and connections are found on it, borders are not."""

from dataclasses import dataclass

import numpy as np

TARGET_MM = (2.5, 2.0, 2.0)  # a coarse voxel is not larger than this, unless a voxel already is


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Block means of a volume whose slices run from feet to head.

    hu: int16, (slices, rows, columns) of blocks; factors: voxels in a block, along each axis;
    spacing: mm between blocks along each axis; shape: of the full volume.
    """

    hu: np.ndarray
    factors: tuple[int, int, int]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, voxels: np.ndarray, spacing: tuple[float, float, float]) -> "Coarse":
        """Average blocks; the last block along an axis may be smaller."""
        f, g, h = (
            max(1, int(target / step)) for target, step in zip(TARGET_MM, spacing, strict=True)
        )
        planes = [_block_means(voxels[k : k + f], g, h) for k in range(0, len(voxels), f)]
        steps = (spacing[0] * f, spacing[1] * g, spacing[2] * h)
        return cls(np.stack(planes), (f, g, h), steps, voxels.shape)

    @property
    def voxel_ml(self) -> float:
        """Volume of one block in millilitres."""
        return self.spacing[0] * self.spacing[1] * self.spacing[2] / 1000.0

    def voxels_in(self, mm: float) -> tuple[int, int, int]:
        """How many blocks reach as far as a distance, along each axis."""
        steps = [round(mm / step) for step in self.spacing]
        return steps[0], steps[1], steps[2]

    def enlarged(self, plane: np.ndarray) -> np.ndarray:
        """One coarse plane, (rows, columns), at the size of the full volume's planes."""
        _, g, h = self.factors
        return np.repeat(np.repeat(plane, g, 0), h, 1)[: self.shape[1], : self.shape[2]]


def _block_means(planes: np.ndarray, g: int, h: int) -> np.ndarray:
    total = planes.sum(axis=0, dtype=np.float32) / len(planes)
    rows, columns = total.shape
    total = np.pad(total, ((0, -rows % g), (0, -columns % h)), mode="edge")
    means = sum(total[j::g, i::h] for j in range(g) for i in range(h)) / (g * h)
    return np.clip(np.rint(means), -1024, 3071).astype(np.int16)
