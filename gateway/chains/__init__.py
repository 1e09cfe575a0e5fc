"""Chains of models: one takes the findings of another (docs/chains.md)."""
