"""What OpenTelemetry is told: a span for each walk, events on it, and three metrics.

Nothing is told, and nothing of OpenTelemetry is imported, before the program itself has imported it. `instruments` are
what it is told by, `walks` has the spans of walks, and `requests` adds to the spans of requests.
"""
