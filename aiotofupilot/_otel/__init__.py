"""What OpenTelemetry is told: a span for each walk, events on it, and three metrics.

Nothing is told, and nothing of OpenTelemetry is imported, before the program itself has imported it.
"""
