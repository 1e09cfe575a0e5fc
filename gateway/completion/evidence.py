"""What evidence is asked, and what it may answer.

Evidence is asked in the order of its strength, and the first that says Complete wins. Wait is a
promise of more: while one stands, weaker evidence is not believed, and only the long quiet time
(AIRGATE_INCOMPLETE_SECONDS) ends the waiting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from gateway.store.tables import StudyRow


@dataclass(frozen=True, slots=True)
class Policy:
    """What the routes that fit a study ask for before they run.

    quiet_seconds: None = as set for all. lacking: series that they require and that have not come,
    in the words of the rules. expected: they run on nothing but what was announced.
    """

    quiet_seconds: float | None = None
    lacking: tuple[str, ...] = ()
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """An open study before the evidence.

    now: seconds since the epoch. earlier: how often it was complete within the last day.
    """

    session: Session
    study: StudyRow
    now: float
    policy: Policy = Policy()
    earlier: int = 0

    @property
    def uid(self) -> str:
        return self.study.study_instance_uid


@dataclass(frozen=True, slots=True)
class Complete:
    """Nothing more will come, as of `at` (seconds since the epoch). knew: for the trace."""

    at: float
    knew: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """More is to come. knew: what is missing, for the trace."""

    knew: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing to say before `at` (seconds since the epoch), when it wants to be asked again."""

    at: float


class Evidence(Protocol):
    """What can tell that nothing more will come, or that something will."""

    name: str

    def judge(self, case: Case) -> Complete | Wait | Later | None:
        """None while it has nothing to say."""
        ...
