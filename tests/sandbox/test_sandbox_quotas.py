"""A proxy that counts requests, as a fault."""

from aiotofupilot.sandbox.faults import quota


def test_a_quota_is_told_until_it_is_used_up_and_begins_anew_in_the_next_window(met):
    """The next window begins with the next request."""
    now = 100.0
    fault = quota(2, window=1.5, clock=lambda: now)
    answers = []
    for at in (100.0, 100.25, 100.5, 101.5, 107.0):
        now = at
        answers.append(met(fault))
    assert [(answer.status, answer.headers["RateLimit"]) for answer in answers] == [
        (200, '"sandbox";r=1;t=2'),
        (200, '"sandbox";r=0;t=2'),
        (429, '"sandbox";r=0;t=1'),
        (200, '"sandbox";r=1;t=2'),
        (200, '"sandbox";r=1;t=2'),
    ]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"sandbox";q=2;w=2'}
    assert answers[0].body == b"0123456789"
    assert repr(quota(100, window=60)) == "quota(100, window=60)"
