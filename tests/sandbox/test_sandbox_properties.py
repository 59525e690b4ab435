"""What holds of any faults together."""

from random import Random

from fakes import faults
from hypothesis import given, strategies as st

from aiotofupilot.sandbox import Delivery, Request
from aiotofupilot.sandbox.request import Head

ANY_FAULT = [
    *faults.TRANSIENT,
    *(faults.chunked(), faults.cut(at=0.1), faults.gzip(), faults.header_flood(3), faults.latency(1, jitter=1)),
    *(faults.redirect(), faults.reset(after="half"), faults.stall(1), faults.stall(1, inside_body=True)),
]


@given(
    body=st.binary(max_size=50),
    some=st.lists(st.sampled_from(ANY_FAULT), min_size=1, max_size=5),
    seed=st.integers(0, 9),
)
def test_faults_together_are_still_http(body, some, seed):
    """In any sum of faults, there is at most one head, before the body.

    A complete answer has the length that it announces.
    """
    fault = sum(some[1:], start=some[0])
    delivery = fault.alter(Delivery.of(200, {"A": "1"}, body), Request(), Random(seed))  # noqa: S311 - test data
    kinds = [type(step) for step in delivery.steps if not isinstance(step, int | float)]
    assert kinds.count(Head) <= 1
    assert bytes not in kinds or kinds[0] is Head
    assert all(kind is not str for kind in kinds[:-1])
    if delivery.complete and "Content-Length" in delivery.headers:
        assert int(delivery.headers["Content-Length"]) == len(delivery.body)
    assert delivery.seconds >= 0
