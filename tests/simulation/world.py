"""The universe of one seed: a loop on which time passes when everybody waits, its clock, and what is on in it.

A seed decides all that happens: what is listed, what changes, what fails and when, who lists what and how, and in which
order the loop runs what is ready. The same seed and commit repeat everything.
"""

import asyncio
import logging
import math
import random
import selectors
from contextvars import ContextVar
from datetime import timedelta
from email.utils import format_datetime
from itertools import count

from aiotofupilot.testing import FakeClock

TROUBLES = (
    "moving",  # items come and go
    "ties",  # many items have the same time
    "faults",  # single responses fail
    "outage",  # nothing is served for some time
    "pauses",  # the server asks to wait
    "unreadable",  # some items cannot be served
    "odd",  # the cursors are not those of TofuPilot
    "interrupts",  # who lists something is cancelled, times out, leaves or closes, and resumes from a text
    "slow",  # who lists something takes its time between two items
    "limiter",  # the session has a limiter
    "close",  # the session is closed at some time, and another one goes on
    "skew",  # a clock is wrong
    "together",  # several list at once
)
"""What can be in the way. Each seed has about half of it, or little, so that costs can be held to the page.

A negative seed always has little, and a database that lists as it should. Its requests and times are known beforehand.
"""

OFTEN = ("interrupts", "faults", "unreadable")
"""What is often there alone, or two of it, because much of it shows only where nothing else excuses it."""

MANNERS = ("jitter", "tiny", "shuffle", "spans", "debug", "echo")
"""How the universe is beside that: latency that varies, pages of 2 to 5, ready callbacks in any order, telemetry, a
verbose log, and a server that repeats the key."""

MOST_TURNS = 400_000
"""A universe with more turns of the loop does not come to an end."""


PROGRAM = ContextVar("program")
"""Whoever lists something. What a task begins on behalf of a program belongs to it."""


WORK = 0.001
"""Seconds that some work on a file takes, in a thread."""


class StuckError(Exception):
    """Everybody waits, and for nothing that could come; or the end does not come."""


class _Jump(selectors.SelectSelector):
    """Waits for no file, and lets the time pass until the next timer."""

    def __init__(self, loop):
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        self._loop.pass_by(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing is ready."""

    def __init__(self, shuffle):
        self.seconds, self.turns, self._shuffle = 0.0, 0, shuffle
        self.at_work = 0
        """How many threads work on a file."""
        super().__init__(_Jump(self))

    def time(self):
        return self.seconds

    def pass_by(self, timeout):
        """Let the time pass, or put what is ready in another order."""
        self.turns += 1
        if timeout is None or self.turns > MOST_TURNS:
            raise StuckError("everybody waits for ever" if timeout is None else f"no end after {MOST_TURNS} turns")
        if timeout > 0:
            # Exactly, because who wakes a rounding error too early waits for that, and no time passes while it does.
            self.seconds = self._scheduled[0].when()
            self._clock_resolution = math.ulp(self.seconds)
        elif self._shuffle is not None and len(self._ready) > 1:
            ready = list(self._ready)
            self._shuffle.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)

    def run_in_executor(self, _executor, work, *arguments):
        """Do some work a little later. As with a thread, nobody can cancel it."""
        done = self.create_future()

        def do():
            self.at_work -= 1
            try:
                result, error = work(*arguments), None
            except Exception as failure:  # noqa: BLE001 - it is raised where the work is awaited
                result, error = None, failure
            if not done.done():
                done.set_result(result) if error is None else done.set_exception(error)

        self.at_work += 1
        self.call_later(WORK, do)
        return done

    def _write_to_self(self):
        """Do nothing, because nobody waits for a file."""


class Clock(FakeClock):
    """The session's clock: the time of the loop, off by some seconds if it is wrong."""

    def __init__(self, loop, chance, begins, *, off=0.0):
        super().__init__(start=begins)
        self._loop, self._chance, self._off = loop, chance, off
        self.draws = []
        """The waits that were drawn: when, between which bounds, and how long each is."""

    def monotonic(self):
        return self._loop.time()

    def now(self):
        return super().now() + timedelta(seconds=self._loop.time() + self._off)

    def uniform(self, low, high):
        drawn = self._chance.uniform(low, high)
        self.draws.append((self._loop.time(), low, high, drawn))
        return drawn

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    def timeout(self, seconds):
        return asyncio.timeout(seconds)


class World:
    """What a seed decides, and what everybody in its universe knows."""

    def __init__(self, seed):
        self.seed = seed
        chance = self.chance("world")
        self.is_plain = seed < 0
        self.on = self._drawn(chance)
        self.loop = Loop(self.chance("shuffle") if "shuffle" in self.on else None)
        self.number = count()
        skew = chance.choice((-3600.0, -30.0, 20.0, 3600.0)) if "skew" in self.on else 0.0
        self.local_off, self.server_off = (skew, 0.0) if chance.random() < 0.5 else (0.0, skew)
        # The newest of the made-up items is 42 hours younger than the start of a fake clock.
        self.begins = FakeClock().now() + timedelta(days=chance.choice((0, 2, 2)))
        self.clock = Clock(self.loop, self.chance("clock"), self.begins, off=self.local_off)
        self.broken = []
        """The promises that were broken, with what happened."""
        self.marks = set()
        """The promises that were really tested."""
        self.sessions = self.responses = 0
        """How many sessions there were, and responses that may have been good."""
        self.tallies = {}
        """Numbers that are no promise, such as how many walks were refused."""

    def chance(self, what):
        """Return a source of chance of its own, so that one part of the universe does not move the others."""
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - it hides nothing

    def _drawn(self, chance):
        weights = (2, 4, 4, 0, 0) if self.is_plain else (2, 5, 4, 3, 6)
        how = chance.choices(("calm", "one", "two", "moving and one", "half"), weights)[0]
        on = {
            "calm": set(),
            "one": {chance.choice(TROUBLES)},
            "two": {chance.choice(OFTEN), chance.choice(OFTEN)},
            "moving and one": {"moving", chance.choice(TROUBLES)},
            "half": {trouble for trouble in TROUBLES if chance.random() < 0.5},
        }[how]
        return on | {manner for manner in MANNERS if chance.random() < 0.25}

    def after_turns(self, turns, do):
        """Do something after so many turns of the loop."""
        self.loop.call_soon(*(self.after_turns, turns - 1, do) if turns else (do,))

    @property
    def now(self):
        return self.loop.seconds

    @property
    def date(self):
        """The time as the server tells it."""
        return format_datetime(self.begins + timedelta(seconds=self.now + self.server_off), usegmt=True)

    def check(self, promise, holds, *facts):
        """Hold a promise to what happened."""
        self.marks.add(promise)
        if not holds:
            self.broken.append(f"{promise} (at {self.now:.3f} s): {' '.join(map(str, facts))}")

    def costs(self, promise, number, most, *facts):
        """Hold a number of requests, seconds or bytes to its budget."""
        self.check(promise, number <= most, number, "of", most, *facts)

    def tally(self, what, number=1):
        self.tallies[what] = self.tallies.get(what, 0) + number


REMINDER = 600.0
"""Seconds between two warnings while nothing but failures comes, as the guide says."""


class Records(logging.Handler):
    """Keeps no record, looks for the key in each, and counts the warnings of walks."""

    def __init__(self, world, key):
        super().__init__(logging.DEBUG if "debug" in world.on else logging.INFO)
        self._world, self._key = world, key
        self._warned = None
        """When a warning said last that something failed, and how many sessions and good responses there were."""

    def emit(self, record):
        text = f"{record.getMessage()} {record.exc_info} {record.__dict__}"
        self._world.check("the key is in no log record", self._key not in text, record.getMessage())
        if "may be missed or doubled" in record.getMessage():
            PROGRAM.get().warnings += 1
        PROGRAM.get().moves += " have moved: the page at cursor " in record.getMessage()
        if record.getMessage().partition("cannot be read, so ")[2].partition(":")[0].endswith("is left out"):
            PROGRAM.get().left_out += 1
        if record.getMessage().startswith("attempt", record.getMessage().find(": ") + 2):
            self._hold_failure(record)

    def _hold_failure(self, record):
        """Hold a record of an attempt to what failed, and warnings to one in ten minutes without a good response."""
        world, program = self._world, PROGRAM.get()
        if program.uses_threads:  # a storage goes down apart from the server, and is warned of separately
            self._warned = -math.inf, None
            return
        if record.levelno >= logging.WARNING:
            known = world.sessions, world.responses
            at, before = self._warned or (-math.inf, None)
            is_rare = world.now - at >= REMINDER - 1e-6 or before != known
            world.check("an outage is a warning each ten minutes", is_rare, world.now - at, record.getMessage())
            self._warned = world.now, known
        world.check("the first failure is a warning", self._warned, record.getMessage())
        failed = program.latest
        # One item may be a control, and a stream that failed begins to count anew.
        if program.is_alone and "unreadable" not in world.on and failed.limit != 1 and not program.is_endless:
            said = record.tofupilot_attempt, record.tofupilot_cursor or 0, round(record.tofupilot_duration, 6)
            is_right = said == (failed.attempt, failed.cursor, round(failed.ended - failed.at, 6))
            world.check("a record says which attempt failed", is_right, said, failed)
