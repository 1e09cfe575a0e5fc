"""Work without a result says so in its study, where its route asks for that."""

from dataclasses import replace

from gateway.outcomes import ENDINGS, Outcome
from gateway.outputs import Encoded
from gateway.shadow import is_apart
from gateway.store.tables import WorkitemRow
from standards.analysis import Analysis
from standards.sr_no_result import no_result_report


def objects_of(
    workitem: WorkitemRow, analysis: Analysis | None, outcome: Outcome, reason: str
) -> list[Encoded]:
    """The SR; none of shadow work, of work that somebody canceled, or whose input is gone.

    It is named after the workitem: the work may be tried again, and give a result then.
    """
    status = ENDINGS[outcome].status
    asked = workitem.sr_without_result and not is_apart(workitem)
    if not asked or analysis is None or status is None:
        return []
    own = replace(analysis, again=workitem.sop_instance_uid)
    return [Encoded("SR", no_result_report(own, status, reason))]
