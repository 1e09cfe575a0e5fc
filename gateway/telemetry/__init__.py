"""OpenTelemetry, for whoever asks for it: the trace of a study as spans (docs/trace.md)."""
