"""One line of the bench: what was measured, ours beside the rival's; and how lines are told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich import box
from rich.table import Table

PLUG_IN = "plug-in"
DIGITS = {"s": 3, "ms": 1, "MiB": 0, "x": 2}


@dataclass(frozen=True)
class Line:
    """ours, rival: one value of each run, less is better; rival is empty where there is none."""

    work: str
    ours: Sequence[float]
    rival: Sequence[float] = ()
    aim: str = ""
    unit: str = "s"
    against: str = PLUG_IN
    detail: dict[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times the rival's median ours is better by; below 1 is worse."""
        if not self.rival or not median(self.ours):
            return None
        return median(self.rival) / median(self.ours)

    def cells(self) -> tuple[str, str, str, str, str]:
        rival = f"{_told(self.rival, self.unit)} {self.against}" if self.rival else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} x"
        return self.work, _told(self.ours, self.unit), rival, ratio, self.aim

    def as_dict(self) -> dict[str, object]:
        return {
            "work": self.work,
            "unit": self.unit,
            "ours": list(self.ours),
            "rival": list(self.rival),
            "against": self.against if self.rival else None,
            "ratio": self.ratio,
            "aim": self.aim,
            **self.detail,
        }


HEADINGS = ("work", "Airgate", "rival", "better by", "aim")


def table(lines: Sequence[Line]) -> Table:
    shown = Table(box=box.SIMPLE, pad_edge=False, expand=True)
    shown.add_column(HEADINGS[0], ratio=1)
    for heading, width in zip(HEADINGS[1:], (10, 16, 9, 7), strict=True):
        shown.add_column(heading, max_width=width)
    for line in lines:
        shown.add_row(*line.cells())
    return shown


def markdown(lines: Sequence[Line]) -> str:
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _told(values: Sequence[float], unit: str) -> str:
    return f"{median(values):.{DIGITS[unit]}f} {unit}"
