"""What kind of algorithm a model is, for the Algorithm Family of what it finds."""

from enum import StrEnum

from pydicom.sr.coding import Code

from standards import codes


class Family(StrEnum):
    """CID 7162."""

    ADAPTIVE_FILTERING = "adaptive-filtering"
    ARTIFICIAL_INTELLIGENCE = "artificial-intelligence"
    CLUSTER_ANALYSIS = "cluster-analysis"
    DEFORMABLE_MODELS = "deformable-models"
    EDGE_DETECTION = "edge-detection"
    HISTOGRAM_ANALYSIS = "histogram-analysis"
    MORPHOLOGICAL_OPERATIONS = "morphological-operations"
    NEIGHBORHOOD_ANALYSIS = "neighborhood-analysis"

    @property
    def code(self) -> Code:
        return _CODES[self]


_CODES = {
    Family.ADAPTIVE_FILTERING: codes.ADAPTIVE_FILTERING,
    Family.ARTIFICIAL_INTELLIGENCE: codes.ARTIFICIAL_INTELLIGENCE,
    Family.CLUSTER_ANALYSIS: codes.CLUSTER_ANALYSIS,
    Family.DEFORMABLE_MODELS: codes.DEFORMABLE_MODELS,
    Family.EDGE_DETECTION: codes.EDGE_DETECTION,
    Family.HISTOGRAM_ANALYSIS: codes.HISTOGRAM_ANALYSIS,
    Family.MORPHOLOGICAL_OPERATIONS: codes.MORPHOLOGICAL_OPERATIONS,
    Family.NEIGHBORHOOD_ANALYSIS: codes.NEIGHBORHOOD_ANALYSIS,
}
