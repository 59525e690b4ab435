"""Over any number of runs each item is yielded exactly once, whatever is created, late, removed or broken off.

Hypothesis decides what happens between any two answers, and where a run is broken off. There is no socket and no clock.
"""

import asyncio
from itertools import count

from fakes.budget import MANY
from fakes.dated import KINDS, Row, Server, listing
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aiotofupilot import ServerError, Watermark

LATE = st.one_of(st.just(0.0), st.just(60.0), st.floats(0, 60))
LATER = st.one_of(st.just(0.0), st.floats(0, 100))


class Line(RuleBasedStateMachine):
    """One run after another over a listing that moves between any two answers."""

    kind: str

    @initialize(
        total=st.integers(0, 30),
        limit=st.one_of(st.integers(1, 4), st.just(100)),
        concurrency=st.one_of(st.integers(1, 6), st.just(20)),
        tells_time=st.booleans(),
        sorts=st.sampled_from([True, True, True, False]),
        behind=st.sampled_from([0.0, 0.0, 30.0, 3600.0, -3600.0]),
        ahead=st.sampled_from([0.0, 0.0, 20.0, 3600.0, -30.0]),
    )
    def begin(self, total, limit, concurrency, tells_time, sorts, behind, ahead):
        self.loop = asyncio.new_event_loop()
        self.numbers = count()
        self.server = Server(now=1000.0, tells_time=tells_time, ahead=ahead, sorts=sorts)
        self.is_of_runs = "is_of_runs" in KINDS[self.kind]
        if self.is_of_runs and not (tells_time and ahead <= 0):
            behind = max(behind, 0.0)  # if both clocks are ahead, items are late that are not
        self.limit, self.concurrency, self.behind = limit, concurrency, behind
        self.stored, self.watermark = [], None
        self.taken = []
        self.walk = None
        for _ in range(total):
            self.create(1, 0.0, 0.0, later=False)
            self.server.now += 13.0

    def listing(self):
        paginator = listing(self.kind, self.server, limit=self.limit, concurrency=self.concurrency)
        paginator._source.clock.behind = self.behind
        return paginator

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def make(self, how_many, ago, late):
        """Create items at one moment. A clock that lags dates them back, and a slow transaction shows them late."""
        server = self.server
        created = server.now - ago
        visible = max(server.now, created + late if ago >= 0 else 0.0)
        for _ in range(how_many):
            number = next(self.numbers)
            if not self.is_of_runs:
                server.rows.append(Row(f"{number}", created, visible))
                continue
            run_id = f"run {number // 3}"
            if number % 3 == 0:
                # A run may be visible before its items are.
                procedure_id = f"procedure {number // 3 % 2}"
                server.runs.append(Row(run_id, created, (server.now + visible) / 2, procedure_id=procedure_id))
                self.latest = server.now, max(server.now, created + 60 if ago >= 0 else 0.0)
            run_made, latest = self.latest
            if server.now <= latest:
                server.rows.append(Row(f"{number}", run_made, max(server.now, min(visible, latest)), run_id))

    @rule(
        how_many=st.integers(1, 5),
        ago=st.one_of(st.just(0.0), st.floats(0, 59)),
        late=LATE,
        later=st.booleans(),
    )
    def create(self, how_many, ago, late, later):
        if later:
            self.server.changes.append(lambda: self.make(how_many, ago, late))
        else:
            self.make(how_many, ago, late)

    @precondition(lambda self: self.server.ahead <= 0 if self.server.tells_time else self.behind >= 0)
    @rule(later=st.booleans())
    def create_in_the_future(self, later):
        """A clock that is ahead by a day dates an item. If another one is ahead too, nobody knows what time it is."""
        make = self.server.changes.append if later else lambda change: change()
        make(lambda: self.make(1, -86400.0, 0.0))

    @rule(seconds=LATER, later=st.booleans())
    def let_time_pass(self, seconds, later):
        def pass_():
            self.server.now += seconds

        self.server.changes.append(pass_) if later else pass_()

    @rule(seconds=LATER)
    def answer_slowly(self, seconds):
        """The time that an answer tells is that of its end."""
        self.server.takes.append(seconds)

    @rule(which=st.integers(0, 100), how_many=st.integers(1, 4), later=st.booleans())
    def remove(self, which, how_many, later):
        def remove():
            if self.server.rows:
                at = which % len(self.server.rows)
                del self.server.rows[at : at + how_many]

        self.server.changes.append(remove) if later else remove()

    @rule()
    def fail(self):
        self.server.failures.append(ServerError("down", status=503, code=None, request_id=None))

    async def take_some(self, how_many):
        if self.walk is None:
            self.walk = self.listing().since(self.watermark)
        for _ in range(how_many):
            try:
                self.taken.append((await anext(self.walk)).id)
            except ServerError as error:
                self.told = error.watermark
                self.known = self.walk.watermark
            except StopAsyncIteration:
                self.store()
                self.walk = None
                return

    @rule(how_many=st.one_of(st.integers(1, 12), st.just(1000)))
    def take(self, how_many):
        self.run(self.take_some(how_many))
        assert self.server.in_flight < self.concurrency

    @precondition(lambda self: self.walk is not None)
    @rule()
    def store(self):
        """Items and watermark go into one transaction."""
        self.stored += self.taken
        self.taken = []
        self.watermark = Watermark.parse(str(self.walk.watermark))

    @precondition(lambda self: self.walk is not None)
    @rule(closed=st.booleans())
    def crash(self, closed):
        """What was not stored is forgotten."""
        if closed:
            self.run(self.walk.aclose())
            assert self.server.in_flight == 0
        self.walk, self.taken = None, []

    @rule(turns=st.integers(0, 6))
    def cancel(self, turns):
        async def cancel():
            task = asyncio.create_task(self.take_some(5))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0)  # cancelled requests are gone
            await asyncio.sleep(0)

        self.run(cancel())
        assert self.walk is None or self.server.in_flight < self.concurrency

    @rule(limit=st.integers(1, 6), concurrency=st.integers(1, 6))
    def use_other_options(self, limit, concurrency):
        """They hold from the next run on."""
        if self.walk is None:
            self.limit, self.concurrency = limit, concurrency

    @invariant()
    def nothing_is_yielded_twice(self):
        if hasattr(self, "stored"):
            assert len({*self.stored, *self.taken}) == len(self.stored) + len(self.taken)

    @invariant()
    def an_error_tells_what_was_seen(self):
        if hasattr(self, "told"):
            assert self.told == self.known

    @invariant()
    def the_floor_never_passes_the_present(self):
        if hasattr(self, "stored") and self.watermark is not None and self.watermark.floor is not None:
            assert self.watermark.floor.timestamp() <= listing_now(self) - 60 + max(0.0, -self.behind)

    def teardown(self):
        if not hasattr(self, "loop"):
            return
        self.server.failures.clear()
        for _ in range(2):  # the second run sees what became visible late
            for change in self.server.changes[:]:
                change()
            self.server.changes.clear()
            self.server.now += 200.0
            self.run(self.take_some(10_000))
            while self.walk is not None:
                self.run(self.take_some(10_000))
        self.run(self.take_some(10_000))
        assert {row.id for row in self.server.seen_by_all(self.server.rows)} <= {*self.stored}
        assert len({*self.stored}) == len(self.stored)
        assert self.server.in_flight == 0
        assert asyncio.all_tasks(self.loop) == set()
        self.loop.close()


def listing_now(line):
    return line.listing()._source.clock.now().timestamp() + line.behind


def case(kind):
    machine = type(f"Line_{kind}", (Line,), {"kind": kind})
    machine.TestCase.settings = settings(max_examples=2 * MANY, stateful_step_count=40)
    return machine.TestCase


TestOrdered = case("ordered")
TestBounded = case("bounded")
TestCompared = case("compared")
TestUndated = case("undated")
TestOfRuns = case("of runs")
TestOfProcedures = case("of procedures")


def test_every_kind_of_listing_is_tried():
    tried = [case for name, case in globals().items() if name.startswith("Test")]
    assert len(tried) == len(KINDS)
