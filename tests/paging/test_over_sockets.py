"""Exactly once holds over real sockets too, where answers come when they come."""

from random import Random

from fakes.budget import NIGHTLY

from aiotofupilot import Checkpoint, RetryPolicy, TofuPilotSession
from aiotofupilot.sandbox import BusyLine, Sandbox, faults, make_procedures

AT_ONCE = RetryPolicy(attempts=10, initial_wait=0)
SUPPLY = make_procedures(400, seed=2)


async def test_busy_lines_are_yielded_exactly_once():
    """Procedures come and go anywhere, faults heal, and the walk is resumed now and then."""
    for seed in range(300 if NIGHTLY else 4):
        random = Random(seed)  # noqa: S311 - test data
        line = BusyLine(inserts=random.random(), removals=random.random(), anywhere=True, seed=seed)
        async with Sandbox(SUPPLY[: random.randint(0, 400)]) as sandbox:
            sandbox.before_response.append(line)
            sandbox.faults.randomly(
                faults.status(503), faults.reset(), faults.cut(), rate=random.choice([0, 0.1]), seed=seed, heal_after=2
            )
            yielded, expected = await walk(sandbox, line, random)
            kept = set(expected)
            assert [item_id for item_id in yielded if item_id in kept] == expected, seed
            assert len(set(yielded)) == len(yielded), seed


async def walk(sandbox, line, random):
    listed, yielded, checkpoint, ended = list(sandbox.procedures), [], Checkpoint(), False
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=AT_ONCE) as session:
        while not ended:
            listing = session.procedures.list(
                limit=random.choice([10, 33, 100]),
                concurrency=random.randint(1, 16),
                cursor=checkpoint,
                max_items=random.choice([50, None]),
            )
            async with listing.walk() as walk:
                before = len(yielded)
                async for procedure in walk:
                    yielded.append(procedure.id)
            ended = len(yielded) - before < 50 or listing._plan.max_items is None
            checkpoint = Checkpoint.parse(str(walk.checkpoint))
    removed = {procedure.id for procedure in line.removed}
    return yielded, [procedure.id for procedure in listed if procedure.id not in removed]
