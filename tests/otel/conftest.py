"""OpenTelemetry as a program sets it up, but for one test alone."""

import asyncio

import pytest
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from aiotofupilot._otel import instruments
from aiotofupilot.sandbox.faults import stall


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

    def points(self, name):
        """The data points of a metric."""
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry(monkeypatch):
    """OpenTelemetry's SDK, in memory. This package tells it, and no other tests' instruments."""
    told = Telemetry()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", told.tracers)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", told.meters)
    made = instruments._made.__wrapped__()
    monkeypatch.setattr(instruments, "_made", lambda: made)
    yield told
    told.meters.shutdown()


@pytest.fixture
def stalled():
    """Let pages from a cursor on never arrive, and give an event that is set when one of them is asked for."""

    def stall_from(sandbox, cursor):
        asked = asyncio.Event()

        def matches(request):
            is_meant = int(request.query.get("cursor", 0)) >= cursor
            if is_meant:
                asked.set()
            return is_meant

        sandbox.faults.on(matches).always(stall(60))
        return asked

    return stall_from
