"""The DICOM Conformance Statement, written from the tables that the program obeys (PS3.2)."""
