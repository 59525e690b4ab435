"""Parameters of the API that this package does not know yet.

- `extra_query` is sent in each request of a listing, and belongs to the query of checkpoints and watermarks.
"""

from datetime import UTC, datetime

import pytest
from fakes.listings import LISTINGS, Connection, required

from aiotofupilot import Checkpoint, Shard, TofuPilotSession
from aiotofupilot.listings import Procedures, Runs, Users
from aiotofupilot.sandbox import Sandbox

EXTRA = {"team": "a b", "sizes": ("1", "2")}
SENT = "team=a+b&sizes=1&sizes=2"


async def test_they_are_sent_as_they_are_after_the_filters():
    for name, listing in LISTINGS.items():
        connection = Connection()
        await listing(connection).list(**required(name), extra_query=EXTRA, cursor=3)
        (target,) = connection.targets
        assert target.endswith(f"&{SENT}&cursor=3")
    connection = Connection(b"[]")
    await Users(connection).list(extra_query=EXTRA)
    assert connection.targets == [f"/v2/users?{SENT}"]


async def test_none_of_them_is_no_query():
    connection = Connection()
    for extra in (None, {}, {"teams": []}):
        await Runs(connection).list(extra_query=extra)
    assert set(connection.targets) == {"/v2/runs?limit=100"}


@pytest.mark.parametrize(
    ("extra", "error", "message"),
    [
        ({"outcomes": "PASS"}, ValueError, r"extra_query must not have 'outcomes': Runs\.list\(\) sends it already"),
        ({"limit": "3"}, ValueError, r"extra_query must not have 'limit'"),
        ({"team": "a", "cursor": "3"}, ValueError, r"extra_query must not have 'cursor'"),
        ({"team": 3}, TypeError, r"extra_query\['team'\] must be a string or an iterable of strings, got 3"),
        ({"team": ["a", None]}, TypeError, r"extra_query\['team'\]\[1\] must be a string, got None"),
        ({"team": "\ud800"}, ValueError, r"extra_query\['team'\] has half a surrogate pair"),
        ({"": "a"}, ValueError, r"a key of extra_query must be the name of a parameter, got ''"),
        ({3: "a"}, TypeError, r"a key of extra_query must be a string, got 3"),
        ([("team", "a")], TypeError, r"extra_query must be a mapping"),
    ],
)
def test_what_is_wrong_is_named(extra, error, message):
    with pytest.raises(error, match=message) as caught:
        Runs(Connection()).list(extra_query=extra)
    assert caught.value.parameter == "extra_query"


def test_they_belong_to_the_query_of_checkpoints_and_watermarks():
    listing = Procedures(Connection()).list
    plain, extra = (listing(extra_query=given, max_items=5) for given in (None, EXTRA))
    checkpoint, watermark = extra.walk().checkpoint, extra.since().watermark
    assert checkpoint.query != plain.walk().checkpoint.query
    assert watermark.query == checkpoint.query != plain.since().watermark.query
    reordered = {"sizes": ["1", "2"], "team": "a b"}
    listing(cursor=Checkpoint.parse(str(checkpoint)), extra_query=reordered)
    with pytest.raises(ValueError, match="with other filters or another order"):
        listing(cursor=checkpoint)
    with pytest.raises(ValueError, match="with other filters"):
        listing().since(watermark)
    assert "team='a b', sizes=['1', '2']" in repr(extra)


async def test_they_stay_in_whatever_the_query_is_narrowed_to():
    """A pass over what is new, a count and a shard have them in each request."""
    async with Sandbox(procedures=3, runs=300) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            everything = session.runs.list(extra_query=EXTRA, created_before=datetime(2030, 1, 1, tzinfo=UTC))
            assert len([run async for run in everything.since()]) == await everything.count() == 300
            shards = await everything.shards(2)
            assert len(shards) == 2
            found = []
            for shard in shards:
                found += await session.list(Shard.parse(str(shard))).collect()
            assert len({run.id for run in found}) == len(found) == 300
            with pytest.raises(ValueError, match="the shard has its listing's own") as caught:
                session.list(shards[0], extra_query=EXTRA)
            assert caught.value.parameter == "extra_query"
        sent = [request.target for request in sandbox.requests]
    assert len(sent) > 10
    assert [target for target in sent if f"&{SENT}" not in target] == []
