"""One line of the bench: what was measured, ours beside the rival's."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Line:
    """ours, rival: seconds of each run. faster: the ratio is rival / ours, else ours / rival."""

    work: str
    ours: list[float]
    rival: list[float]
    aim: str
    faster: bool = False

    @property
    def ratio(self) -> float:
        ours, rival = median(self.ours), median(self.rival)
        return rival / ours if self.faster else ours / rival

    @property
    def ours_told(self) -> str:
        return f"{median(self.ours):.3f} s"

    @property
    def rival_told(self) -> str:
        return f"{median(self.rival):.3f} s"

    @property
    def ratio_told(self) -> str:
        return f"{self.ratio:.2f} x faster" if self.faster else f"{self.ratio:.2f}"

    def as_dict(self) -> dict[str, object]:
        return {
            "work": self.work,
            "ours_seconds": self.ours,
            "rival_seconds": self.rival,
            "ratio": self.ratio,
            "aim": self.aim,
        }
