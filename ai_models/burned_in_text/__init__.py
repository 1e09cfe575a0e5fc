"""Burned-in text: the bundled model that finds writing in the pixels of an image."""
