"""Instances as pictures and documents for people: PS3.18 10.4.1.1.3, 10.4.1.1.4 and 8.3.5."""
