"""Pure values and functions of the standards: DICOM, DICOMweb, UPS, FHIR. No I/O."""
