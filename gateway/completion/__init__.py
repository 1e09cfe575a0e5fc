"""When is a study complete? Evidence says so; then routing decides what is done with it."""

from gateway.completion.arrivals import COMPLETE, RECEIVING, note_arrival, study_of
from gateway.completion.evidence import Case, Complete, Evidence, Policy, Wait
from gateway.completion.quiet import QuietTime
from gateway.completion.sweep import Completion

__all__ = [
    "COMPLETE",
    "RECEIVING",
    "Case",
    "Complete",
    "Completion",
    "Evidence",
    "Policy",
    "QuietTime",
    "Wait",
    "note_arrival",
    "study_of",
]
