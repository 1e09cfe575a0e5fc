"""The Unified Procedure Step: the worklist item as a value (PS3.3 B.26.2, PS3.4 CC.2).

Datasets here are DICOM JSON objects (PS3.18 Annex F), as the worklist keeps and serves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from standards import codes
from standards.study import tag_of, values

# Of the patient and the request, as far as the index knows it: PS3.4 Table CC.2.5-3.
_PATIENT = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
)
PATIENT_TAGS = tuple(tag_of(keyword) for keyword in _PATIENT)

_PROGRESS = tag_of("ProcedureStepProgressInformationSequence")

PUSH = "1.2.840.10008.5.1.4.34.6.1"  # Unified Procedure Step - Push SOP Class, PS3.4 CC.1.1


class State(StrEnum):
    """Procedure Step State (0074,1000), PS3.4 Table CC.1.1-2."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


# From each state to those that may follow it. PS3.4 Figure CC.1.1-1.
FOLLOWS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.IN_PROGRESS, State.CANCELED}),
    State.IN_PROGRESS: frozenset({State.COMPLETED, State.CANCELED}),
    State.COMPLETED: frozenset(),
    State.CANCELED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class InstanceReference:
    """study_instance_uid: "" = of the study that the step is about."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Performer:
    """The model and station that perform a step."""

    workitem_code: Code
    station_name: str


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: the step's identity, its input, and who may perform it.

    label: Procedure Step Label, for people; worklist: Worklist Label, the queue; at: aware;
    priority: HIGH, MEDIUM or LOW.
    replaces: UID of the step whose result this one is to take the place of, (0074,1224).
    stands_on: UIDs of the steps whose results are input too.
    """

    uid: str
    study_instance_uid: str
    inputs: Sequence[InstanceReference]
    performer: Performer
    label: str
    worklist: str
    at: datetime
    priority: str = "MEDIUM"
    replaces: str = ""
    stands_on: Sequence[str] = ()


def scheduled(order: Order, patient: Dataset) -> dict[str, Any]:
    """A new workitem in state SCHEDULED with its input information (PS3.4 Table CC.2.5-3).

    patient: any dataset of the study with its patient and request attributes.
    """
    step = Dataset()
    step.SpecificCharacterSet = "ISO_IR 192"
    step.SOPClassUID = PUSH
    step.SOPInstanceUID = order.uid
    for keyword in _PATIENT:
        setattr(step, keyword, patient.get(keyword))
    step.StudyInstanceUID = order.study_instance_uid
    step.ProcedureStepState = State.SCHEDULED.value
    step.ScheduledProcedureStepPriority = order.priority
    step.ProcedureStepLabel = order.label
    step.WorklistLabel = order.worklist
    step.InputReadinessState = "READY"
    step.ScheduledProcedureStepStartDateTime = _dt(order.at)
    step.ScheduledWorkitemCodeSequence = [_code(order.performer.workitem_code)]
    step.InputInformationSequence = _references(order.study_instance_uid, order.inputs)
    if order.replaces:
        step.ReplacedProcedureStepSequence = [_step(order.replaces)]
    return standing_on(step.to_json_dict(), order.stands_on)


def standing_on(step: dict[str, Any], uids: Sequence[str]) -> dict[str, Any]:
    """The step, which takes the results of these other steps and waits for them.

    Input Readiness State (0040,4041) is INCOMPLETE until `ready`, PS3.3 Table C.30.2-1.
    """
    if not uids:
        return step
    parameters = [_stands_on(uid).to_json_dict() for uid in uids]
    told = {
        tag_of("InputReadinessState"): _element("CS", "INCOMPLETE"),
        tag_of("ScheduledProcessingParametersSequence"): _element("SQ", *parameters),
    }
    return dict(sorted({**step, **told}.items()))


def ready(step: dict[str, Any], more: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The step with all its input: what it had and these items of Input Information (0040,4021).

    Input Readiness State (0040,4041) READY, PS3.3 Table C.30.2-1.
    """
    inputs = values(step, "InputInformationSequence")
    inputs += [item for item in more if item not in inputs]
    told = {
        tag_of("InputReadinessState"): _element("CS", "READY"),
        tag_of("InputInformationSequence"): _element("SQ", *inputs),
    }
    return {**step, **told}


def outputs_of(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Items of Output Information (0040,4033) of a step that is COMPLETED."""
    performed = values(step, "UnifiedProcedureStepPerformedProcedureSequence")
    return [item for one in performed for item in values(one, "OutputInformationSequence")]


def claimed(step: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The step in state IN PROGRESS. The Transaction UID stays outside: it is never served."""
    changed = Dataset.from_json(step)
    changed.ProcedureStepState = State.IN_PROGRESS.value
    progress = Dataset()
    progress.ProcedureStepProgress = "0"
    changed.ProcedureStepProgressInformationSequence = [progress]
    performed = Dataset()
    performed.PerformedProcedureStepStartDateTime = _dt(at)
    changed.UnifiedProcedureStepPerformedProcedureSequence = [performed]
    return changed.to_json_dict()


def completed(
    step: dict[str, Any],
    performer: Performer,
    outputs: Sequence[InstanceReference],
    at: datetime,
) -> dict[str, Any]:
    """The step in state COMPLETED, listing every instance that it made (PS3.4 CC.2.5.1.1)."""
    changed = Dataset.from_json(step)
    changed.ProcedureStepState = State.COMPLETED.value
    changed.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress = "100"
    performed = changed.UnifiedProcedureStepPerformedProcedureSequence[0]
    station = Code(performer.station_name[:16], "99AIRGATE", performer.station_name[:64])
    performed.PerformedStationNameCodeSequence = [_code(station)]
    performed.PerformedWorkitemCodeSequence = [_code(performer.workitem_code)]
    performed.PerformedProcedureStepEndDateTime = _dt(at)
    performed.OutputInformationSequence = _references(str(changed.StudyInstanceUID), outputs)
    return changed.to_json_dict()


def canceled(step: dict[str, Any], reason: str, code: Code, at: datetime) -> dict[str, Any]:
    """The step in state CANCELED with its reason in words and as a code (PS3.3 C.30.1)."""
    told = {**_ending(code, at), tag_of("ReasonForCancellation"): _element("LT", reason[:1024])}
    return _ended_early(step, {**_progress(step), **told})


def canceled_by_performer(step: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The step in state CANCELED, as its performer described it.

    What CANCELED asks for and it left out is filled in: that the server shall do for the time
    (PS3.4 Table CC.2.5-3), and it must for the reason code, since two N-ACTIONs and no N-SET may
    cancel a step (CC.2.5.1.3.2).
    """
    return _ended_early(step, {**_ending(codes.DISCONTINUED_UNSPECIFIED, at), **_progress(step)})


def canceled_on_request(
    step: dict[str, Any], request: dict[str, Any], reason: str, at: datetime
) -> dict[str, Any]:
    """The step in state CANCELED, with what the request says of it (PS3.4 Table CC.2.2-1)."""
    code = tag_of("ProcedureStepDiscontinuationReasonCodeSequence")
    given = {code: request[code]} if request.get(code, {}).get("Value") else {}
    ended = canceled(step, reason, codes.DISCONTINUED_UNSPECIFIED, at)
    return _ended_early(ended, {**_progress(ended), **given})


def progressed(step: dict[str, Any], percent: int) -> dict[str, Any]:
    """The step IN PROGRESS, with how much of it is done (Procedure Step Progress, DS)."""
    changed = Dataset.from_json(step)
    changed.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress = str(percent)
    return changed.to_json_dict()


def replacement(step: dict[str, Any], uid: str, at: datetime) -> dict[str, Any]:
    """A new step in state SCHEDULED for what the ended one was to do, which it names as replaced.

    Replaced Procedure Step Sequence (0074,1224), PS3.3 Table C.30.2-1.
    """
    changed = Dataset.from_json(step)
    for keyword in _OF_PERFORMANCE:
        if keyword in changed:
            delattr(changed, keyword)
    replaced = Dataset()
    replaced.ReferencedSOPClassUID = PUSH
    replaced.ReferencedSOPInstanceUID = changed.SOPInstanceUID
    changed.ReplacedProcedureStepSequence = [replaced]
    changed.SOPInstanceUID = uid
    changed.ProcedureStepState = State.SCHEDULED.value
    changed.ScheduledProcedureStepStartDateTime = _dt(at)
    return changed.to_json_dict()


_OF_PERFORMANCE = (
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)


def in_state(step: dict[str, Any], state: State) -> dict[str, Any]:
    """The step as it is, in another state."""
    return {**step, tag_of("ProcedureStepState"): _element("CS", state.value)}


def modified(step: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The step with the moment of its last change, which the server sets."""
    changed = tag_of("ScheduledProcedureStepModificationDateTime")
    return {**step, changed: _element("DT", _dt(at))}


def _progress(step: dict[str, Any]) -> dict[str, Any]:
    """What has a value in the item of Procedure Step Progress Information."""
    items = step.get(_PROGRESS, {}).get("Value") or [{}]
    return {tag: element for tag, element in items[0].items() if element.get("Value")}


def _ending(code: Code, at: datetime) -> dict[str, Any]:
    return {
        tag_of("ProcedureStepCancellationDateTime"): _element("DT", _dt(at)),
        tag_of("ProcedureStepDiscontinuationReasonCodeSequence"): _element(
            "SQ", _code(code).to_json_dict()
        ),
    }


def _ended_early(step: dict[str, Any], progress: dict[str, Any]) -> dict[str, Any]:
    item = dict(sorted(progress.items()))
    changed = dict(sorted({**step, _PROGRESS: _element("SQ", item)}.items()))
    return in_state(changed, State.CANCELED)


def _element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def model_code(name: str, title: str) -> Code:
    """The Scheduled Workitem Code of a model, in our own scheme: CID 9231 knows no models."""
    return Code(name[:16], "99AIRGATE", title[:64])


def _dt(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S.%f%z")


def _code(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _step(uid: str) -> Dataset:
    """A reference to another workitem (PS3.3 Table 10-11)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = PUSH
    reference.ReferencedSOPInstanceUID = uid
    return reference


def _stands_on(uid: str) -> Dataset:
    """A parameter (Content Item, PS3.3 Table 10-2) that names the step whose results are input.

    Table C.30.2-1 has no other place for it: Related Procedure Step Sequence (0074,1220) is
    retired, and Input Information names instances that can be retrieved, not steps.
    """
    item = Dataset()
    item.ValueType = "UIDREF"
    item.ConceptNameCodeSequence = [_code(codes.STANDS_ON)]
    item.UID = uid
    return item


def _references(study_uid: str, instances: Sequence[InstanceReference]) -> list[Dataset]:
    """Referenced Instances and Access Macro, PS3.3 Table 10.18-1: one item per series."""
    items: dict[str, Dataset] = {}
    for instance in instances:
        item = items.get(instance.series_instance_uid)
        if item is None:
            item = items[instance.series_instance_uid] = Dataset()
            item.TypeOfInstances = "DICOM"
            item.StudyInstanceUID = instance.study_instance_uid or study_uid
            item.SeriesInstanceUID = instance.series_instance_uid
            item.ReferencedSOPSequence = []
        reference = Dataset()
        reference.ReferencedSOPClassUID = instance.sop_class_uid
        reference.ReferencedSOPInstanceUID = instance.sop_instance_uid
        item.ReferencedSOPSequence.append(reference)
    return list(items.values())
