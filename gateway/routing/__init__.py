"""Which models a study needs (rules) and which series each model gets (selection)."""
