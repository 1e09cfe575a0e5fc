"""What the DICOMweb services can do: one table that OPTIONS, OpenAPI and conformance tell from."""
