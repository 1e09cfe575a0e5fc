"""Write docs/card.schema.json, the JSON Schema of a model card: python -m tools.card_schema"""

import json
from pathlib import Path

from ai_models.card import ModelCard

FILE = Path(__file__).parents[1] / "docs" / "card.schema.json"


def text() -> str:
    return json.dumps(ModelCard.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
