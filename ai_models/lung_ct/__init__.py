"""Lung CT: the bundled model that measures both lungs of a chest CT."""
