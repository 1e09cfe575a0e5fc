"""Which attributes a Unified Procedure Step must, may and must not have (PS3.4 Table CC.2.5-3).

What is said here standards/ups_rules.py applies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from standards.study import tag_of


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of Table CC.2.5-3.

    create, change:  of N-CREATE and N-SET. 1: with a value; 2: present, a value if it is known; 3:
        may be there; `empty`: without a value; `never`: not allowed; `server`: the server's own.
    final:  of the Final State Codes R, P, X, O (Table CC.2.5-1).
    found:  whether each search result has it: Return Key Types 1 and 2.
    """

    create: str
    change: str
    final: str = "O"
    found: bool = True


_TABLE = {
    "TransactionUID": Requirement("empty", "never", found=False),
    "SOPClassUID": Requirement("server", "never"),
    "SOPInstanceUID": Requirement("server", "never"),
    "ScheduledProcedureStepPriority": Requirement("1", "1", "R"),
    "ScheduledProcedureStepModificationDateTime": Requirement("server", "server", found=False),
    "ProcedureStepLabel": Requirement("1", "1"),
    "WorklistLabel": Requirement("2", "1"),
    "ScheduledProcessingParametersSequence": Requirement("2", "2"),
    "ScheduledStationNameCodeSequence": Requirement("2", "2"),
    "ScheduledStationClassCodeSequence": Requirement("2", "2"),
    "ScheduledStationGeographicLocationCodeSequence": Requirement("2", "2"),
    "ScheduledHumanPerformersSequence": Requirement("3", "2"),
    "ScheduledProcedureStepStartDateTime": Requirement("1", "1", "R"),
    "ExpectedCompletionDateTime": Requirement("3", "1", found=False),
    "ScheduledProcedureStepExpirationDateTime": Requirement("3", "3", found=False),
    "ScheduledWorkitemCodeSequence": Requirement("2", "1"),
    "CommentsOnTheScheduledProcedureStep": Requirement("2", "1", found=False),
    "InputReadinessState": Requirement("1", "1", "R"),
    "InputInformationSequence": Requirement("2", "2"),
    "StudyInstanceUID": Requirement("3", "2"),
    "PatientName": Requirement("2", "never"),
    "PatientID": Requirement("2", "never"),
    "IssuerOfPatientID": Requirement("2", "never"),
    "IssuerOfPatientIDQualifiersSequence": Requirement("2", "never"),
    "OtherPatientIDsSequence": Requirement("2", "3"),
    "PatientBirthDate": Requirement("2", "never"),
    "PatientSex": Requirement("2", "never"),
    "AdmissionID": Requirement("2", "never"),
    "IssuerOfAdmissionIDSequence": Requirement("2", "never"),
    "AdmittingDiagnosesDescription": Requirement("2", "never"),
    "AdmittingDiagnosesCodeSequence": Requirement("2", "never"),
    "ReferencedRequestSequence": Requirement("2", "never"),
    "ReplacedProcedureStepSequence": Requirement("3", "never", found=False),
    "ProcedureStepState": Requirement("1", "never", "R"),
    "ProcedureStepProgressInformationSequence": Requirement("empty", "2", "X"),
    "UnifiedProcedureStepPerformedProcedureSequence": Requirement("empty", "2", "P", found=False),
}
REQUIREMENTS: Mapping[str, Requirement] = {tag_of(name): row for name, row in _TABLE.items()}
STATE = tag_of("ProcedureStepState")
PRIORITY = tag_of("ScheduledProcedureStepPriority")
READINESS = tag_of("InputReadinessState")
LABEL = tag_of("WorklistLabel")
MODIFIED = tag_of("ScheduledProcedureStepModificationDateTime")
PROGRESS = tag_of("ProcedureStepProgressInformationSequence")
PERFORMED = tag_of("UnifiedProcedureStepPerformedProcedureSequence")
TRANSACTION_UID = tag_of("TransactionUID")
SOP_INSTANCE_UID = tag_of("SOPInstanceUID")
STATION_NAMES = tag_of("ScheduledStationNameCodeSequence")
HUMAN_PERFORMERS = tag_of("ScheduledHumanPerformersSequence")
WORKITEM_CODES = tag_of("ScheduledWorkitemCodeSequence")
START = tag_of("ScheduledProcedureStepStartDateTime")
OUTPUTS = tag_of("OutputInformationSequence")

# Rows within the performed procedure with the Final State Code P.
OF_COMPLETED = tuple(
    tag_of(name)
    for name in (
        "PerformedStationNameCodeSequence",
        "PerformedProcedureStepStartDateTime",
        "PerformedWorkitemCodeSequence",
        "PerformedProcedureStepEndDateTime",
        "OutputInformationSequence",
    )
)
MAY_LACK_ITEMS = frozenset((OUTPUTS,))  # where nothing relevant was made
ENUMERATED: Mapping[str, tuple[str, ...]] = {
    PRIORITY: ("HIGH", "MEDIUM", "LOW"),
    READINESS: ("INCOMPLETE", "UNAVAILABLE", "READY"),
}
# Code Value, Long Code Value, URN Code Value: one of them, and Code Meaning (Table CC.2.5-2a).
CODE_VALUES = ("00080100", "00080119", "00080120")
CODE_MEANING = "00080104"
