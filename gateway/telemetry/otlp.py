"""Spans to a receiver, by OTLP over HTTP; the only place that needs the packages of `otel`."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from gateway.equipment import VERSION
from gateway.telemetry.spans import Span

_SCOPE = InstrumentationScope("airgate", VERSION)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Exporter:
    """Where to and how, the standard's variables say (OTEL_EXPORTER_OTLP_ENDPOINT and others)."""

    def __init__(self) -> None:
        self._exporter = OTLPSpanExporter()
        ours = Resource({"service.name": "airgate", "service.version": VERSION})
        self._resource = ours.merge(OTELResourceDetector().detect())

    def export(self, spans: Sequence[Span]) -> bool:
        """Whether the receiver has taken them; waits for it as long as the variables allow."""
        taken = self._exporter.export([self._readable(span) for span in spans])
        return taken is SpanExportResult.SUCCESS

    def stop(self) -> None:
        """An export under way gives up. Safe from another thread."""
        self._exporter.shutdown()

    def _readable(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            _context(span.trace_id, span.span_id),
            None if span.parent_id is None else _context(span.trace_id, span.parent_id),
            self._resource,
            span.attributes,
            status=Status(StatusCode.ERROR if span.is_error else StatusCode.UNSET),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(span.end),
            instrumentation_scope=_SCOPE,
        )


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
