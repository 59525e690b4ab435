"""What programs do with a session: they list, leave, are cancelled, come back with a text, and count what they got."""

import asyncio
import pickle
from collections import Counter
from functools import partial
from weakref import ref

import pytest
from simulation import oracle
from simulation.database import time_of
from simulation.network import ATTEMPTS, TIMEOUT
from simulation.server import detail_key
from simulation.world import PROGRAM

from aiotofupilot import (
    APIError,
    BadRequestError,
    Checkpoint,
    ConnectionFailedError,
    DecodeError,
    DriftError,
    NotFoundError,
    PaginationError,
    RequestTimeoutError,
    SessionError,
    Shard,
    TofuPilotError,
    Watermark,
)
from aiotofupilot.sandbox.storage import contents

TURNS = 12
"""After so many turns of the loop, what was cancelled has ended."""

SOON = (0, 0, 0, 1, 2, 2, 3, 4, 6)
"""After so many turns of the loop a cancellation comes. A response that a program waits for itself is taken up at once,
and that of a page that was requested ahead three turns later."""

HOLD_UP = {"shuffle", "limiter", "pauses", "outage", "unreadable", "faults"}
"""What lets a request that was begun be sent later."""

DEFAULTS = {"limit": 100, "concurrency": 1, "on_unreadable": "raise"}
"""What the guide says about options that are left out."""

FEW = 40
"""In a listing of fewer items, all that could show that the server works may be unreadable too."""

NO_END = 60
"""So many pieces without an end are enough."""


UNSTABLE = {"runs": "outcome", "units": "last_run_at", "parts": "name", "logs": "outcome"}
"""An order of each listing in which an item can move."""


def is_slow(error):
    """Return whether an error is that of a request that took too long."""
    return isinstance(error, RequestTimeoutError) or getattr(error, "status", None) in {408, 504}


class Program:
    """Lists something in a universe, and is held to what it sends."""

    is_endless = is_plain = False
    """Whether it requests the same again and again, or each page for a single reason."""
    on_drift = sort_by = None
    """What it says about drift and about the order. None: nothing."""
    follows = False
    """Whether it follows the server's cursors where they are not offsets."""
    uses_threads = False
    """Whether threads work for it, which are waited for while the world's clock goes on."""

    def __init__(self, universe, name):
        self.universe, self.world, self.name = universe, universe.world, name
        self.line, self.way, self.server = universe.line, universe.way, universe.server
        self.chance = self.world.chance(f"program {name}")
        self.concurrency = self.chance.choice((1, 1, 2, 3, 4, 8, 16, 24))
        self.limit = self.line.limit
        self.defaults = self.world.chance(f"defaults of {name}")
        self.asked = set()
        self.requests = self.in_flight = self.peak = self.pieces = self.efforts = 0
        self.failures = self.cancelled = self.errors = self.slow = self.left_out = self.retries = 0
        self.warnings = self.moves = 0
        self.served = 0
        """How many items were on the pages of its responses, also of those that it dropped."""
        self.busy = 0.0
        """The seconds that all its requests took together, and what it did itself."""
        self.latest = None
        """The request that ended last."""
        self.deepest = self.by_value = 0
        """The largest cursor that it asked for, and how many requests asked for what is before or after a time."""
        self.is_unchecked = False
        """Whether it was warned that items may be missed or doubled."""
        self.is_idle = False
        """Whether it works on what it got, and waits for nothing."""
        self.furthest = None
        """The last position at which a page may be requested. None: nobody knows."""
        self.got = []
        self.to_cancel = None
        """The task that is cancelled soon after a response. None: none is."""
        self.haste = 0.0
        """How probable that is with each response."""
        self.cancelled_at = 0.0
        self.is_asking = False
        """Whether it waits for the next item."""
        self.in_parts = False
        """Whether a part of a page, or what it is compared with, was requested last."""
        self.is_broken_off = False
        self.is_left = False
        """Whether the iteration was closed before its end."""
        self.made = []
        """Weak references to what was made on the way."""

    def __repr__(self):
        return f"{type(self).__name__} {self.name}"

    def check(self, promise, holds, *facts):
        self.world.check(promise, holds, self, *facts)

    def costs(self, promise, number, most, *facts):
        self.world.costs(promise, number, most, self, *facts)

    def begin(self, sent):
        """Note a request of this program, and hold it to what it may send."""
        self.requests += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if sent.limit > 1:  # one item beside a page that fails is requested where few listings have any
            self.deepest = max(self.deepest, sent.cursor)
        self.by_value += sent.is_by_value and not sent.cursor
        self.in_parts = sent.limit < self.limit
        if self.in_flight >= min(self.concurrency, 2):
            self.check("no more are in flight than allowed", self.in_flight <= self.concurrency, self.in_flight)
        self.retries += sent.attempt > 1 and sent.limit != 1  # one item shows whether the server works, once
        self.check("nothing is requested after closing", not self.is_left, sent)
        # What was begun for details takes several requests if an item or the position has to be looked for.
        may_look = isinstance(self, Detailing) and "moving" in self.world.on
        if sent.is_first and self.is_idle and not may_look:
            self.check("nothing is requested while nobody waits", sent is None, sent)
        # After a failure, two items elsewhere may show whether the server works: as many as a page of two.
        is_page = sent.limit == self.limit and (self.limit > 2 or not self.failures)
        if self.furthest is not None and is_page:
            self.check("no page is requested further ahead than allowed", sent.cursor <= self.furthest, sent)

    def end(self, sent):
        """Note that a request of this program is over."""
        self.in_flight -= 1
        self.busy += sent.ended - sent.at
        self.latest = sent
        if self.to_cancel is not None and self.chance.random() < self.haste:
            self.world.after_turns(self.chance.choice(SOON), partial(self.cancel, self.to_cancel))
        self.failures += sent.has_failed
        self.slow += sent.is_slow
        self.cancelled += sent.was_cancelled
        if sent.is_of_api:  # of a storage, the timeout is about the time between two bytes
            is_in_time = sent.ended - sent.at <= TIMEOUT + 1e-6
            self.check("no request takes longer than the timeout", is_in_time, sent)

    @property
    def session(self):
        return self.universe.session

    @property
    def has_reached(self):
        """Whether each address from which it requests something has responded before."""
        return self.way.has_reached

    @property
    def listing(self):
        return getattr(self.session, self.line.kind)

    def options(self, *, skips=True):
        """Return the options of its listing. An option that has its default is given, or is left out."""
        options = {
            "limit": self.limit,
            "concurrency": self.concurrency,
            "on_unreadable": "skip" if skips else "raise",
        }
        return {
            **self.line.query,
            **{
                name: value
                for name, value in options.items()
                if value != DEFAULTS[name] or self.defaults.random() < 0.5
            },
        }

    async def run(self):
        """Do it, as a task of its own."""
        PROGRAM.set(self)
        self.began, self.changes, self.length = self.world.now, self.line.changes, len(self.line.rows)
        times = Counter(map(time_of, self.line.rows))
        self.had_one_time, self.at_once = len(times) < 2, max(times.values(), default=0)
        try:
            await self.act()
        except TofuPilotError as error:
            self.meet(error)
        await self.settled("the end")

    async def act(self):
        """Do it."""
        raise NotImplementedError

    async def pause(self):
        """Work on something for a while."""
        if "slow" in self.world.on and self.chance.random() < 0.2:
            for _ in range(3):
                await asyncio.sleep(0)  # what was begun before sets off
            self.is_idle = not self.world.on & HOLD_UP
            if self.is_idle:
                self.world.marks.add("nothing is requested while nobody waits")
            try:
                await asyncio.sleep(self.chance.choice((0.01, 0.5, 20.0)))
            finally:
                self.is_idle = False

    async def settled(self, why):
        """Wait for some turns of the loop. Then nothing of this program is in flight."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if self.is_asking or "a" not in why.split():  # otherwise it was left at an item, and is still there
            self.check(f"nothing stays in flight after {why}", self.in_flight == 0, self.in_flight)

    def cancel(self, task):
        """Cancel a task, unless it was done before."""
        if task is self.to_cancel:
            self.to_cancel, self.cancelled_at = None, self.world.now
            task.cancel()

    async def cut(self, work, seconds):
        """Do some work, which is cancelled after some seconds, or soon after a response.

        Return whether it came to its end, and its result.
        """
        self.efforts += 1
        task = self.to_cancel = asyncio.ensure_future(work)
        self.haste = self.chance.choice((0.0, 0.03, 0.1, 0.2))
        try:
            await asyncio.wait([task], timeout=None if self.haste else seconds)
        finally:  # who waits for it may be cancelled too
            self.cancel(task)
            await asyncio.wait([task])
        if not task.cancelled():
            return True, task.result()
        late = self.world.now - self.cancelled_at
        self.check("who is cancelled ends at once", late == 0 or self.uses_threads, late)
        if self.chance.random() < 0.5:
            await self.settled("a cancellation")
        return False, None

    async def whole(self, make):
        """Do some work until it comes to its end, and return its result. It may be cancelled some times before."""
        for _ in range(self.chance.choice((1, 5, 10)) if "interrupts" in self.world.on else 0):
            has_ended, result = await self.cut(make(), self.chance.uniform(0.0, 5.0) * self.server.latency)
            if has_ended:
                return result
        self.efforts += 1
        return await make()

    @property
    def is_alone(self):
        """Whether its requests follow each other, and each belongs to what it waits for."""
        return self.concurrency == 1 and not self.world.on & {"interrupts", "together", "close", "slow"}

    def meet(self, error):
        """Hold an error to what errors say and do not say, and to what may go wrong in this universe."""
        self.errors += 1
        latest = self.latest
        # The requests around an unreadable item count their own attempts.
        if self.is_alone and latest is not None and latest.has_failed and "unreadable" not in self.world.on:
            self.check("an error counts its attempts", error.attempts == latest.attempt, error.attempts, latest)
            took = latest.ended - latest.began
            is_at_once = latest.attempt == 1 and error.elapsed is None
            is_said = is_at_once or abs((error.elapsed or 0.0) - took) < 1e-6
            self.check("an error says how long it was tried", is_said, error.elapsed, latest)
        parts = error, str(error), vars(error), getattr(error, "__notes__", ()), error.__cause__, error.__context__
        key, shown = self.line.sandbox.api_key, " ".join(map(repr, parts))
        self.check("the key is in no error", key not in shown and key.encode() not in pickle.dumps(error), shown)
        if error.down_since is not None:
            lasts = (self.world.clock.now() - error.down_since).total_seconds()
            self.check("an error says since when the server has been down", 0 <= lasts <= self.world.now, lasts, error)
        self.check("only what went wrong is an error", self.may_raise(error), type(error).__name__, error)
        # Where nearly all can be read, an item that cannot be is left out. There are three exceptions. A response that
        # repeats the key is not quoted, so its error does not name the item. Nothing tells a connection that is reset
        # at first contact from a wrong address. And a walk may refuse items of one time.
        if isinstance(self, Walking) and self.leaves_out and len(self.line.rows) >= FEW and "echo" not in self.world.on:
            is_excused = not self.has_reached or isinstance(error, DriftError)
            is_left_out = oracle.only(self, "unreadable", "ties") and not is_excused
            self.check("an item that is left out is no error", not is_left_out, error)
        self.world.tally(type(error).__name__)

    def may_raise(self, error):
        """Return whether something in this universe explains an error."""
        on, windows = self.world.on, self.server.windows
        if isinstance(error, BadRequestError):  # by a cap, below which a walk by value stays unless it gave that up
            gave_up = self.is_unchecked and oracle.cannot_promise(self)
            follows = not oracle.goes_by_value(self) or oracle.is_resumed_at_cursor(self) or gave_up
            return self.line.database.cap == "refused" and (self.line.database.leads_nowhere or follows)
        match error:
            case SessionError() | PaginationError():
                is_odd = "odd" in on or self.line.database.cap == "clamped"
                return "close" in on if isinstance(error, SessionError) else is_odd
            case NotFoundError():
                # Of an item that is gone, if the response was cut, the listing has no order, or nothing is left in it
                # beside which the item was.
                is_lost = "faults" in on or not self.line.steady(self.began)
                return self.line.changes > self.changes and is_lost
            case DriftError():
                is_refused = "odd" in on and not (self.follows and self.line.can_be_followed)
                return is_refused or oracle.may_refuse(self)
            case APIError() | ConnectionFailedError() | RequestTimeoutError() | DecodeError():
                is_unproven = any(window.kind in {"refused", "unresolved", "reset", "drain"} for window in windows)
                return (
                    len(on & {"faults", "pauses", "outage"}) > 1
                    or "unreadable" in on
                    or ("faults" in on and (self.in_parts or is_slow(error)))  # a page was too slow twice
                    or (is_unproven and not self.has_reached)
                    or any(window.kind == "hang" for window in windows)
                    or (bool(on & {"faults", "pauses", "outage"}) and (error.elapsed or 0.0) > 60.0)
                )
            case _:
                return False


class Iterating(Program):
    """Iterates over something that can be broken off, and resumed from a text."""

    def make(self, text):
        """Return the iteration that goes on at a text. None: it begins."""
        raise NotImplementedError

    def place(self, of):
        """Return where an iteration is, or where it was when it raised an error."""
        return of.checkpoint

    def take(self, item):
        """Note an item."""
        self.got.append(item.id)
        if len(self.got) % 16 == 1:
            known = self.line.items.get(item.id)
            self.check("an item is what the server has", item == known, item, known)

    def taken(self):
        """Note that all items at hand were taken."""

    async def iterate(self, iteration, at_most=None):
        """Take items until there are no more, or so many. Return whether there are no more."""
        form, number = self.chance.choice(("items", "items", "batches", "take")), 0
        batches = iteration.batches() if form == "batches" else None
        while at_most is None or number < at_most:
            self.is_asking = True
            if form == "batches":
                items = await anext(batches, [])
            elif form == "take":
                items = await iteration.take(self.chance.choice((1, 7, 1000)))
            else:
                item = await anext(iteration, None)
                items = [] if item is None else [item]
            self.is_asking = False
            if not items:
                return True
            for item in items:
                self.take(item)
            number += len(items)
            self.taken()
            await self.pause()
        return False

    async def piece(self, iteration):
        """Iterate for a while, in one of the ways in which programs do. Return whether it came to the end."""
        chance, ways = self.chance, ("whole", "timeout", "leave", "drop", *4 * ["cancel"])
        way = chance.choice(ways) if "interrupts" in self.world.on else "whole"
        seconds = chance.choice((0.0, 0.5, 1.5, 3.0, 6.0, 50.0, 500.0)) * self.server.latency * chance.uniform(0.5, 2.0)
        self.pieces += 1
        if way == "whole":
            return await self.iterate(iteration)
        if way == "timeout":
            try:
                async with asyncio.timeout(seconds):
                    return await self.iterate(iteration)
            except TimeoutError:
                if chance.random() < 0.5:
                    await self.settled("a timeout")
                return False
        if way == "cancel":
            for _ in range(chance.choice((1, 10, 40))):
                has_ended, result = await self.cut(self.iterate(iteration), seconds)
                if has_ended:
                    return result
            return False
        ended = await self.iterate(iteration, chance.choice((1, 5, 60, 200)))
        if way == "leave":
            await self.leave(iteration)
        return ended

    async def close_at_once(self, iteration):
        """Close an iteration before anything is asked of it. Nothing was begun, so it costs nothing, then or later."""
        sent = self.requests
        await iteration.aclose()
        self.is_left = True
        await self.settled("closing")
        self.check("who closes at once requests nothing", self.requests == sent, self.requests - sent)
        return False

    async def leave(self, iteration):
        """Close an iteration. That may be cancelled, and then it is closed again."""
        if self.chance.random() < 0.5:
            begun = asyncio.Event()

            async def close():
                begun.set()
                await iteration.aclose()

            closing = asyncio.ensure_future(close())
            for _ in range(1 + self.chance.choice(SOON)):
                await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait([closing])
            if begun.is_set():  # a loop that shuffles may not have come to it
                await self.settled("closing in vain")
        await iteration.aclose()
        self.check("nothing stays in flight after closing", self.in_flight == 0, self.in_flight)
        self.is_left = True

    @property
    def numbers(self):
        """What an iteration counts too: items, requests, those that repeat a failure, warnings, seconds, the items of
        its pages, and how often the log says that the listing has moved."""
        logged = self.warnings, self.moves
        return len(self.got), self.requests, self.retries, self.world.now, self.busy, self.served, *logged

    def hold(self, iteration, before):
        """Hold the counts of an iteration to what it yielded, sent and could wait for, and its warnings to one."""
        differences = (now - then for now, then in zip(self.numbers, before, strict=True))
        stats, (items, requests, retries, seconds, busy, served, warnings, moves) = iteration.stats, differences
        self.check("the counts are right", stats.items == items, stats, items)
        self.check("each request is counted", stats.requests == requests, stats, requests)
        self.check("its repr has its counts", f"{items} items, {requests} requests" in repr(iteration), iteration)
        if isinstance(self, Walking):
            self.check("what is left out is logged", stats.unreadable == self.left_out, stats, self.left_out)
        most = self.concurrency * seconds + 60.0 * stats.requests  # a wait that is broken off counts as a whole
        self.check("the waits are counted", 0 <= stats.waited <= most + 1e-6, stats, most)
        if self.is_alone:
            # It waits for a response, or for the time of the next attempt, and for nothing else.
            self.check(
                "each wait is counted as it was", abs(seconds - busy - stats.waited) < 1e-6, stats, seconds - busy
            )
            # A look for a single item is repeated as well.
            asks_singly = isinstance(self, Detailing) or getattr(self, "max_items", None) == 1
            if not ("unreadable" in self.world.on or self.slow or asks_singly):
                self.check("each retry is counted", stats.retries == retries, stats, retries)
        came = items + stats.duplicates  # less than served if the walk ended within a page
        self.check("each item that came is yielded or counted at most once", came <= served, stats, served)
        if oracle.is_still(self) and not {"faults", "unreadable"} <= self.world.on:  # both hide how a gap is
            self.check("no position is looked for where nothing moved", not stats.resyncs, stats)
        elif (
            {"debug", "unreadable"} & self.world.on == {"debug"}
            and self.line.longest < self.limit
            and not isinstance(self, Detailing)
        ):
            self.check("each move is counted", stats.resyncs == moves, stats, moves)
        if stats.is_unchecked or warnings:
            is_once = warnings == 1 or isinstance(self, Detailing)  # another walk looks for an item that is gone
            follows = self.follows or self.on_drift is None
            self.check("what follows the cursor warns once", follows and is_once, stats, warnings)
            has_reason = self.line.odd or oracle.may_warn(self)
            self.check("a walk that warns has a reason", has_reason, stats, self.line.longest)
            self.is_unchecked = True

    async def go(self):
        """Iterate piece by piece. Return the iteration that came to the end; None: none did."""
        text = iteration = None
        for _ in range(NO_END):
            if iteration is None:
                iteration, self.is_left = self.make(text), False
                self.made.append(ref(iteration))
                before, failed, self.left_out = self.numbers, "", 0
            failure = None
            try:
                is_closed = "interrupts" in self.world.on and self.defaults.random() < 0.1
                ended = await (self.close_at_once if is_closed else self.piece)(iteration)
            except TofuPilotError as error:
                failure, ended = error, False
            text = str(self.place(iteration))
            self.hold(iteration, before)
            self.hold_place(text)
            if ended:
                sent = self.requests
                more = await anext(iteration, None)
                self.check("an end stays the end", more is None and self.requests == sent, more, self.requests - sent)
                return iteration
            if failure is not None:
                self.meet(failure)
                place = str(self.place(failure))
                if isinstance(self, Walking):  # one that reads details may have gone back meanwhile
                    self.check("an error says where to resume", place == text, failure, place, text)
                await self.settled("an error")
                text = self.after(failure, place)
                if text is None:
                    return None
                failed, failure = f"{failed} {failure!r}", None
                await asyncio.sleep(1.0)
                self.busy += 1.0
            if self.is_left or self.chance.random() < 0.5 or "close" in self.world.on:
                await iteration.aclose() if failed else None  # the traceback of its error may keep it and its receipt
                iteration, self.is_broken_off = None, True  # another process goes on
                await self.settled("dropping")
                if not failed:
                    self.check("what is dropped is freed at once", self.made[-1]() is None, self.made[-1](), failed)
        self.world.tally("no end")
        return None

    def hold_place(self, text):
        """Hold a checkpoint of a listing that stands still to how many items came."""
        if isinstance(self, Walking) and oracle.only(self, "interrupts", "faults", "outage", "pauses", "close"):
            place = Checkpoint.parse(text)
            self.check("a checkpoint is behind what came", place.cursor + place.skip == len(self.got), place)

    def after(self, error, text):
        """Return where to go on after an error. None: it is the end."""
        return None if isinstance(error, DriftError | PaginationError) or self.errors > 20 else text


class Walking(Iterating):
    """Walks a listing once, piece by piece."""

    def __init__(self, universe, name):
        super().__init__(universe, name)
        chance, on = self.chance, self.world.on
        self.on_drift = chance.choice((None, None, None, None, None, "resync", "ignore", "resync"))
        self.skips = self.line.unreadable and (self.defaults if "moving" in on else chance).random() < 0.7
        self.max_items = chance.choice((None, None, None, None, 1, 30, 130))
        self.how = {}
        if self.on_drift is not None:
            self.how["on_drift"] = self.on_drift
        elif self.line.kind in UNSTABLE and chance.random() < 0.1:
            self.how["sort_by"] = self.sort_by = UNSTABLE[self.line.kind]
            self.on_drift = "ignore"  # which such an order means
        self.follows = self.on_drift is None
        self.is_plain = self.concurrency == 1
        self.is_raw = chance.random() < 0.1
        self.receipt = universe.folder / f"{name}.receipt"

    def make(self, text):
        cursor = None if text is None else Checkpoint.parse(text)
        rest = None if self.max_items is None else self.max_items - len(self.got)
        listing = self.listing.list(cursor=cursor, max_items=rest, **self.options(skips=self.skips), **self.how)
        self.leaves_out = self.skips
        self.taken()
        return (listing.raw() if self.is_raw else listing).walk(receipt=self.receipt)

    def take(self, item):
        if self.is_raw:
            self.got.append(item["id"])
        else:
            super().take(item)

    def taken(self):
        if not self.world.on & {"moving", "odd", "unreadable", "ties", "caps", "filters"}:
            overlap = self.on_drift != "ignore"
            self.furthest = len(self.got) + (self.concurrency - 1) * (self.limit - overlap)

    def after(self, error, text):
        if error.position is not None and not self.skips:
            self.skips = True
        return super().after(error, text)

    async def act(self):
        walk = await self.go()
        oracle.judge_walk(self, walk)
        oracle.judge_receipt(self, walk)
        if walk is not None:
            oracle.judge_costs(self, walk.stats, self.world.now - self.began)
            oracle.judge_drift(self, walk.stats)


class Paging(Program):
    """Takes the pages as the server cuts them."""

    async def act(self):
        listing = self.listing.list(**self.options())
        pages = listing.pages()

        async def take():
            async for page in pages:
                self.got += [item.id for item in page.data]
                await self.pause()

        await self.whole(take)
        oracle.judge_pages(self)


class Detailing(Iterating):
    """Reads the details of all items."""

    def __init__(self, universe, name):
        super().__init__(universe, name)
        self.follows = True

    def make(self, text):
        cursor = None if text is None else Checkpoint.parse(text)
        listing = self.listing.list(cursor=cursor, **self.options())
        return listing.details().walk()

    def begin(self, sent):
        super().begin(sent)
        self.looks[sent.path] += not sent.limit

    def end(self, sent):
        super().end(sent)
        if sent.status == 200 and not sent.limit:
            self.held.add(sent.path.rpartition("/")[2])
            self.most_held = max(self.most_held, len(self.held))

    def take(self, item):
        self.got.append(item.id)
        self.held.discard(detail_key(self.line.kind, item))

    async def act(self):
        self.max_items, self.skips = None, True
        self.held, self.most_held, self.looks = set(), 0, Counter()
        walk = await self.go()
        oracle.judge_walk(self, walk)
        oracle.judge_details(self, walk)


class Catching(Iterating):
    """Takes what is new, pass by pass, until nothing comes any more."""

    def place(self, of):
        return of.watermark

    def make(self, text):
        watermark = self.watermark if text is None else Watermark.parse(text)
        listing = self.listing.list(**self.options())
        return listing.since(watermark)

    async def act(self):
        self.watermark, self.is_lost = None, False
        while not self.line.is_quiet:
            await self.catch()
            await asyncio.sleep(self.chance.choice((0.1, 5.0, 40.0)))
        await asyncio.sleep(70.0)  # everything can be seen
        await self.catch()
        sent = self.requests
        self.pass_costs = oracle.pass_costs(self, oracle.listed_again(self))
        walk = await self.catch()
        oracle.judge_since(self, walk, self.requests - sent)

    async def catch(self):
        """Make a pass, and keep its watermark."""
        walk = await self.go()
        if walk is None:
            self.world.tally("a pass failed")
            return None
        self.watermark = Watermark.parse(str(walk.watermark))
        return walk

    def after(self, error, text):
        self.watermark = Watermark.parse(text)
        return super().after(error, text)


class Following(Program):
    """Follows what is created, for some time."""

    is_endless = True

    async def act(self):
        chance, interval = self.chance, self.chance.choice((2.0, 5.0, 30.0))
        listing = self.listing.list(**self.options())
        watermark, self.backlog, self.again = None, None, 0
        if chance.random() < 0.5:
            known = listing.since()
            async with known:
                self.got += [item.id async for item in known]
            watermark, self.backlog = Watermark.parse(str(known.watermark)), len(self.got)
        ends = self.world.now + chance.choice((20.0, 100.0, 300.0))
        sent, begun = self.requests, self.world.now
        while self.world.now < ends:
            every = {} if interval == 5.0 and self.defaults.random() < 0.5 else {"interval": interval}
            stream = listing.follow(since=watermark, **every)
            self.pieces += 1
            failed, self.again = self.errors, max(self.again, oracle.listed_again(self))
            self.made.append(ref(stream))
            try:
                async with asyncio.timeout_at(min(ends, self.world.now + chance.choice((1.0, 30.0, 1000.0)))):
                    await self.whole(partial(self.take, stream))
            except TimeoutError:
                await self.settled("a timeout")
            except TofuPilotError as error:
                self.meet(error)
                if isinstance(error, SessionError):
                    listing = self.listing.list(**self.options())
                if self.errors > 20:
                    return
                await asyncio.sleep(1.0)
            if stream.watermark is not None:
                watermark = Watermark.parse(str(stream.watermark))
            stream = None
            self.check("what is dropped is freed at once", self.errors > failed or self.made[-1]() is None)
        oracle.judge_follow(self, begun, ends, interval, self.requests - sent)

    async def take(self, stream):
        """Note the items of a stream."""
        async for item in stream:
            self.got.append(item.id)
            await self.pause()


class Counting(Program):
    """Counts the items."""

    async def act(self):
        self.line.lengths = {len(self.line.rows)}
        sent = self.requests
        number = await self.whole(self.listing.list(**self.options(skips=False)).count)
        oracle.judge_count(self, number, self.requests - sent)


class Sharding(Program):
    """Cuts the listing into shards, and lists two at once."""

    async def act(self):
        parts = self.chance.choice((1, 2, 3, 7))
        listing = self.listing.list(**self.options(skips=False))
        shards = [Shard.parse(str(shard)) for shard in await self.whole(partial(listing.shards, parts))]
        self.parts, self.cut_for = parts, self.requests
        is_cut = parts > 1 and self.line.kind == "runs" and len(self.line.rows) > self.limit and oracle.is_still(self)
        least = 1 + (is_cut and "ties" not in self.world.on)  # procedures cannot be cut by time, nor can equal times
        self.check("a listing has no more shards than asked for", least <= len(shards) <= parts, shards)
        waiting = list(shards)
        single, self.concurrency = self.concurrency, 2 * self.concurrency

        async def work():
            while waiting:
                shard = waiting.pop()
                listed = self.session.list(shard, limit=self.limit, concurrency=single)
                try:
                    self.got += [item.id async for item in listed]
                except TofuPilotError as error:
                    self.meet(error)

        await asyncio.gather(work(), work())
        if not self.errors:
            oracle.judge_shards(self)


class Downloading(Program):
    """Downloads the attachments of some runs into files."""

    uses_threads = True

    @property
    def has_reached(self):
        return super().has_reached and self.way.has_reached_storage

    async def act(self):
        runs = self.session.runs.list(limit=self.limit, max_items=12)
        folder = self.universe.folder / f"{self.world.seed}-{self.name}"
        found = [one async for run in runs.details() for one in run.attachments]
        sent = self.requests
        free = asyncio.Semaphore(self.concurrency)

        async def fetch(attachment):
            async with free:
                try:
                    path = await self.session.download(attachment, folder)
                    self.check("a file is whole", path.read_bytes() == contents(attachment.id), attachment)
                except TofuPilotError as error:
                    if attachment.download_url is not None:
                        self.meet(error)
                self.got.append(attachment.id)

        async def take():
            async with asyncio.TaskGroup() as group:
                for one in found:
                    if one.id not in self.got:
                        group.create_task(fetch(one))

        await self.whole(take)
        self.check("each download comes once", sorted(self.got) == sorted(one.id for one in found), self.got)
        oracle.judge_downloads(self, found, folder, self.requests - sent)


class Asking(Program):
    """Asks for single items, as a service does, each within a deadline."""

    async def act(self):
        self.concurrency = 1
        for _ in range(self.chance.choice((3, 10))):
            await asyncio.sleep(self.chance.choice((0.0, 0.3, 5.0)))
            self.pieces += 1
            try:
                async with asyncio.timeout(4.0):
                    await self.session.runs.get("none")
            except TimeoutError:
                await self.settled("a timeout")
            except NotFoundError:
                self.world.marks.add("a missing item is a NotFoundError")
            except TofuPilotError as error:
                self.meet(error)
        if self.is_alone and not self.world.on & {"outage", "faults", "pauses", "limiter"}:
            await self.ask_in_vain("broken", 500, ATTEMPTS)
            await self.ask_in_vain("busy", 503, 1)

    async def ask_in_vain(self, what, status, attempts):
        """Ask for what can never be had: as often as the policy says, or once where the pause would be too long."""
        self.pieces += 1
        sent, began = self.requests, self.world.now
        try:
            await self.session.runs.get(what)
        except APIError as error:
            failed = self.requests - sent, error.attempts, error.status
            self.check("what always fails costs its attempts", failed == (attempts, attempts, status), failed)
            took = self.world.now - began if attempts > 1 else None
            self.check("an error says how long it was tried", error.elapsed == pytest.approx(took), error.elapsed, took)


KINDS = {
    "walk": Walking,
    "pages": Paging,
    "details": Detailing,
    "since": Catching,
    "follow": Following,
    "count": Counting,
    "shards": Sharding,
    "downloads": Downloading,
    "ask": Asking,
}
