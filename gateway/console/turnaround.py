"""How long a study's latest result took, from the first byte that came for it.

A study that grows is complete several times, and each time counts from its own first arrival. Only
live work that rules ordered counts: none in shadow, of batches, of outside, or ordered anew.
"""

import json
from collections.abc import Iterable
from math import inf

from gateway.store.event_kinds import ARRIVALS, ENDINGS
from gateway.store.tables import EventRow

TAKEN_BACK = frozenset({"withdrawn", "superseded"})  # such an ending is no result


def seconds_to_result(events: Iterable[EventRow]) -> float:
    """From the first arrival to the last result, of the last time there was one; 0 without any.

    events: of one study, in the order of their time.
    """
    arrived, began = inf, inf  # what came since the study was complete, and before it was
    began_of: dict[str, float] = {}  # workitem: when what it works on began to come
    took: dict[float, float] = {}
    for event in events:
        detail = json.loads(event.detail)
        if event.kind in ARRIVALS:
            arrived = min(arrived, event.at - float(detail.get("seconds") or 0))
        elif event.kind == "complete":
            began, arrived = min(arrived, event.at), inf
        elif event.kind == "routed":
            began_of[event.workitem_uid] = min(began, event.at)
        elif event.kind in ENDINGS - TAKEN_BACK and event.workitem_uid in began_of:
            took[began_of[event.workitem_uid]] = event.at - began_of[event.workitem_uid]
    return took[max(took)] if took else 0.0
