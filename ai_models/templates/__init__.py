"""Folders that `airgate models new` writes; `shared` is what several kinds have in common."""
