"""The pixel-truth gate: is this input really what the model may see?"""

from ai_models.gate.examination import examine

__all__ = ["examine"]
