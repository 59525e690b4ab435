"""The log of requests."""

from datetime import UTC, datetime

from aiotofupilot.sandbox import Request, RequestLog


def request(**query):
    return Request(time=datetime.now(UTC), path="/p", query=query, authorization="Bearer secret", status=200)


def test_cursors():
    """The cursors in order, None where there was none."""
    assert RequestLog([request(), request(cursor="5", limit="5")]).cursors == [None, "5"]


def test_repr():
    """A failed assertion shows the requests, one a line, without keys."""
    assert repr(RequestLog()) == "<0 requests>"
    lines = repr(RequestLog([request(), request(cursor="5")])).splitlines()
    assert lines[0] == "<2 requests"
    assert "'cursor': '5'" in lines[2]
    assert "secret" not in "".join(lines)
