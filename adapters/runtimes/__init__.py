"""Ways to run a model, one file each."""
