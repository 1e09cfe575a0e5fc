"""What a workitem gets of the work that it stands on, or why it is not to be performed."""

from sqlalchemy.orm import Session

from ai_models.card import ModelCard
from gateway.chains import kept, links
from gateway.outcomes import WITH_RESULT, Outcome
from gateway.store.tables import WorkitemRow
from standards import findings_file

# They say something of the input: that there is nothing to stand on.
_NOTHING_THERE = frozenset({Outcome.NO_RESULT, Outcome.REFUSED_INPUT, Outcome.NOT_INDICATED})


class NotPerformed(Exception):
    """The findings are not there, or are none that call for this work. reason: for people."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        self.outcome, self.reason = outcome, reason
        super().__init__(reason)


def findings_for(session: Session, row: WorkitemRow, card: ModelCard) -> dict[str, bytes]:
    """By the names of the card's inputs, as standards/findings_file.py writes them.

    Raises NotPerformed.
    """
    if not card.stands_on:
        return {}
    earlier = links.earlier_of(session, row.sop_instance_uid)
    given: dict[str, bytes] = {}
    for wanted in card.stands_on:
        other = earlier[wanted.name]
        content = given[wanted.name] = _findings_of(session, other)
        if wanted.when and (told := wanted.why_not(findings_file.read(content))):
            raise NotPerformed(Outcome.NOT_INDICATED, f"by {_named(other)}, {told}")
    return given


def _findings_of(session: Session, other: WorkitemRow) -> bytes:
    if other.outcome not in WITH_RESULT:
        nothing = other.outcome in _NOTHING_THERE
        outcome = Outcome.NOT_INDICATED if nothing else Outcome.NOT_ATTEMPTED
        told = f"{other.outcome}: {other.reason}" if other.reason else other.outcome
        raise NotPerformed(outcome, f"it stands on {_named(other)}, which ended {told}")
    content = kept.read(session, other.sop_instance_uid)
    if content is None:
        found = f"the findings of {_named(other)}, which it stands on, are not kept any more"
        raise NotPerformed(Outcome.NOT_ATTEMPTED, f"{found}; order the chain again")
    return content


def _named(row: WorkitemRow) -> str:
    return f"{row.model_name} {row.model_version}"
