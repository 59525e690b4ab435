"""A query by time is a millisecond wider than its bound, so it may begin with items before the one that bounds it."""

from datetime import timedelta

import pytest
from attrs import evolve
from fakes.in_process import InProcess

from aiotofupilot import DriftError
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox

SUPPLY = Sandbox(procedures=1, runs=1500).runs


def server(ties):
    """Return a server of runs, so many of which have one time. The times are a millisecond apart."""
    service, newest = Sandbox(procedures=1, runs=1), SUPPLY[0].started_at
    times = [newest - nth // ties * timedelta(milliseconds=1) for nth in range(len(SUPPLY))]
    service.runs = [evolve(run, started_at=time) for run, time in zip(SUPPLY, times, strict=True)]
    return InProcess(service)


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("ties", [1, 2, 7])
async def test_a_still_listing_has_not_moved(ties, concurrency):
    connection = server(ties)
    async with Runs(connection).list(concurrency=concurrency, on_drift="raise").walk() as walk:
        ids = [(await anext(walk)).id for _ in range(700)]
    rest = Runs(connection).list(cursor=walk.checkpoint, concurrency=concurrency, on_drift="raise")
    ids += [run.id for run in await rest.collect()]
    assert sorted(ids) == sorted(run.id for run in SUPPLY)


@pytest.mark.parametrize("ties", [1, 7])
async def test_the_item_yielded_last_is_missed(ties):
    connection = server(ties)
    async with Runs(connection).list(on_drift="raise").walk() as walk:
        for _ in range(700):
            await anext(walk)
    del connection.service.runs[699]
    with pytest.raises(DriftError, match="the listing moved"):
        await Runs(connection).list(cursor=walk.checkpoint, on_drift="raise").collect()
