"""The model card, one file for each of its sections."""

from ai_models.card.finding_kinds import FindingKind
from ai_models.card.findings_inputs import InputFindings
from ai_models.card.gate import GateRules, Reaction
from ai_models.card.inputs import Contrast, InputKind, InputSeries, Laterality, Orientation
from ai_models.card.model_card import OUTSIDE, ModelCard, Stage, has_card, read_card
from ai_models.card.resources import Priority, Resources
from ai_models.card.strict import Name

__all__ = [
    "OUTSIDE",
    "Contrast",
    "FindingKind",
    "GateRules",
    "InputFindings",
    "InputKind",
    "InputSeries",
    "Laterality",
    "ModelCard",
    "Name",
    "Orientation",
    "Priority",
    "Reaction",
    "Resources",
    "Stage",
    "has_card",
    "read_card",
]
