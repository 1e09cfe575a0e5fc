"""The kinds of events in a study's trace: what people call them, and what their detail holds.

docs/trace.md shows the table to people; tests keep it, the notes in the code and this alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.outcomes import Outcome

# field: what it holds; most are named by several kinds
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "announced_by": "how it was announced",
        "as": "UID of the workitem that does it again",
        "attempt": "which attempt this is, from 1",
        "batch": "id of the batch that ordered it",
        "by": "name of the token that it was ordered or done with",
        "bytes": "size of the instances as they came",
        "called_ae_title": "AE title that the sender called",
        "calling_ae_title": "AE title of the sender",
        "chosen_because": "why this series and none of the others",
        "description": "Series Description of the chosen series",
        "evidence": "what said that the study is complete",
        "failure": "kind of failure, as in PS3.18 Table I.2-2",
        "for": "how long it is put off",
        "for_review": "other series fit as well, so that a person should look at the choice",
        "generation": "how often the study has been complete, with this time",
        "inputs": "of a model with several: list of name, series UID, description, reason",
        "instances": "number of instances",
        "level": "what was deleted: study, series, instance",
        "model": "name of the model",
        "name": "name of the step",
        "new": "instances that were not known before",
        "passed_over": "list of series that were not chosen: UID, description, reason",
        "percent": "how much of the work is done, 0 to 100",
        "places": "how many workitems of the model are performed at once",
        "priority": "HIGH, MEDIUM or LOW, as the rule or the model's card says",
        "reason": "why, in words",
        "rule": "name of the routing rule",
        "rules_version": "version of the rule set",
        "seconds": "how long it took; the event's time is its end",
        "score": "what decides between series that fit, as found in the chosen one",
        "series_instance_uid": "the series that it is about",
        "source": "service or system that it came by",
        "stage": "`shadow` for work whose results are kept apart; else absent",
        "stands_on": "models of the chain whose findings it takes; how their work ended",
        "version": "version of the model",
        "waited": "seconds from the last arrival to here",
        "warnings": "what a reader must know of the results",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """title: for people. meaning: when it is noted. fields: of FIELDS; others may come with it."""

    title: str
    meaning: str
    fields: tuple[str, ...] = field(default=())


_SELECTION = (
    "rule",
    "rules_version",
    "model",
    "version",
    "stage",
    "series_instance_uid",
    "chosen_because",
    "passed_over",
)
_CHOICE = ("score", "for_review", "priority", "inputs", "stands_on")
_SOURCE = ("source", "calling_ae_title", "called_ae_title")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "received": Kind(
            "Received",
            "a request or an association has brought instances",
            ("instances", "new", "bytes", "seconds", *_SOURCE),
        ),
        "replaced": Kind(
            "Replaced", "another content took a stored one's place", ("instances", "source")
        ),
        "found": Kind(
            "Found in the archive", "instances came there without the gateway", ("instances",)
        ),
        "lost": Kind(
            "Gone from the archive", "bytes left it without the gateway", ("instances", "source")
        ),
        "refused": Kind(
            "Instances refused",
            "what was sent cannot be kept",
            ("instances", "reason", "failure", "source"),
        ),
        "announced": Kind(
            "Announced", "somebody told what will come", ("announced_by", "instances")
        ),
        "complete": Kind(
            "Study complete",
            "evidence says that all has come",
            ("evidence", "generation", "waited"),
        ),
        "routed": Kind(
            "Routed", "a rule chose a model, and its card a series", (*_SELECTION, *_CHOICE)
        ),
        "not_routed": Kind(
            "Not routed", "a rule fits, but nothing comes of it", (*_SELECTION, "reason")
        ),
        "shadow_routed": Kind(
            "Routed in shadow",
            "as `routed`; rule or model is in its shadow stage, so the results are kept apart",
            (*_SELECTION, *_CHOICE),
        ),
        "late_ignored": Kind(
            "Late instances left alone",
            "the rule says that what comes late changes nothing",
            (*_SELECTION, "reason"),
        ),
        "rule_set_aside": Kind(
            "Rule set aside",
            "a stored rule cannot be used by this version and was not asked",
            ("rule", "rules_version", "reason"),
        ),
        "no_rule_matched": Kind(
            "No rule matched", "no model looks at the study", ("reason", "rules_version")
        ),
        "workitem_created": Kind(
            "Workitem created",
            "there is work to be done",
            ("model", "version", "batch", "by", "stands_on"),
        ),
        "earlier_ended": Kind(
            "What it stands on has ended",
            "work of a chain waits no more",
            ("stands_on",),
        ),
        "claimed": Kind("Claimed by a worker", "the work begins", ("attempt",)),
        "claimed_outside": Kind(
            "Claimed outside", "a performer outside has taken the work", ("by",)
        ),
        "cancel_requested": Kind(
            "Cancel requested", "somebody asked the performer to stop", ("by", "reason")
        ),
        "progress": Kind("Progress", "part of the work is done", ("percent",)),
        "place_awaited": Kind(
            "Waits for a place",
            "as many workitems of this model as its card allows are performed",
            ("places",),
        ),
        "put_off": Kind("Put off", "the work is tried again later", ("reason", "for")),
        "step": Kind("Step", "a step of the work has ended", ("name", "seconds")),
        "done": Kind("Done", "the results are published", ("by",)),
        "done_with_warnings": Kind(
            "Done, with warnings", "the results are published", ("warnings",)
        ),
        "no_result": Kind("No result", "the model has nothing to say of this input", ("reason",)),
        "refused_input": Kind(
            "Input refused", "the series is not what a model can be shown", ("reason",)
        ),
        "canceled": Kind("Canceled", "somebody asked for it", ("reason", "by")),
        "not_indicated": Kind(
            "Not indicated", "the findings that it stands on give no cause for it", ("reason",)
        ),
        "not_attempted": Kind("Not attempted", "the work that it stands on failed", ("reason",)),
        "failed": Kind("Failed", "the work was given up", ("reason",)),
        "timed_out": Kind("Timed out", "the model took too long", ("reason",)),
        "withdrawn": Kind("Withdrawn", "the inputs were deleted", ("reason",)),
        "superseded": Kind("Superseded", "work on more of the study takes its place", ("reason",)),
        "replayed": Kind("Ordered again", "somebody ordered the same work once more", ("by", "as")),
        "deleted": Kind("Deleted", "somebody deleted it on purpose", ("level", "instances")),
    }
)

ARRIVALS = frozenset({"received", "found"})
ENDINGS = frozenset(outcome.lower() for outcome in Outcome)


def title_of(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else kind.replace("_", " ").capitalize()
