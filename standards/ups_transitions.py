"""How a workitem may go from one state to the next, and what each refusal is called.

PS3.4 Table CC.1.1-2; HTTP statuses and Warning texts of PS3.18 11.6.3, 11.7.3 and 11.8.3.
"""

from collections.abc import Mapping

from standards.errors import InvalidWorkitem, WorkitemRefused
from standards.ups import State

# Warning header fields (PS3.18): `299 <service>: ` comes before each.
CREATED_WITH_MODIFICATIONS = "The Workitem was created with modifications."
UPDATED_WITH_MODIFICATIONS = "The Workitem was updated with modifications."
ALREADY: Mapping[State, str] = {
    State.COMPLETED: "The UPS is already in the requested state of COMPLETED.",
    State.CANCELED: "The UPS is already in the requested state of CANCELED.",
}
NOT_CLAIMED = "The target URI did not reference a claimed Workitem."
NOT_NOW = "The submitted request is inconsistent with the current state of the Workitem."
NOT_IN_THIS_STATE = "The submitted request is inconsistent with the state of the UPS Instance."
NO_TRANSACTION_UID = "The Transaction UID is missing."
WRONG_TRANSACTION_UID = "The Transaction UID is incorrect."
COMPLETED_ALREADY = "The UPS is already COMPLETED."
UNREACHABLE = "The performer cannot be contacted."

# DIMSE statuses.
MAY_NO_LONGER_BE_UPDATED, TRANSACTION_UID_NOT_CORRECT, ALREADY_IN_PROGRESS = 0xC300, 0xC301, 0xC302
SCHEDULED_ONLY_BY_CREATION, FINAL_STATE_NOT_MET = 0xC303, 0xC304
INPUT_NOT_READY = 0x0110  # Processing Failure, PS3.7 C.5.24: the standard has none of its own
NOT_IN_PROGRESS, ALREADY_COMPLETED, CANNOT_BE_CONTACTED = 0xC310, 0xC311, 0xC312

# For a request with the correct Transaction UID: from each state, why not to the requested one.
_REFUSED: Mapping[State, Mapping[State, int]] = {
    State.IN_PROGRESS: {
        State.IN_PROGRESS: ALREADY_IN_PROGRESS,
        State.COMPLETED: MAY_NO_LONGER_BE_UPDATED,
        State.CANCELED: MAY_NO_LONGER_BE_UPDATED,
    },
    State.COMPLETED: {
        State.SCHEDULED: NOT_IN_PROGRESS,
        State.CANCELED: MAY_NO_LONGER_BE_UPDATED,
    },
    State.CANCELED: {
        State.SCHEDULED: NOT_IN_PROGRESS,
        State.COMPLETED: MAY_NO_LONGER_BE_UPDATED,
    },
}


def requested_state(text: str) -> State:
    """Of the payload of Change Workitem State. Raises InvalidWorkitem.

    PS3.18 writes CANCELLED in one place; both spellings are understood.
    """
    try:
        return State("CANCELED" if text == "CANCELLED" else text)
    except ValueError:
        expected = "IN PROGRESS, COMPLETED or CANCELED"
        raise InvalidWorkitem("no such state in ProcedureStepState", expected) from None


def check_change(state: State, wanted: State, *, owner: str, given: str) -> bool:
    """Whether the state changes; False where it is the wanted final one already.

    owner:  the Transaction UID of whoever claimed it, "" while nobody did. given:  of the request.
    Raises WorkitemRefused.
    """
    if not given:
        why = "Send the Transaction UID (0008,1195) in the payload."
        raise WorkitemRefused(TRANSACTION_UID_NOT_CORRECT, 400, NO_TRANSACTION_UID, why)
    if wanted is State.SCHEDULED:
        why = "A workitem is SCHEDULED only when it is created."
        raise _refused_change(SCHEDULED_ONLY_BY_CREATION, why)
    if wanted is State.IN_PROGRESS and state is State.IN_PROGRESS:
        raise _refused_change(ALREADY_IN_PROGRESS, "It is IN PROGRESS: somebody claimed it before.")
    if owner and given != owner:
        why = f"The workitem is {state}, claimed under another Transaction UID."
        raise WorkitemRefused(TRANSACTION_UID_NOT_CORRECT, 409, WRONG_TRANSACTION_UID, why)
    if state is wanted:
        return False
    code = _REFUSED[wanted].get(state)
    if code is not None:
        raise _refused_change(code, f"It is {state}, and cannot become {wanted}.")
    return True


def check_ready(*, is_complete: bool) -> None:
    """Whether it may be claimed: not before its input is complete. Raises WorkitemRefused.

    Input Readiness State (0040,4041) INCOMPLETE, PS3.3 Table C.30.2-1.
    """
    if not is_complete:
        why = (
            "It stands on the results of workitems that have not ended; claim it when it is READY."
        )
        raise _refused_change(INPUT_NOT_READY, why)


def check_final(lacking: list[str]) -> None:
    """Raises WorkitemRefused where attributes lack that COMPLETED asks for."""
    if lacking:
        why = f"To be COMPLETED it lacks {', '.join(lacking)}; update it first (PS3.4 CC.2.5.1.1)."
        raise _refused_change(FINAL_STATE_NOT_MET, why)


def check_update(state: State, *, owner: str, given: str) -> None:
    """Whether attributes may be changed now, by whom they are. Raises WorkitemRefused."""
    if state in ALREADY:
        why = f"It is {state}, and may no longer be updated."
        raise WorkitemRefused(MAY_NO_LONGER_BE_UPDATED, 400, NOT_NOW, why)
    if state is State.SCHEDULED:
        if given:
            why = "It is SCHEDULED: claim it first, or leave out the Transaction UID."
            raise WorkitemRefused(NOT_IN_PROGRESS, 409, NOT_CLAIMED, why)
        return
    if not given:
        why = "It is IN PROGRESS: send the Transaction UID that it was claimed with."
        raise WorkitemRefused(TRANSACTION_UID_NOT_CORRECT, 409, NO_TRANSACTION_UID, why)
    if given != owner:
        why = "It is IN PROGRESS, claimed under another Transaction UID."
        raise WorkitemRefused(TRANSACTION_UID_NOT_CORRECT, 409, WRONG_TRANSACTION_UID, why)


def check_cancel_request(state: State) -> bool:
    """Whether there is something to cancel; False where that is done. Raises WorkitemRefused."""
    if state is State.COMPLETED:
        why = "What is done cannot be canceled."
        raise WorkitemRefused(ALREADY_COMPLETED, 409, COMPLETED_ALREADY, why)
    return state is not State.CANCELED


def unreachable() -> WorkitemRefused:
    """Nobody who performs it can be told."""
    why = "Its performer works outside and has subscribed to no events of it."
    return WorkitemRefused(CANNOT_BE_CONTACTED, 409, UNREACHABLE, why)


def _refused_change(code: int, why: str) -> WorkitemRefused:
    return WorkitemRefused(code, 409, NOT_IN_THIS_STATE, why)
