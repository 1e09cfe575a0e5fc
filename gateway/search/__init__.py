"""QIDO-RS (PS3.18 10.6) on the index: parameters -> conditions -> DICOM JSON."""
