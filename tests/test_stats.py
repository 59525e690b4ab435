"""Counts of requests add up, and a walk begins with none."""

from aiotofupilot import RequestCounts, WalkStats


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


def test_a_walk_begins_with_nothing():
    stats = WalkStats()
    assert (stats.pages, stats.items, stats.duplicates, stats.resyncs, stats.unreadable) == (0, 0, 0, 0, 0)
    assert (stats.unreadable_positions, stats.is_sequential) == ([], False)
    assert (stats.requests, stats.retries, stats.waited) == (0, 0, 0.0)


def test_a_walk_tells_the_counts_of_its_requests():
    stats = WalkStats()
    stats.counts.add(requests=3, retries=1, waited=0.25)
    assert (stats.requests, stats.retries, stats.waited) == (3, 1, 0.25)
    assert stats.counts == RequestCounts(requests=3, retries=1, waited=0.25)
