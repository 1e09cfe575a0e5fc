"""QIDO-RS (PS3.18 10.6) on the index: parameters -> conditions -> DICOM JSON.

values and derived keep what studies are found by; query_string, parameters and tree read a search;
conditions, finders and texts say it in SQL; run carries it out, and answers writes the results.
"""
