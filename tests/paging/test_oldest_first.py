"""The API does not say in which order it lists procedures. A walk that is resumed has to find out."""

import pytest
from attrs import evolve
from fakes.in_process import InProcess

from aiotofupilot import Checkpoint, DriftError
from aiotofupilot.cli.check import EXACT, verdict
from aiotofupilot.sandbox import Sandbox

SUPPLY = Sandbox(procedures=70).procedures


def server(ties):
    """Return a server that lists the oldest procedures first. So many in a row have one time."""
    service = Sandbox(procedures=0)
    alike = [evolve(item, created_at=SUPPLY[at - at % ties].created_at) for at, item in enumerate(SUPPLY)]
    service.procedures = alike[::-1]
    return InProcess(service)


async def resumed_after(yielded, connection, path, **options):
    """Return the IDs of a walk that is resumed once, and the last part of it."""
    async with connection.procedures.list(**options).walk(receipt=path) as walk:
        ids = [(await anext(walk)).id for _ in range(yielded)]
    checkpoint = Checkpoint.parse(str(walk.checkpoint))
    async with connection.procedures.list(cursor=checkpoint, **options).walk(receipt=path) as walk:
        return ids + [item.id async for item in walk], walk


def checked(path):
    with path.open("rb") as receipt:
        return verdict(receipt)[0]


@pytest.mark.parametrize(("ties", "limit"), [(1, 3), (1, 100), (9, 10), (9, 100), (70, 100)])
async def test_a_walk_may_be_resumed_anywhere(ties, limit, tmp_path):
    wanted = [item.id for item in server(ties).service.procedures]
    for yielded in range(1, len(wanted), 4):
        path = tmp_path / str(yielded)
        ids, _ = await resumed_after(yielded, server(ties), path, limit=limit, on_drift="resync")
        assert ids == wanted
        assert checked(path) == EXACT


async def test_it_is_unchecked_if_the_first_items_fill_a_page(tmp_path):
    """Then the first page does not show which items come first."""
    connection = server(5)
    ids, walk = await resumed_after(37, connection, tmp_path / "receipt", limit=5)
    assert len({*ids}) == 70
    assert ids == [item.id for item in connection.service.procedures] or walk.stats.is_unchecked


@pytest.mark.parametrize("left", [0, 1, 4])
async def test_nothing_comes_twice_if_only_passed_items_are_left(left):
    connection = server(1)
    async with connection.procedures.list().walk() as walk:
        for _ in range(40):
            await anext(walk)
    del connection.service.procedures[left:]
    rest = connection.procedures.list(cursor=walk.checkpoint, on_drift="resync")
    if left != 1:
        assert await rest.collect() == []
        return
    with pytest.raises(DriftError, match="no filter by time can show"):  # one item has no order
        await rest.collect()
