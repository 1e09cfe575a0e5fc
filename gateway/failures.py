"""What kind of error ended an attempt, and so whether the work is tried again.

| kind       | such as                          | again                                        |
|------------|----------------------------------|----------------------------------------------|
| transient  | archive, network, worker memory  | until it works, in growing pauses; no attempt|
| model      | crash, exception                 | as often as its card says, resources.retries |
| input      | refused series, too much memory  | never                                        |
| unexpected | what nobody thought of           | up to MAXIMUM_ATTEMPTS                       |

An absent database is none of these, since nothing can be noted then: see gateway/engine.py.
"""

from enum import Enum, auto

from sqlalchemy.exc import InterfaceError, OperationalError

from adapters.errors import ArchiveUnavailable, ArtefactsUnavailable, NotInArchive
from adapters.runtimes.errors import (
    ModelError,
    ModelOutOfMemory,
    ModelServerAway,
    ModelTimedOut,
    ModelTooLarge,
    NetworkNotWithheld,
)
from gateway.analysis import Refused
from gateway.chains.given import NotPerformed
from gateway.errors import NotFound
from gateway.outcomes import Outcome
from standards.errors import StandardsError

DATABASE_AWAY = (OperationalError, InterfaceError)

# Claims of one workitem that may end without its end: what kills its workers is given up then.
MAXIMUM_ATTEMPTS = 5

# Pauses before the next try, the last one for all that follow.
BACK_OFF_SECONDS = (0.5, 1, 2, 5, 10, 30, 60)


class Kind(Enum):
    TRANSIENT = auto()
    MODEL = auto()
    INPUT = auto()
    UNEXPECTED = auto()


class ResultNotKept(Exception):
    """The archive or the index would not take a result object; the work did not end well."""


class CancelRequested(Exception):
    """Somebody asked that the work be canceled; why, if told, in their words."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason or "its cancellation was requested")


class ClaimLost(Exception):
    """The work was withdrawn, or another worker has taken it over: its end is not ours to write."""

    def __init__(self, uid: str) -> None:
        super().__init__(f"workitem {uid} was withdrawn or taken over")


# The first that fits counts.
_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (ArchiveUnavailable, Kind.TRANSIENT),
    (ArtefactsUnavailable, Kind.TRANSIENT),
    (ModelServerAway, Kind.TRANSIENT),
    (MemoryError, Kind.TRANSIENT),
    (OSError, Kind.TRANSIENT),
    (CancelRequested, Kind.INPUT),
    (Refused, Kind.INPUT),
    (NotPerformed, Kind.INPUT),
    (ModelTimedOut, Kind.INPUT),  # the same input takes as long again
    (ModelOutOfMemory, Kind.INPUT),  # and as much
    (ModelTooLarge, Kind.INPUT),
    (NetworkNotWithheld, Kind.INPUT),
    (ModelError, Kind.MODEL),
    (StandardsError, Kind.INPUT),
    (NotFound, Kind.INPUT),
    (NotInArchive, Kind.INPUT),
    (ResultNotKept, Kind.INPUT),
)


def kind_of(error: Exception) -> Kind:
    return next((kind for cls, kind in _KINDS if isinstance(error, cls)), Kind.UNEXPECTED)


def is_final(kind: Kind, attempts: int, retries: int) -> bool:
    """Whether an error of this kind, in the attempt of this number (from 1), ends the work.

    retries: of the model's card.
    """
    allowed = {Kind.INPUT: 1, Kind.MODEL: 1 + retries, Kind.UNEXPECTED: MAXIMUM_ATTEMPTS}
    return kind in allowed and attempts >= allowed[kind]


def outcome_of(error: Exception) -> Outcome:
    """Of an error that ends the work."""
    if isinstance(error, Refused | NotPerformed):
        return error.outcome
    if isinstance(error, CancelRequested):
        return Outcome.CANCELED
    return Outcome.TIMED_OUT if isinstance(error, ModelTimedOut) else Outcome.FAILED


def reason_of(error: Exception) -> str:
    """For people. What an unexpected error says of itself may hold what no log line should."""
    if kind_of(error) is Kind.UNEXPECTED:
        return f"unexpected {type(error).__name__}; the worker's log tells where"
    return str(error) or type(error).__name__


def back_off(times: int) -> float:
    """Seconds to wait after so many tries before."""
    return BACK_OFF_SECONDS[min(times, len(BACK_OFF_SECONDS) - 1)]
