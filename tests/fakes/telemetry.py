"""OpenTelemetry as a program sets it up, but in memory and for one test alone."""

from contextlib import contextmanager

from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from aiotofupilot import _otel


class Telemetry:
    """What was told to OpenTelemetry."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def trace_config(self):
        """The instrumentation of aiohttp, told to capture every header."""
        return create_trace_config(
            tracer_provider=self.tracers,
            meter_provider=self.meters,
            captured_request_headers=[".*"],
            captured_response_headers=[".*"],
        )

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    @property
    def walks(self):
        return [span for span in self.spans if span.kind is SpanKind.INTERNAL]

    @property
    def requests(self):
        return [span for span in self.spans if span.kind is SpanKind.CLIENT]

    @property
    def text(self):
        return "".join(span.to_json() for span in self.spans)


@contextmanager
def installed(monkeypatch):
    """Let the package tell it to a new `Telemetry`, and the tracers of other tests nothing."""
    telemetry = Telemetry()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", telemetry.tracers)
    made = _otel._made.__wrapped__()
    monkeypatch.setattr(_otel, "_made", lambda: made)
    yield telemetry
    telemetry.meters.shutdown()
