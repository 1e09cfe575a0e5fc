"""Batches: one model over a list of studies, behind all clinical work."""
