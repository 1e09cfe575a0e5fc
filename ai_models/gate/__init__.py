"""The pixel-truth gate: is this input really what the model may see?"""

from ai_models.gate.examination import examine, examine_images

__all__ = ["examine", "examine_images"]
