"""Whatever moves, fails, arrives late or is broken off: what is listed throughout is yielded exactly once, in order.

Hypothesis decides everything that time and the network decide elsewhere: which answer comes next, what changes before
it is made, where the consumer stops. There is no socket and no clock.

- By default and with `"resync"`, an item that is listed during the whole walk comes exactly once and in order,
  through changes, failures and resumes.
"""

import asyncio
from datetime import timedelta

from attrs import evolve
from fakes.budget import MANY
from fakes.in_process import InProcess
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aiotofupilot import Checkpoint, ConnectionFailedError
from aiotofupilot.sandbox import Sandbox, make_procedures

SUPPLY = make_procedures(2000, seed=1)
ALIKE_AT_MOST = 20
"""So many items have one time at most, because no other order of procedures tells them apart."""

limits = st.one_of(st.integers(1, 6), st.integers(1, 100))
ways = st.sampled_from([None, "resync"])
concurrencies = st.one_of(st.integers(1, 16), st.integers(17, 24))  # a walk looks far ahead with more than 16


class Parking(InProcess):
    """Answers a request when it is told to, from what is listed at that moment."""

    requests_at_most = 1000

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
        self.supply = iter(SUPPLY[total:])
        self.service = Sandbox(SUPPLY[:total])
        self.connection = Parking(self.service)
        self.stayed = [*self.service.procedures]
        self.yielded = []
        self.options = {"limit": limit, "concurrency": concurrency, "on_drift": on_drift}
        self.ended = False
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
            item = await anext(self.walk, None)
            if item is None:
                return True
            self.yielded.append(item.id)
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

    @rule(at=st.just(0) | st.integers(0, 80), count=st.integers(1, 12), alike=st.booleans())
    def insert(self, at, count, alike):
        """Items are created, or become visible late. Their times are those of a neighbour, or lie between two."""
        listed = self.service.procedures
        for _ in range(count):
            item, after = next(self.supply), listed[min(at, len(listed) - 1)] if listed else None
            if after is not None:
                newer = [other for other in listed[:at] if other.created_at > after.created_at][-1:]
                between = (newer[0].created_at - after.created_at) / 2 if newer else timedelta(hours=1)
                group = sum(other.created_at == after.created_at for other in listed)
                item = evolve(item, created_at=after.created_at + between * (not (alike and group < ALIKE_AT_MOST)))
            listed.append(item)
            listed.sort(key=lambda other: other.created_at, reverse=True)

    @rule(at=st.integers(0, 80), count=st.integers(1, 12))
    def remove(self, at, count):
        removed = {procedure.id for procedure in self.service.procedures[at : at + count]}
        self.stayed = [procedure for procedure in self.stayed if procedure.id not in removed]
        del self.service.procedures[at : at + count]

    @precondition(lambda self: self.consumer is not None)
    @rule()
    def cancel(self):
        self.consumer.cancel()
        self.loop.run_until_complete(asyncio.wait([self.consumer]))
        self.consumer = None
        self.run()
        assert self.connection.in_flight == 0

    @precondition(lambda self: self.consumer is None and not self.ended)
    @rule(limit=limits, concurrency=concurrencies)
    def resume(self, limit, concurrency):
        checkpoint = Checkpoint.parse(str(self.walk.checkpoint))
        self.loop.run_until_complete(self.walk.aclose())
        assert self.connection.in_flight == 0
        self.options.update(limit=limit, concurrency=concurrency)
        self.walk = self.connection.procedures.list(cursor=checkpoint, **self.options).walk()

    @invariant()
    def requests_in_flight_stay_within_the_concurrency(self):
        assert self.connection.in_flight <= self.options["concurrency"]

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
        assert not self.walk.stats.is_unchecked
        assert len({*self.yielded}) == len(self.yielded)
        times = {procedure.id: procedure.created_at for procedure in self.stayed}
        assert [times[item_id] for item_id in self.yielded if item_id in times] == [*times.values()]


MovingListing.TestCase.settings = settings(max_examples=4 * MANY, stateful_step_count=40)
TestMovingListing = MovingListing.TestCase


async def test_a_resumed_walk_needs_none_of_the_items_that_were_passed():
    """Here all of them were removed, and others were created."""
    procedures = SUPPLY[:20]
    for limit in range(1, 10):
        service = Sandbox(procedures[3:])
        connection = InProcess(service)
        async with connection.procedures.list(limit=limit, on_drift="resync").walk() as walk:
            passed = [await anext(walk) for _ in range(8)]
        service.procedures = [item for item in procedures if item not in passed]
        resumed = connection.procedures.list(cursor=walk.checkpoint, limit=limit, on_drift="resync")
        assert passed + await resumed.collect() == procedures[3:]


async def test_a_resumed_walk_yields_what_was_created_among_the_items_that_its_checkpoint_names():
    """They have one time, so the server may list a new one before them."""
    alike = [evolve(procedure, created_at=SUPPLY[0].created_at) for procedure in SUPPLY[:9]]
    for taken in range(1, 8):
        service = Sandbox(alike[:8])
        connection = InProcess(service)
        async with connection.procedures.list(limit=20).walk() as walk:
            passed = [await anext(walk) for _ in range(taken)]
        service.procedures.insert(0, alike[8])
        rest = await connection.procedures.list(cursor=walk.checkpoint, limit=20).collect()
        assert {item.id for item in passed}.isdisjoint({item.id for item in rest})
        assert {item.id for item in [*passed, *rest]} == {item.id for item in alike}
