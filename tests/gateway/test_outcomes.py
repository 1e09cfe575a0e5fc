"""The table of outcomes: complete, of the standard, and told to people as it is."""

import re
from pathlib import Path

import pydicom.sr.codedict
from pydicom.sr.coding import Code

from gateway.outcomes import ENDINGS, Ending, Outcome
from standards.ups import State

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"
REASONS = pydicom.sr.codedict.codes.cid9300.concepts


def test_every_outcome_has_a_final_state_and_a_reason_of_cid_9300_exactly_if_it_cancels():
    assert set(ENDINGS) == set(Outcome)
    reasons = {(code.value, code.meaning) for code in REASONS.values()}
    for outcome, ending in ENDINGS.items():
        assert ending.state in (State.COMPLETED, State.CANCELED)
        canceled = ending.state is State.CANCELED
        code = ending.discontinued
        assert canceled == (code is not None), outcome
        assert code is None or (code.value, code.meaning) in reasons, outcome


def test_what_is_dead_can_be_replayed():
    assert all(ending.replayable for ending in ENDINGS.values() if ending.dead)


def test_the_document_has_the_table_as_it_is():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+\|(.*)\|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    told = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    assert told == {outcome.value: _row(ending) for outcome, ending in ENDINGS.items()}


def _row(ending: Ending) -> list[str]:
    code = ending.discontinued
    told, *said = [
        {True: "yes", False: "no"}[one] for one in (ending.told, ending.dead, ending.replayable)
    ]
    return [ending.state.value, _told(code) if code else "", told, _in_sr(ending), *said]


def _in_sr(ending: Ending) -> str:
    if ending.status is not None:
        return f"if asked for: {_told(ending.status)}"
    return "yes" if ending.state is State.COMPLETED else "no"


def _told(code: Code) -> str:
    return f"{code.value} {code.meaning}"
