"""Tells OpenTelemetry what happens: a span for each walk, events in it, and three metrics.

It does nothing, and imports nothing of OpenTelemetry, until the program itself has imported OpenTelemetry.
`instruments` has the tracer and the metrics, `walks` has the spans of walks, and `requests` adds to the spans of
requests.
"""
