"""What a job is, for those who order work and those who do it; the engine itself is elsewhere.

Jobs carry ids, never data. HTTP processes order work without the engine: see `wanted`.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from gateway.shadow import SHADOW

# One queue for each kind of device that a model's card can ask for (card.py, Resources.queue).
QUEUES = {"cpu": "workitems", "gpu": "workitems-gpu"}

# Scheduled Procedure Step Priority (0074,1200) -> what is taken first.
PRIORITIES = {"HIGH": 1, "MEDIUM": 2, "LOW": 3}

# A worker that gave no sign of life for so long is taken for dead.
DEAD_AFTER_SECONDS = 6.0


def place_in_queue(priority: str, stage: str) -> int:
    """The lower is taken first: by priority, and of one priority live work before shadow work."""
    return 2 * PRIORITIES[priority] + (stage == SHADOW)


@dataclass(frozen=True, slots=True)
class Job:
    """put_offs: how often the workitem had been put off when the job was made for it."""

    workitem_uid: str
    put_offs: int = 0


class Jobs(Protocol):
    def enqueue(self, session: Session, workitem_uid: str) -> None:
        """Have the workitem performed, as its row in this session says: where, when, how soon."""
        ...


class Perform(Protocol):
    def __call__(self, job: Job, *, counts: bool) -> None:
        """Do one job. counts: whether this is an attempt of its own."""
        ...
