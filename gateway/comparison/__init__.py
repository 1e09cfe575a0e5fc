"""How far two versions of a model agree on the same series (docs/models.md)."""
