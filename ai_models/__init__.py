"""The model contract, the model card, and the bundled models (one folder each)."""
