"""The FHIR R4 server: resources of results, kept, read and searched."""
