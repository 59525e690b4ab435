"""Runs, and what runs write, are yielded exactly once over real sockets while a line goes on producing them."""

from random import Random

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot import Checkpoint, RetryPolicy, TofuPilotSession
from aiotofupilot.sandbox import BusyLine, Sandbox, faults

AT_ONCE = RetryPolicy(attempts=10, initial_wait=0)


def busy(rate, *, most, seed=0):
    """Make a line, and hooks that let it work until it has made so many runs. So every walk comes to an end."""
    line = BusyLine(runs=rate, seed=seed)

    def rest(factory, request):
        if line.produced >= most:
            line.runs = 0

    return line, [line, rest]


QUERIES = [
    {},
    {"outcomes": ["FAIL", "ERROR"]},
    {"sort_by": "created_at"},
    {"sort_by": "duration", "sort_order": "asc"},
    {"sort_order": "asc"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_runs_are_yielded_exactly_once_while_a_line_produces_and_others_are_removed(query):
    """Requests fail and heal, and the walk is resumed now and then from a checkpoint that was spelled out."""
    for seed in range(6 if NIGHTLY else 2):
        random = Random(f"{query} {seed}")  # noqa: S311 - test data
        _, hooks = busy(3 * random.random(), most=60, seed=seed)
        removals = BusyLine(run_removals=random.choice([0, 0.5]), seed=seed)
        async with (
            Sandbox(8, runs=random.randint(0, 120), seed=seed) as sandbox,
            TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=AT_ONCE) as session,
        ):
            listed = [run.id for run in await session.runs.list(**query).collect()]
            sandbox.before_response += [*hooks, removals]
            sandbox.faults.randomly(
                faults.status(503), faults.reset(), faults.cut(), rate=random.choice([0, 0.1]), seed=seed, heal_after=2
            )
            yielded = [run.id for run in await walk(session.runs, query, random)]
        removed = {run.id for run in removals.removed_runs}
        stayed = [run_id for run_id in listed if run_id not in removed]
        kept = set(stayed)
        assert [run_id for run_id in yielded if run_id in kept] == stayed, seed
        assert len(set(yielded)) == len(yielded), seed


async def walk(listing, query, random):
    """Walk to the end, in several goes."""
    checkpoint, yielded, most = Checkpoint(), [], 1
    while most is not None:
        most = random.choice([25, 25, None])
        options = {"limit": random.choice([5, 15, 40]), "concurrency": random.randint(1, 16)}
        go = listing.list(**query, **options, cursor=checkpoint, max_items=most).walk()
        async with go:
            found = [item async for item in go]
        yielded += found
        most = None if most is None or len(found) < most else most
        checkpoint = Checkpoint.parse(str(go.checkpoint))
    return yielded
