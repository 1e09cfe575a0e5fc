"""Liver CT: the bundled model that measures how dense the liver is."""
