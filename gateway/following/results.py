"""Results of our own models among what was found: whose work they are, and whether that ended well.

They are no input of models, and an object of work that is still under way, or failed, is nobody's
result: a worker archives its objects first, and publishes them all in one transaction.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import air
from gateway.equipment import EQUIPMENT
from gateway.index import Kept
from gateway.store.tables import WorkitemRow
from standards import codes
from standards.analysis import Carrier, result_uid
from standards.study import Header, value, values
from standards.ups import State

_REPORT = ("no result",)  # that there is none
# Kinds of objects and what they may be named after beside inputs and model (Analysis.again): such a
# report after its own work, a result after the first try, the newest counts, or after nothing else.
_NAMINGS: Sequence[tuple[Sequence[str], Callable[[WorkitemRow], str]]] = (
    (_REPORT, lambda row: row.sop_instance_uid),
    (get_args(Carrier), lambda row: row.replay_of or row.sop_instance_uid),
    (get_args(Carrier), lambda _: ""),
)
_MODEL_NAME = EQUIPMENT.manufacturer_model_name.encode()


def model_device_uid(kept: Kept) -> str:
    """Device UID of the model that made the instance; "" for what no Airgate wrote.

    IHE AIR Rev 1.3, 6.5.3.1: General Equipment is the gateway, Contributing Equipment the model.
    """
    written: bytes = kept.instance["header"]
    if _MODEL_NAME not in written:
        return ""
    header = json.loads(written)
    if value(header, "ManufacturerModelName") != EQUIPMENT.manufacturer_model_name:
        return ""
    for item in values(header, "ContributingEquipmentSequence"):
        if _purpose(item) == codes.PROCESSING_EQUIPMENT.value:
            return str(value(item, "DeviceUID", ""))
    return ""


def workitem_behind(session: Session, kept: Kept, device_uid: str) -> WorkitemRow | None:
    """The workitem whose result the instance is: the same model build on the same instances."""
    rows = session.scalars(
        select(WorkitemRow)
        .where(WorkitemRow.study_instance_uid == kept.identity.study_instance_uid)
        .order_by(WorkitemRow.created_at.desc())  # withdrawn work may have been done again
    )
    series, candidates = kept.identity.series_instance_uid, rows.all()
    for kinds, named_after in _NAMINGS:
        for row in candidates:
            if series in _series_of(row, device_uid, named_after(row), kinds):
                return row
    return None


def is_published(row: WorkitemRow, kept: Kept, device_uid: str) -> bool:
    """Whether work that has ended names this object; else an attempt left it that ended early.

    Of a result that is there every object counts, though its tree was taken back; that there is no
    result is said by the one report that work without a result names.
    """
    if kept.identity.sop_instance_uid in air.object_uids(row):
        return True
    report = _series_of(row, device_uid, row.sop_instance_uid, _REPORT)
    is_report = kept.identity.series_instance_uid in report
    return row.procedure_step_state == State.COMPLETED and not is_report


def _series_of(row: WorkitemRow, device_uid: str, again: str, kinds: Sequence[str]) -> set[str]:
    """Series Instance UIDs of the objects of these kinds that a model build makes of this work."""
    inputs = [
        str(value(reference, "ReferencedSOPInstanceUID"))
        for item in values(json.loads(row.dataset), "InputInformationSequence")
        if value(item, "SeriesInstanceUID") == row.series_instance_uid  # drawn on the first input
        for reference in values(item, "ReferencedSOPSequence")
    ]
    return {result_uid(device_uid, inputs, kind, "series", again=again) for kind in kinds}


def _purpose(item: Header) -> Any:
    return next(
        (value(code, "CodeValue") for code in values(item, "PurposeOfReferenceCodeSequence")), None
    )
