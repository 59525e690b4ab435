"""Whatever moves, fails, arrives late or is broken off: what is listed throughout is yielded exactly once, in order.

Hypothesis decides everything that time and the network decide elsewhere: which answer comes next, what changes before
it is made, where the consumer stops. There is no socket and no clock.
"""

import asyncio
from collections import Counter

import pytest
from attrs import evolve
from fakes.budget import MANY
from fakes.in_process import InProcess
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aiotofupilot import Checkpoint, ConnectionFailedError, DriftError
from aiotofupilot.sandbox import Sandbox, make_procedures

SUPPLY = make_procedures(2000, seed=1)

limits = st.one_of(st.integers(1, 6), st.integers(1, 100))
ways = st.sampled_from([None, "resync"])
concurrencies = st.one_of(st.integers(1, 16), st.integers(17, 24))  # a walk looks far ahead with more than 16


class Parking(InProcess):
    """Answers a request when it is told to, from what is listed at that moment."""

    def __init__(self, service: Sandbox) -> None:
        super().__init__(service, attempts=1000)
        self.parked: list[asyncio.Future[bool]] = []

    async def _respond(self, query):
        place = asyncio.get_running_loop().create_future()
        self.parked.append(place)
        try:
            if not await place:
                raise ConnectionFailedError("cut off")
        finally:
            self.parked.remove(place)
        return await super()._respond(query)

    def let_go(self, which: int, *, fails: bool = False) -> None:
        waiting = [place for place in self.parked if not place.done()]
        if waiting:
            waiting[which % len(waiting)].set_result(not fails)


class MovingListing(RuleBasedStateMachine):
    """A walk, by default or with "resync", resumed now and then, over a listing that moves between any two requests."""

    @initialize(total=st.integers(0, 60), limit=limits, concurrency=concurrencies, on_drift=ways)
    def begin(self, total, limit, concurrency, on_drift):
        self.loop = asyncio.new_event_loop()
        self.supply = iter(SUPPLY)
        self.service = Sandbox([next(self.supply) for _ in range(total)])
        self.connection = Parking(self.service)
        self.listed_throughout = [procedure.id for procedure in self.service.procedures]
        self.removed = set()
        self.moved = set()
        self.strayed = set()
        self.remembers_all = True
        self.yielded = []
        self.options = {"limit": limit, "concurrency": concurrency, "on_drift": on_drift}
        self.concurrency = concurrency
        self.ended = self.lost = self.moving = False
        self.consumer = None
        self.walk = self.connection.procedures.list(**self.options).walk()

    def run(self):
        """Let everything happen that can happen by itself."""

        async def turns():
            for _ in range(8):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        if self.consumer is not None and self.consumer.done():
            consumer, self.consumer = self.consumer, None
            self.ended = consumer.result()

    async def consume(self, count):
        for _ in range(count):
            try:
                self.yielded.append((await anext(self.walk)).id)
            except StopAsyncIteration:
                return True
            except DriftError:
                # A checkpoint names eight items. Once most of them are gone, and no two of the others stand side by
                # side, no one can tell where the walk stood. And while they go on moving, they can keep out of a
                # search's sight.
                assert len(self.yielded) >= 8
                assert self.moving or 2 * len({*self.yielded[-8:]} - self.removed) <= 8
                self.lost = True
                return True
        return False

    @precondition(lambda self: self.consumer is None and not self.ended)
    @rule(count=st.integers(1, 12))
    def take(self, count):
        self.consumer = self.loop.create_task(self.consume(count))
        self.run()

    @rule(which=st.integers(0, 15))
    def answer(self, which):
        self.connection.let_go(which)
        self.run()

    @rule(which=st.integers(0, 15))
    def fail(self, which):
        self.connection.let_go(which, fails=True)
        self.run()

    @rule(at=st.integers(0, 80), count=st.integers(1, 12))
    def insert(self, at, count):
        self.moving = True
        self.service.procedures[at:at] = [next(self.supply) for _ in range(count)]

    @rule(at=st.integers(0, 80), count=st.integers(1, 12))
    def remove(self, at, count):
        removed = {procedure.id for procedure in self.service.procedures[at : at + count]}
        if not self.remembers_all and not self.can_be_found(self.removed | removed):
            return
        self.moving = True
        self.removed |= removed
        del self.service.procedures[at : at + count]

    @precondition(lambda self: self.remembers_all)
    @rule(at=st.integers(0, 80), places=st.integers(-40, 40))
    def move(self, at, places):
        """One item moves, as in a listing sorted by what can change. The item passed last and its neighbour stay."""
        procedures = self.service.procedures
        if at >= len(procedures) or not self.may_move(procedures[at].id):
            return
        self.moving = True
        procedure = procedures.pop(at)
        self.moved.add(procedure.id)
        if procedure.id in self.yielded:
            self.strayed.add(procedure.id)
        procedures.insert(max(0, at + places), procedure)

    def may_move(self, item_id):
        return item_id not in self.yielded[-2:]

    def can_be_found(self, removed):
        """Whether more of the items that a checkpoint names stayed than moved, or none is left.

        An item that moved alone looks like one that stayed where all others were removed.
        """
        left = set(self.yielded[-8:]) - removed
        return not left or 2 * len(left & self.strayed) < len(left)

    @precondition(lambda self: self.consumer is not None)
    @rule()
    def cancel(self):
        self.consumer.cancel()
        self.loop.run_until_complete(asyncio.wait([self.consumer]))
        self.consumer = None
        self.run()
        assert self.connection.in_flight == 0

    @precondition(lambda self: self.consumer is None and not self.ended and self.can_be_found(self.removed))
    @rule(limit=limits, concurrency=concurrencies)
    def resume(self, limit, concurrency):
        checkpoint = Checkpoint.parse(str(self.walk.checkpoint))
        self.loop.run_until_complete(self.walk.aclose())
        assert self.connection.in_flight == 0
        self.options.update(limit=limit, concurrency=concurrency)
        self.concurrency = concurrency
        self.moving = False
        self.remembers_all = False  # a checkpoint names eight items
        self.walk = self.connection.procedures.list(cursor=checkpoint, **self.options).walk()

    @invariant()
    def requests_in_flight_stay_within_the_concurrency(self):
        assert self.connection.in_flight <= self.concurrency

    def teardown(self):
        if not hasattr(self, "loop"):
            return
        while not self.ended:
            if self.consumer is None:
                self.consumer = self.loop.create_task(self.consume(1000))
            self.connection.let_go(0)
            self.run()
        self.loop.run_until_complete(self.walk.aclose())
        assert self.connection.in_flight == 0
        assert asyncio.all_tasks(self.loop) == set()
        self.loop.close()
        counts = Counter(self.yielded)
        assert all(count == 1 for item_id, count in counts.items() if self.remembers_all or item_id not in self.moved)
        if not self.lost:
            expected = [item_id for item_id in self.listed_throughout if item_id not in self.removed | self.moved]
            kept = set(expected)
            assert [item_id for item_id in self.yielded if item_id in kept] == expected


MovingListing.TestCase.settings = settings(max_examples=4 * MANY, stateful_step_count=40)
TestMovingListing = MovingListing.TestCase


async def test_a_resumed_walk_does_not_believe_an_item_that_stands_alone():
    """If an item was created before it, and the others are gone, it may have moved."""
    procedures = SUPPLY[:9]
    for limit in range(1, 10):
        service = Sandbox(procedures[:8])
        connection = InProcess(service)
        async with connection.procedures.list(on_drift="resync").walk() as walk:
            assert len([item async for item in walk]) == 8
        service.procedures = [procedures[8], procedures[0]]
        resumed = connection.procedures.list(cursor=walk.checkpoint, limit=limit, on_drift="resync")
        with pytest.raises(DriftError, match="too few of the items passed lately"):
            await resumed.collect()


@pytest.mark.parametrize("limit", range(3, 21))
async def test_a_resumed_walk_among_ties_goes_on_after_those_that_are_left(limit):
    """They stand side by side and in their order, and no other one is left in the whole listing."""
    procedures = [evolve(procedure, created_at=SUPPLY[0].created_at) for procedure in SUPPLY[:30]]
    service = Sandbox(procedures)
    connection = InProcess(service)
    passed = max(10, limit)
    async with connection.procedures.list(limit=limit, max_items=passed).walk() as walk:
        first = await walk.take(passed)
        while len(first) < passed:
            first += await walk.take(passed - len(first))
    left = [item.id for item in first[-8:-3]]  # three of the eight that the checkpoint names are gone, and so are more
    service.procedures = [item for item in procedures if item.id not in {item.id for item in first} - {*left[2:]}]
    listed = [item.id async for item in connection.procedures.list(limit=limit, on_drift="ignore")]
    rest = [item.id async for item in connection.procedures.list(cursor=walk.checkpoint, limit=limit)]
    assert rest == [item_id for item_id in listed if item_id not in left]


async def test_a_resumed_walk_does_not_go_back_to_before_all_that_its_checkpoint_names():
    """What it passed before is not remembered, and would come twice."""
    first, second, *newer = SUPPLY[:12]
    ties = [evolve(procedure, created_at=SUPPLY[12].created_at) for procedure in SUPPLY[12:60]]
    service = Sandbox([*newer, *ties])
    connection = InProcess(service)
    async with connection.procedures.list(limit=20, max_items=18).walk() as walk:
        taken = await walk.take(18)
    service.procedures = [first, *newer, *ties]
    async with connection.procedures.list(limit=20, cursor=walk.checkpoint).walk() as resumed:
        taken += await resumed.take(20)
        created = evolve(second, created_at=ties[0].created_at)  # the place where the ties begin does not move
        service.procedures = [first, *newer, ties[0], created, *ties[1:]]
        with pytest.raises(DriftError, match="more than a walk remembers"):
            while more := await resumed.take(20):
                taken += more
    assert taken == [*newer, *ties]
