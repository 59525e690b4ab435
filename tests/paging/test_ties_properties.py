"""Items with equal sort keys, whose order the server keeps, or which it lists in another order with each request.

A walk that resyncs, and a pass over what is new, yield each item exactly once, or they raise a DriftError. They never
leave an item out in silence, whether the server keeps the order or not.

- Items that the server sorts alike come once each, or a `DriftError` is raised; if their order stays, they take at
  most 1.2 times the requests of others.
"""

import asyncio
from itertools import count, product
from random import Random

import pytest
from fakes.budget import MANY, NIGHTLY
from fakes.dated import Row, Server, listing
from hypothesis import example, given, settings, strategies as st

from aiotofupilot import Checkpoint, DriftError

blocks = st.lists(st.one_of(st.just(1), st.integers(1, 4), st.integers(1, 12)), max_size=12)
"""How many items have the same key, for one key after the other."""
limits = st.one_of(st.integers(1, 6), st.integers(1, 30))


def server_with(blocks, seed, *, is_fixed, turns=0):
    """Return a server with blocks of rows of one moment.

    Their order differs from page to page. It is the same when the same page is asked for again, or it never is. If they
    are turned, each page begins at another one of a block, up to so many further on, and their order is kept.
    """
    server = Server(now=10_000.0, runs=[Row("run", 0.0, 0.0)])
    for number, size in enumerate(blocks):
        server.rows += [Row(f"{number}.{nth}", 10.0 * number, 0.0, "run") for nth in range(size)]
    chance = Random(seed)  # noqa: S311 - test data

    def shuffle(rows, cursor, limit):
        drawn = Random(f"{seed} {cursor} {limit}") if is_fixed else chance  # noqa: S311 - test data
        if not turns:
            drawn.shuffle(rows)
            return
        begin = 0
        for size in reversed(blocks):
            by = drawn.randint(0, turns) % size
            rows[begin : begin + size] = rows[begin + by : begin + size] + rows[begin : begin + by]
            begin += size

    server.shuffle = shuffle
    return server


async def taken(items):
    """Return the IDs of what is yielded, and whether a DriftError ended it."""
    yielded = []
    try:
        async for item in items:
            yielded.append(item.id)
    except DriftError:
        return yielded, True
    return yielded, False


@settings(max_examples=5 * MANY)
@given(
    blocks=blocks | st.lists(st.integers(10, 60), max_size=4),
    seed=st.integers(0, 2**32),
    is_fixed=st.booleans(),
    turns=st.integers(0, 3),
    limit=limits,
    concurrency=st.integers(1, 4),
)
@example(blocks=[60], seed=4, is_fixed=False, turns=3, limit=12, concurrency=1)
def test_a_walk_that_resyncs_leaves_nothing_out_in_silence(blocks, seed, is_fixed, turns, limit, concurrency):
    """Blocks that are turned look like a listing that is shifted."""

    async def check():
        server = server_with(blocks, seed, is_fixed=is_fixed, turns=turns)
        paginator = listing("ordered", server, limit=limit, concurrency=concurrency, on_drift="resync")
        yielded, is_error = await taken(paginator)
        assert len(set(yielded)) == len(yielded)
        assert is_error or len(yielded) == len(server.rows)

    asyncio.run(check())


@settings(max_examples=5 * MANY)
@given(
    blocks=blocks,
    limit=st.integers(2, 30),
    concurrency=st.integers(1, 4),
    changes=st.lists(st.one_of(st.none(), st.tuples(st.booleans(), st.integers(0, 60))), max_size=40),
)
@example(blocks=[28], limit=2, concurrency=1, changes=[None, *[(True, 0)] * 4])
def test_a_listing_that_moves_is_read_to_its_end_if_items_keep_their_order(blocks, limit, concurrency, changes):
    """Many items may be sorted alike, as the measurements of a phase are."""

    async def check():
        server = server_with(blocks, 0, is_fixed=True)
        server.shuffle = None
        listed, numbers = [row.id for row in server.rows], count()

        def change(is_new, at):
            if is_new:  # the newest of all, or one that was created together with another
                beside = server.rows[-at] if 0 < at <= len(server.rows) else None
                created = 10.0 * len(blocks) if beside is None else beside.created
                place = len(server.rows) if beside is None else server.rows.index(beside)
                server.rows.insert(place, Row(f"new {next(numbers)}", created, 0.0))
            elif at < len(server.rows):
                del server.rows[at]

        server.changes += [lambda what=what: what and change(*what) for what in changes]
        paginator = listing("ordered", server, limit=limit, concurrency=concurrency, on_drift="resync")
        yielded, is_error = await taken(paginator)
        assert not is_error
        assert len(set(yielded)) == len(yielded)
        assert {*listed} & {row.id for row in server.rows} <= {*yielded}

    asyncio.run(check())


class Busy:
    """A listing of 1,000 items, so many of which in a row have the same time, that moves with each request."""

    def __init__(self, alike, created, removed, seed):
        self.server = Server(now=10_000.0, rows=[Row(f"{nth}", 10.0 * (nth // alike), 0.0) for nth in range(1000)])
        self.chance, self.rates, self.numbers = Random(seed), (created, removed), count()  # noqa: S311 - test data
        self.stayed = [row.id for row in self.server.rows]
        self.server.changes += [self.change] * 1000

    def change(self):
        created, removed = (int(rate + self.chance.random()) for rate in self.rates)
        rows = self.server.rows
        rows += [Row(f"new {next(self.numbers)}", rows[-1].created + 1.0, 0.0) for _ in range(created)]
        for _ in range(removed):
            name = rows.pop(self.chance.randrange(len(rows))).id
            self.stayed = [stayed for stayed in self.stayed if stayed != name]

    async def requests(self, *, is_resumed, **options):
        """Yield each item that stays once, perhaps resumed twice, and return how many requests that took."""
        yielded, cursor = [], None
        for stop in [self.chance.randrange(1, 500), self.chance.randrange(1, 400)] if is_resumed else []:
            async with listing("ordered", self.server, cursor=cursor, on_drift="resync", **options).walk() as walk:
                yielded += [item.id for item in await walk.take(stop)]
            cursor = Checkpoint.parse(str(walk.checkpoint))
        yielded += [
            item.id async for item in listing("ordered", self.server, cursor=cursor, on_drift="resync", **options)
        ]
        assert len(set(yielded)) == len(yielded)
        stayed = {row.id: row.created for row in self.server.rows if row.id in {*self.stayed}}
        assert {*stayed} <= {*yielded}
        times = [stayed[item_id] for item_id in yielded if item_id in stayed]
        assert times == sorted(times, reverse=True)
        return len(self.server.requests)


@pytest.mark.parametrize(
    ("alike", "most"),
    [(5, 1.6), (20, 2.0), *((alike, 2.0) for alike in (100, 1000))],
)
async def test_items_of_one_time_take_few_requests_more(alike, most):
    """In comparison with distinct times, while items come and go, with several in flight, or resumed."""
    took = dict.fromkeys((1, alike), 0)
    cases = [*product((20, 50, 100), (1, 4, 16), ((0.2, 0), (1, 0.2), (2, 1), (1, 1)), (False, True))]
    for seed, (limit, concurrency, rates, is_resumed) in enumerate(cases):
        if NIGHTLY or seed % 12 == alike % 12:
            for each in took:
                busy = Busy(each, *rates, seed)
                took[each] += await busy.requests(is_resumed=is_resumed, limit=limit, concurrency=concurrency)
    assert took[alike] <= most * took[1]


async def test_a_group_longer_than_a_page_ends_while_items_are_created():
    """As fast as the pages advance."""
    busy = Busy(100, 2, 0, seed=1)
    assert await busy.requests(is_resumed=False, limit=50, concurrency=1) < 100


@settings(max_examples=5 * MANY)
@given(
    kind=st.sampled_from(["ordered", "bounded", "compared", "of runs"]),
    blocks=blocks,
    seed=st.integers(0, 2**32),
    is_fixed=st.booleans(),
    limit=limits,
    on_drift=st.sampled_from(["ignore", "resync"]),
)
def test_a_pass_over_what_is_new_leaves_nothing_out_in_silence(kind, blocks, seed, is_fixed, limit, on_drift):
    """After an error the next pass begins at the watermark, and yields nothing again."""

    async def check():
        server = server_with(blocks, seed, is_fixed=is_fixed)
        paginator = listing(kind, server, limit=limit, on_drift=on_drift)
        walk = paginator.since()
        yielded, is_error = await taken(walk)
        assert is_error or sorted(yielded) == sorted(row.id for row in server.rows)
        server.shuffle = None
        again, is_error = await taken(paginator.since(walk.watermark))
        assert not is_error
        assert sorted([*yielded, *again]) == sorted(row.id for row in server.rows)

    asyncio.run(check())
