"""Counts of requests add up, and a walk begins with none."""

from aiotofupilot import RequestCounts


def test_a_part_counts_for_the_whole_too():
    """What it is a part of is neither shown nor compared."""
    whole = RequestCounts(requests=1)
    part = RequestCounts(whole=RequestCounts(requests=4, whole=whole))
    part.add(requests=2, retries=1, waited=0.5)
    part.add(requests=-1)
    assert part == RequestCounts(requests=1, retries=1, waited=0.5)
    assert part.whole == RequestCounts(requests=5, retries=1, waited=0.5)
    assert whole == RequestCounts(requests=2, retries=1, waited=0.5)
    assert repr(part) == "RequestCounts(requests=1, retries=1, waited=0.5)"
