"""A server that lists items with equal sort keys in another order with each request.

A walk that resyncs, and a pass over what is new, yield each item exactly once, or they raise a DriftError. They never
leave an item out in silence.
"""

import asyncio
from itertools import count
from random import Random

from fakes.budget import MANY
from fakes.dated import Row, Server, listing
from hypothesis import example, given, settings, strategies as st

from aiotofupilot import DriftError

blocks = st.lists(st.one_of(st.just(1), st.integers(1, 4), st.integers(1, 12)), max_size=12)
"""How many items have the same key, for one key after the other."""
limits = st.one_of(st.integers(1, 6), st.integers(1, 30))


def server_with(blocks, seed, *, is_fixed):
    """Return a server with blocks of rows of one moment.

    Their order differs from page to page. It is the same when the same page is asked for again, or it never is.
    """
    server = Server(now=10_000.0, runs=[Row("run", 0.0, 0.0)])
    for number, size in enumerate(blocks):
        server.rows += [Row(f"{number}.{nth}", 10.0 * number, 0.0, "run") for nth in range(size)]
    chance = Random(seed)  # noqa: S311 - test data

    def shuffle(rows, cursor, limit):
        (Random(f"{seed} {cursor} {limit}") if is_fixed else chance).shuffle(rows)  # noqa: S311 - likewise

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


@settings(max_examples=10 * MANY)
@given(blocks=blocks, seed=st.integers(0, 2**32), is_fixed=st.booleans(), limit=limits, concurrency=st.integers(1, 4))
def test_a_walk_that_resyncs_leaves_nothing_out_in_silence(blocks, seed, is_fixed, limit, concurrency):
    async def check():
        server = server_with(blocks, seed, is_fixed=is_fixed)
        paginator = listing("ordered", server, limit=limit, concurrency=concurrency, on_drift="resync")
        yielded, is_error = await taken(paginator)
        assert len(set(yielded)) == len(yielded)
        assert is_error or len(yielded) == len(server.rows)

    asyncio.run(check())


@settings(max_examples=10 * MANY)
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


async def test_a_walk_ends_although_items_of_one_moment_are_created_as_fast_as_it_asks():
    """And although each of its pages shows some that are new."""
    server, chance = Server(now=10_000.0), Random(1)  # noqa: S311 - test data
    server.rows = [Row(f"old {nth}", 1.0 * (nth >= 30) + (nth >= 90), 0.0) for nth in range(120)]
    numbers = count()

    def change():
        server.rows.insert(chance.randrange(30, 90), Row(f"new {next(numbers)}", 1.0, 0.0))
        del server.rows[chance.randrange(30, 90)]

    server.changes += [change] * 3000
    yielded, is_error = await taken(listing("ordered", server, limit=5, on_drift="resync"))
    assert is_error
    assert len(server.requests) < 1000
    assert len(set(yielded)) == len(yielded)


@settings(max_examples=10 * MANY)
@given(
    kind=st.sampled_from(["ordered", "bounded", "compared", "of runs"]),
    blocks=blocks,
    seed=st.integers(0, 2**32),
    is_fixed=st.booleans(),
    limit=limits,
    on_drift=st.sampled_from(["ignore", "resync", "raise"]),
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
