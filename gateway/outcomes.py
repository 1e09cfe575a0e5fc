"""How work ends: one table of the outcomes, and what each of them means to everybody else.

docs/RELIABILITY.md shows the table to people; tests keep the two alike.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydicom.sr.coding import Code

from standards import codes
from standards.ups import State


class Outcome(StrEnum):
    """The last word on a workitem, kept and served as it is written here."""

    DONE = "DONE"
    DONE_WITH_WARNINGS = "DONE_WITH_WARNINGS"  # results, and what a reader must know of them
    NO_RESULT = "NO_RESULT"  # the model has nothing to say of this input
    REFUSED_INPUT = "REFUSED_INPUT"  # the series is not what a model can be shown
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELED = "CANCELED"  # somebody asked for it
    NOT_INDICATED = "NOT_INDICATED"  # the findings that it stands on give no cause for it
    NOT_ATTEMPTED = "NOT_ATTEMPTED"  # the work that it stands on failed
    SUPERSEDED = "SUPERSEDED"  # more of the study came before it ended, and later work has it all
    # Its inputs were deleted, or the batch that kept its results apart, and its results with them.
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Ending:
    """What an outcome means.

    state: the final Procedure Step State (PS3.4 Table CC.1.1-2).
    discontinued: Procedure Step Discontinuation Reason of what is CANCELED, CID 9300.
    told: it is stated in FHIR, as results or as their absence; what is not was taken back.
    status: Result Status, CID 6042, in the SR of work without a result; unset = it has none.
    dead: it wants a person: it is in the dead letter until it is replayed.
    replayable: the same work can be ordered again.
    """

    state: State
    discontinued: Code | None = None
    told: bool = True
    status: Code | None = None
    dead: bool = False
    replayable: bool = False


ENDINGS: dict[Outcome, Ending] = {
    Outcome.DONE: Ending(State.COMPLETED),
    Outcome.DONE_WITH_WARNINGS: Ending(State.COMPLETED),
    Outcome.NO_RESULT: Ending(
        State.CANCELED,
        codes.DISCONTINUED_UNSPECIFIED,
        status=codes.ANALYSIS_NOT_ATTEMPTED,
        replayable=True,
    ),
    Outcome.REFUSED_INPUT: Ending(
        State.CANCELED,
        codes.DISCONTINUED_OBJECTS_UNFIT,
        status=codes.ANALYSIS_NOT_ATTEMPTED,
        replayable=True,
    ),
    Outcome.FAILED: Ending(
        State.CANCELED,
        codes.DISCONTINUED_EQUIPMENT_FAILURE,
        status=codes.ANALYSIS_FAILED,
        dead=True,
        replayable=True,
    ),
    Outcome.TIMED_OUT: Ending(
        State.CANCELED,
        codes.DISCONTINUED_RESOURCE_INADEQUATE,
        status=codes.ANALYSIS_FAILED,
        dead=True,
        replayable=True,
    ),
    Outcome.CANCELED: Ending(State.CANCELED, codes.DISCONTINUED_UNSPECIFIED, replayable=True),
    Outcome.NOT_INDICATED: Ending(
        State.CANCELED,
        codes.DISCONTINUED_UNSPECIFIED,
        status=codes.ANALYSIS_NOT_ATTEMPTED,
    ),
    Outcome.NOT_ATTEMPTED: Ending(
        State.CANCELED,
        codes.DISCONTINUED_OBJECTS_LACKING,
        status=codes.ANALYSIS_NOT_ATTEMPTED,
    ),
    Outcome.SUPERSEDED: Ending(State.CANCELED, codes.DISCONTINUED_UNSPECIFIED, told=False),
    Outcome.WITHDRAWN: Ending(State.CANCELED, codes.DISCONTINUED_UNSPECIFIED, told=False),
}

WITH_RESULT = frozenset({Outcome.DONE, Outcome.DONE_WITH_WARNINGS})
DEAD = tuple(outcome for outcome, ending in ENDINGS.items() if ending.dead)
REPLAYABLE = tuple(outcome for outcome, ending in ENDINGS.items() if ending.replayable)
