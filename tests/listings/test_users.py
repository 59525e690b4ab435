"""Users come as one bare array, and are walked as any listing is."""

import pytest
from fakes.in_process import InProcess

from aiotofupilot import Checkpoint
from aiotofupilot.listings import Users
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status


@pytest.fixture
def service():
    return Sandbox(procedures=3, runs=50)


@pytest.fixture
def users(service):
    return Users(InProcess(service))


@pytest.mark.parametrize("option", ["limit", "concurrency", "on_unreadable"])
def test_what_would_do_nothing_is_not_a_parameter(users, option):
    """There are no pages, so there are no options about pages."""
    with pytest.raises(TypeError, match=option):
        users.list(**{option: None})


DRIFT = pytest.mark.parametrize("on_drift", ["ignore", "resync"])


@DRIFT
async def test_every_user_is_listed_with_one_request(service, users, on_drift):
    """It asks for nothing but the path. A failing answer is asked for again."""
    walk = users.list(on_drift=on_drift).walk()
    assert [user async for user in walk] == [*service.users]
    assert walk.stats.requests == 1
    assert service.requests[0].query == {}
    service.faults.next(status(503))
    assert await users.list().collect() == [*service.users]
    assert len(service.requests) == 3


async def test_a_page_is_all_of_them_and_a_number_as_cursor_leaves_out_as_many(service, users):
    page = await users.list()
    assert page.data == [*service.users]
    assert (page.cursor, page.meta.has_more, page.following) == (0, False, None)
    assert [page.data async for page in users.list().pages()] == [page.data]
    assert await users.list(cursor=3).collect() == service.users[3:]
    assert await users.list(cursor=3, max_items=1).collect() == service.users[3:4]
    assert await users.list(cursor=1000).collect() == []
    service.requests.clear()
    assert await users.list(cursor=2).count() == len(service.users) > 2
    assert len(service.requests) == 1


@DRIFT
async def test_resumed_at_any_user_the_walk_is_the_same(service, users, on_drift):
    """The array is asked for again, and what was yielded is left out, also where a user has gone."""
    walk = users.list(on_drift=on_drift).walk()
    for count in range(len(service.users)):
        checkpoint = Checkpoint.parse(str(walk.checkpoint))
        assert await users.list(cursor=checkpoint, on_drift=on_drift).collect() == service.users[count:]
        await anext(walk)
    if on_drift == "resync":
        walk = users.list(on_drift=on_drift).walk()
        for _ in range(4):
            await anext(walk)
        rest = service.users[4:]
        del service.users[1]
        assert await users.list(cursor=walk.checkpoint, on_drift=on_drift).collect() == rest
