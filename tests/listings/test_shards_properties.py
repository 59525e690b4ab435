"""Shards hold each item once, also with equal timestamps, within one millisecond, and on any server.

- The shards of a listing hold each item once, even with equal timestamps; each can be resumed and counted.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from fakes.listings import Connection
from hypothesis import example, given, strategies as st
from msgspec import json

from aiotofupilot import Shard
from aiotofupilot.listings import Batches, Procedures

START = datetime(2026, 1, 5, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Server:
    """Stores timestamps in microseconds, shows them in milliseconds, and bounds them by what it stores.

    Args:
        timestamps: Of its items, in microseconds.
        shows: What it makes of a number of microseconds when it shows it.
        is_inclusive: Whether its filters include both ends.
    """

    concurrency = 3

    def __init__(self, timestamps, shows, *, is_inclusive):
        self.items = [(f"item-{at}", START + timestamp * MICROSECOND) for at, timestamp in enumerate(timestamps)]
        self.shows, self.is_inclusive = shows, is_inclusive
        self.batches, self.procedures = Batches(self), Procedures(self)

    def list(self, shard, *, limit, on_drift="ignore"):
        """List a shard, as a session does."""
        options = dict.fromkeys(("cursor", "max_items", "concurrency"))
        listing = getattr(self, shard.listing)
        return listing.part(shard, limit=limit, on_drift=on_drift, on_unreadable="raise", **options)

    async def get(self, target, read, counts, *, once=False, **_):
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        first, limit = int(query.get("cursor", 0)), int(query["limit"])
        items = [item for item in self.items if self._matches(item[1], query)]
        if "batches" in target:
            items.sort(key=lambda item: item[1], reverse=query.get("sort_order") != "asc")
        page = [self._written(*item) for item in items[first : first + limit]]
        following = first + limit if first + limit < len(items) else None
        body = {"data": page, "meta": {"has_more": following is not None, "next_cursor": following}}
        return await Connection(json.encode(body)).get(target, read, counts)

    def _matches(self, timestamp, query):
        after, before = (query.get(f"created_{end}") for end in ("after", "before"))
        since = None if after is None else datetime.fromisoformat(after)
        until = None if before is None else datetime.fromisoformat(before)
        if self.is_inclusive:
            return (since is None or since <= timestamp) and (until is None or timestamp <= until)
        return (since is None or since < timestamp) and (until is None or timestamp < until)

    def _written(self, item_id, timestamp):
        milliseconds = self.shows((timestamp - START) // MICROSECOND / 1000)
        shown = START + timedelta(milliseconds=milliseconds)
        spelled = shown.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        user = {"id": "u", "name": None, "email": None}
        return {
            "id": item_id,
            "name": "",
            "number": "1",
            "unit_count": 0,
            "created_at": spelled,
            "created_by_user": user,
        }


timestamps = st.one_of(
    st.lists(st.integers(0, 10_000), max_size=80),  # within ten milliseconds
    st.lists(st.integers(0, 999), max_size=80),  # within one
    st.lists(st.sampled_from([0, 1500, 2500, 1_000_000]), max_size=80),  # few
    st.lists(st.integers(0, 10**9), max_size=80),
)


@given(
    timestamps=timestamps,
    shows=st.sampled_from([int, round]),
    is_inclusive=st.booleans(),
    name=st.sampled_from(["batches", "procedures"]),
    n=st.integers(1, 12),
    limit=st.integers(1, 20),
    on_drift=st.sampled_from(["ignore", "resync"]),
)
def test_shards_hold_each_item_once(timestamps, shows, is_inclusive, name, n, limit, on_drift):
    async def check():
        server = Server(timestamps, shows, is_inclusive=is_inclusive)
        listing = getattr(server, name).list(limit=limit)
        shards = await listing.shards(n)
        assert 1 <= len(shards) <= min(n, max(1, -(-len(timestamps) // limit)))
        found = []
        for shard in shards:
            part = server.list(shard, limit=limit, on_drift=on_drift)
            items = await part.collect()
            assert items or len(shards) == 1
            assert await part.count() == len(items)
            found += items
        assert sorted(item.id for item in found) == sorted(item_id for item_id, _ in server.items)

    asyncio.run(check())


@given(
    timestamps=timestamps,
    shows=st.sampled_from([int, round]),
    is_inclusive=st.booleans(),
    name=st.sampled_from(["batches", "procedures"]),
    ns=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    limit=st.integers(1, 5),
)
@example(timestamps=[0, 3000], shows=int, is_inclusive=True, name="batches", ns=(2, 2), limit=1)
def test_shards_of_shards_hold_each_item_once(timestamps, shows, is_inclusive, name, ns, limit):
    async def check():
        server = Server(timestamps, shows, is_inclusive=is_inclusive)
        found = []
        for shard in await getattr(server, name).list(limit=limit).shards(ns[0]):
            parts = await server.list(shard, limit=limit).shards(ns[1])
            assert (parts[0].start, parts[-1].end) == (shard.start, shard.end)
            for part in parts:
                found += await server.list(part, limit=limit).collect()
        assert sorted(item.id for item in found) == sorted(item_id for item_id, _ in server.items)

    asyncio.run(check())


@given(
    timestamps=st.lists(st.integers(0, 10_000), max_size=20),
    shows=st.sampled_from([int, round]),
    is_inclusive=st.booleans(),
    name=st.sampled_from(["batches", "procedures"]),
    start=st.integers(0, 10_000),
    length=st.integers(1, 5_000),
)
@example(timestamps=[1_900], shows=int, is_inclusive=True, name="batches", start=1_456, length=5_000)
def test_a_shard_with_any_bounds_is_counted_as_it_is_listed(timestamps, shows, is_inclusive, name, start, length):
    """The server shows whole milliseconds and compares the time itself, and bounds can be between the two."""

    async def check():
        server = Server(timestamps, shows, is_inclusive=is_inclusive)
        bounds = {"start": START + start * MICROSECOND, "end": START + (start + length) * MICROSECOND}
        part = server.list(Shard(listing=name, **bounds), limit=5)
        assert await part.count() == len(await part.collect())

    asyncio.run(check())


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
bounds = st.one_of(
    st.none(), st.datetimes(timezones=st.timezones()).filter(lambda timestamp: timestamp.utcoffset() is not None)
)


@given(query=st.lists(st.tuples(words, words)), one=bounds, other=bounds)
def test_a_shard_is_read_back_from_its_spelling(query, one, other):
    if one is not None and other is not None:
        one, other = min(one, other), max(one, other) + timedelta(seconds=1)
    shard = Shard(listing="runs", query=query, start=one, end=other)
    assert Shard.parse(str(shard)) == shard
