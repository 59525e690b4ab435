"""The span of a walk at times that no walk of a test can be made to meet, so these tests know its private class."""

from aiotofupilot._otel import WalkSpan


def test_an_event_after_the_end_is_told_to_nobody(telemetry):
    """A page that was fetched ahead may be tried again while the walk ends."""
    WalkSpan("procedures", {}).event("retry", {"attempt": 2})
    assert telemetry.spans == ()
