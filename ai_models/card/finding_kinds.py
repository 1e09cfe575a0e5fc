"""The kinds of findings, and which of them the outputs of a network become."""

from collections.abc import Mapping
from enum import StrEnum

from standards.findings import (
    Classification,
    Finding,
    HeatMap,
    KeyImage,
    LabelMap,
    Measurement,
    Region,
)


class FindingKind(StrEnum):
    LABEL_MAP = "label-map"
    MEASUREMENT = "measurement"
    CLASSIFICATION = "classification"
    REGION = "region"
    HEAT_MAP = "heat-map"
    KEY_IMAGE = "key-image"


OF_KIND: Mapping[FindingKind, type[Finding]] = {
    FindingKind.LABEL_MAP: LabelMap,
    FindingKind.MEASUREMENT: Measurement,
    FindingKind.CLASSIFICATION: Classification,
    FindingKind.REGION: Region,
    FindingKind.HEAT_MAP: HeatMap,
    FindingKind.KEY_IMAGE: KeyImage,
}

# By the kind of an output of a card (ai_models/card/outputs.py).
OF_OUTPUT: Mapping[str, frozenset[FindingKind]] = {
    "labels": frozenset({FindingKind.LABEL_MAP, FindingKind.MEASUREMENT, FindingKind.KEY_IMAGE}),
    "classes": frozenset({FindingKind.CLASSIFICATION}),
    "regression": frozenset({FindingKind.MEASUREMENT}),
    **dict.fromkeys(("boxes", "points", "peaks", "outlines"), frozenset({FindingKind.REGION})),
    "heat-map": frozenset({FindingKind.HEAT_MAP}),
}
