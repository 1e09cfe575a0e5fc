"""Model cards as tests need them."""

from typing import Any

from ai_models.card import ModelCard

# The fields that every card must have, but `runtime`.
LEAST: dict[str, Any] = {
    "name": "threshold",
    "version": "0.1",
    "title": "Threshold",
    "description": "Marks what is bright.",
    "manufacturer": "A laboratory",
    "intended_use": "research",
    "license": "MIT",
    "inputs": [{}],
}


def card(runtime: dict[str, Any], **changes: Any) -> ModelCard:
    return ModelCard.model_validate({**LEAST, "runtime": runtime, **changes})
