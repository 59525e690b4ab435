"""The way between a session and the server: it takes time, breaks, and knows what each program has sent."""

import asyncio
import math
import socket
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import parse_qsl

import aiohttp
import msgspec
from attrs import define, field
from simulation.oracle import HARMLESS
from simulation.world import PROGRAM, StuckError

from aiotofupilot import ConnectionFailedError
from aiotofupilot.testing.in_process import InProcess, session_over

MOST_REQUESTS = 100_000
"""A universe with more requests does not come to an end."""

ELAPSED = 120.0
"""The longest time for which a page is requested again, by the usual policy."""

DOWN = 5
"""After so many failures about the server without a good response between them, the session is down."""

LONGEST = 100
"""The most items of a page, by the API."""

OBEYED = 60.0
"""The longest pause that is obeyed, by the usual policy."""

ATTEMPTS = 6
"""The most requests for a page, by the usual policy, while the server responds well to others."""

SLOW_ATTEMPTS = 2
"""After so many attempts that took too long, a page is read in parts if others can be read."""

GOOD = {200, 206, 400, 404}
SLOW = {408, 504}
ABOUT_SERVER = {429, 502, 503}


@define(eq=False)
class Sent:
    """One request."""

    program: object
    key: tuple
    """What is requested, and in which piece of the program's work. After a cancellation, the attempts begin anew."""
    path: str
    cursor: int
    limit: int
    at: float
    is_first: bool
    """Whether the program has not sent the same one before."""
    starts: int
    """How often the server had asked for a pause."""
    is_by_value: bool = False
    """Whether it asks for what is before or after a time."""
    is_probe: bool = False
    """Whether it was sent while the session was down."""
    ended: float = math.inf
    asked: float | None = None
    """The seconds of the pause for which its response asked."""
    own_failures: int = 0
    """How many of the failures before it, in a row, were surely about what it requests."""
    status: int | None = None
    """The status of a whole response. None: there was none."""
    size: int = 0
    """The bytes of its body."""
    is_read: bool = False
    """Whether the body is what was to be sent, as far as one can see."""
    has_failed: bool = False
    """Whether there was no good response. Otherwise there was one, or nobody wanted it any more."""
    was_cancelled: bool = False
    is_slow: bool = False
    """Whether it took too long."""
    server_failures: int = -1
    """How many failures about the server there had been when it ended; -1: no good response has come since the last."""
    attempt: int = 1
    """Its number among the requests for the same that follow each other's failures."""
    began: float = 0.0
    """When the first of these was sent."""
    failures: int = 0
    """How often in a row the same request has failed before, as far as the policy counts that."""
    slow: int = 0
    """How many of these took too long."""
    failed_at: float = math.inf
    """When the first of these failed, or began if it took too long."""

    @property
    def is_of_api(self):
        """Whether the server got it, and not the storage, which has other pauses and outages."""
        return "/storage/" not in self.path

    @property
    def is_about_server(self):
        """Whether its failure says that the server is down."""
        return self.has_failed and not self.is_slow and self.status in {None, *ABOUT_SERVER}


@define(eq=False)
class Way:
    """What the session of a universe sends, and what may be sent."""

    world: object
    server: object
    sent: list = field(factory=list)
    """Everything that was ever sent."""
    in_flight: int = 0
    since_pause: int = 0
    """How many of those in flight were sent after the server asked for the last pause."""
    last: dict = field(factory=dict)
    """The last request of each key."""
    has_reached: bool = False
    """Whether the present session has had a response."""
    has_reached_storage: bool = False
    """Whether it has had one of the storage, whose address is another one."""
    quiet_until: float = 0.0
    """Until then, the server wants nothing."""
    starts: int = 0
    allowed: float = math.inf
    """The most requests in flight after the server has asked for a pause, or after an outage."""
    is_after_outage: bool = False
    """Whether nothing has failed since a probe had a good response."""
    in_a_row: int = 0
    """How many failures about the server there were since the last good response."""
    is_lost: bool = False
    """Whether there was no response at the last of these."""
    is_failing: bool = False
    """Whether there was such a failure since the last good response, also if there never was a response."""
    server_failures: int = 0
    """How many such failures there ever were."""
    probes: int = 0
    """How many requests are in flight that were sent while the session was down."""
    limited: int = 0
    """How many are within the limiter."""

    def connected(self):
        """Begin anew with another session."""
        self.has_reached, self.quiet_until, self.allowed, self.in_a_row, self.probes = False, 0.0, math.inf, 0, 0
        self.starts, self.since_pause, self.is_failing = self.starts + 1, 0, False
        self.is_after_outage = False
        self.has_reached_storage = False
        self.world.sessions += 1
        for sent in self.sent:
            sent.is_probe = False  # of this session

    def begin(self, url, headers):
        """Note a request, and hold it to what may be sent now."""
        world, program = self.world, PROGRAM.get()
        if len(self.sent) >= MOST_REQUESTS:
            raise StuckError(f"no end after {MOST_REQUESTS} requests")
        query = dict(parse_qsl(url.raw_query_string))
        what = url.raw_path, url.raw_query_string, headers.get("Range")
        key = (*what, program, program.pieces, program.efforts)
        cursor, limit = int(query.get("cursor", 0)), int(query.get("limit", 0))
        sent = Sent(program, key, url.raw_path, cursor, limit, world.now, what not in program.asked, self.starts)
        before = self.last.get(key)
        is_again = before is not None and before.has_failed
        sent.attempt, sent.began = (before.attempt + 1, before.began) if is_again else (1, world.now)
        sent.own_failures = before.own_failures + (not before.is_about_server) if is_again else 0
        if limit:
            is_asked = limit <= LONGEST and self.server.line.query.items() <= query.items()
            world.check("a request has the filters of its listing", is_asked, query)
        sent.is_by_value = any(name.endswith(("_before", "_after")) for name in query)
        program.asked.add(what)
        if sent.is_of_api:
            self._hold(sent)
        self.in_flight += 1
        self.since_pause += sent.is_of_api
        self.last[key] = sent
        self.sent.append(sent)
        program.begin(sent)
        return sent

    def _hold(self, sent):
        """Hold a request to the pauses, the outages and the failures before it."""
        world = self.world
        if self.quiet_until:
            world.check("a pause is kept", world.now >= self.quiet_until - 1e-6, "until", self.quiet_until)
            if not world.on & {"outage", "faults", "unreadable"}:  # after an outage it begins with two
                # Those from before may hang until their time is up, and a response to one of them allows another.
                fits = self.since_pause <= self.allowed
                world.check("after a pause requests come back gradually", fits, self.since_pause, "in flight")
        if self.is_after_outage:
            # The server has shown that it serves one request. So two may follow, and two more for each that ends. After
            # a failure nothing is known, because it may begin another outage, which ends without a probe seen here.
            fits = self.since_pause < self.allowed
            world.check("after an outage requests come back gradually", fits, self.since_pause, self.allowed, sent)
        is_part = sent.limit not in {0, sent.program.limit} or (sent.limit and "tiny" in world.on)  # or a control
        if self.in_a_row >= DOWN and self.has_reached and not is_part:
            world.check("while the server is down, one request at a time probes", self.probes == 0, self.probes, sent)
            sent.is_probe = True
            self.probes += 1
        before = self.last.get(sent.key)
        if before is None or not before.has_failed or is_part or sent.program.is_endless:
            return
        self._hold_wait(sent, before)
        slow = before.slow + before.is_slow
        is_plain = sent.program.is_plain and not world.on - HARMLESS - {"unreadable", "interrupts"}
        is_first_contact = not self.has_reached and "together" not in world.on  # where each gives up by itself
        if is_plain or is_first_contact:
            # Before the first response, failures of the server count by themselves, and a timeout is not one of them.
            is_over = before.failures + 1 >= ATTEMPTS and (before.status == 500 or not (self.has_reached or slow))
            is_over |= is_plain and slow >= SLOW_ATTEMPTS  # then it is read in parts
            world.check("a page has no more attempts than the policy says", not is_over, sent, before)
        if slow >= SLOW_ATTEMPTS and sent.limit:  # the page was read in parts, and is requested again for other reasons
            return
        sent.failures, sent.slow, waited = before.failures + 1, slow, world.now - before.ended
        sent.failed_at = min(before.failed_at, before.at if before.is_slow else before.ended)
        if world.on & {"unreadable", "shuffle", "filters"}:  # where the position is looked for, pages come again
            return
        elapsed = world.now - sent.failed_at
        world.check("no attempt begins after the time is up", elapsed <= ELAPSED + 1e-6, elapsed, sent)
        is_up = before.server_failures == self.server_failures  # a single failure may begin an outage
        is_held_up = self.quiet_until or self.server.goes_down <= world.now or "limiter" in world.on
        if is_up and not is_held_up and sent.limit:  # details that took too much memory are requested again later
            longest = 0.5 * 2.0 ** (sent.failures - 1)
            world.check("waits are no longer than the policy says", waited <= longest + 1e-6, waited, longest, sent)

    def _hold_wait(self, sent, before):
        """Hold the wait before another attempt to what was drawn or asked for, if there is no other reason to wait."""
        world, waited = self.world, self.world.now - before.ended
        if not sent.program.is_alone or world.on & {"outage", "unreadable", "limiter", "shuffle"}:
            return
        if sent.program.latest is not before:  # a control came between
            return
        if before.asked is not None and "faults" not in world.on:
            is_exact = abs(waited - before.asked) < 1e-6
            world.check("a pause ends when the server says", is_exact, waited, before.asked, sent)
        elif not (before.is_about_server or sent.own_failures < before.attempt or self.quiet_until):
            longest = min(30.0, 0.5 * 2.0 ** (sent.own_failures - 1))
            drawn = [
                wait for at, low, high, wait in world.clock.draws if (at, low, high) == (before.ended, 0.0, longest)
            ]
            is_drawn = any(abs(waited - wait) < 1e-6 for wait in drawn)
            world.check("a wait is drawn up to its bound, and kept", is_drawn, waited, longest, drawn, sent)

    def end(self, sent, retry_after=None):
        """Note that a request is over."""
        world = self.world
        sent.ended, sent.asked = world.now, retry_after
        self.in_flight -= 1
        self.has_reached |= sent.status is not None
        self.has_reached_storage |= sent.status is not None and not sent.is_of_api
        if sent.is_of_api:
            world.responses += sent.status in GOOD  # also if its body is cut, which does not matter in an error
            self.probes -= sent.is_probe
            if sent.is_about_server:
                self.is_lost = sent.status is None
                self.in_a_row += self.has_reached  # before the first response, the session gives up instead
                self.server_failures, self.is_failing = self.server_failures + 1, True
            elif not (sent.has_failed or sent.was_cancelled):
                self.in_a_row, self.is_failing = 0, False
            elif self.is_lost and sent.status is not None:
                self.in_a_row = 0  # connections were lost, and a response that is bad shows that the server is there
            self._note_pause(sent, retry_after)
            self._note_outage(sent)
        sent.server_failures = self.server_failures if not self.is_failing else -1
        sent.program.end(sent)

    def _note_pause(self, sent, retry_after):
        if sent.starts == self.starts:
            self.since_pause -= 1
            self.allowed += 1
        if retry_after is not None:
            self.quiet_until = max(self.quiet_until, self.world.now + retry_after)
            if sent.starts == self.starts:
                self.starts += 1
                self.allowed, self.since_pause = 1, 0

    def _note_outage(self, sent):
        if sent.has_failed:
            self.is_after_outage = False
        elif sent.is_probe and not sent.was_cancelled:
            self.is_after_outage, self.starts = True, self.starts + 1
            self.allowed, self.since_pause = 2, 0


class Network(InProcess):
    """Takes requests to the sandbox of a universe, at the speed and on the days of its server."""

    def __init__(self, way, sandbox, *arguments, **options):
        super().__init__(sandbox, *arguments, **options)
        self._way = way

    @asynccontextmanager
    async def requested(self, url, authorization, headers={}):  # noqa: B006 - nobody changes it
        way, server = self._way, self._way.server
        sent, retry_after = way.begin(url, headers), None
        try:
            await asyncio.sleep(server.takes())
            window = server.window
            if window is not None and window.kind in REFUSES:
                raise _refused(window.kind)
            async with _limited(sent), super().requested(url, authorization, headers) as (head, parts):
                body = bytearray()
                yield head, _copied(parts, body)
                sent.status, sent.size, retry_after = head.status, len(body), _retry_after(head)
                sent.is_read = not sent.is_of_api or _is_json(body)
        except asyncio.CancelledError:
            sent.was_cancelled = True
            raise
        finally:
            has_timed_out = sent.was_cancelled and way.world.now - sent.at >= TIMEOUT - 1e-6
            sent.is_slow = has_timed_out or sent.status in SLOW
            is_good = sent.status in GOOD and sent.is_read
            sent.has_failed = has_timed_out or not (sent.was_cancelled or is_good)
            way.end(sent, retry_after)


REFUSES = {"refused", "unresolved", "drain"}
"""How a server is down to which nobody can connect."""

TIMEOUT = 30.0
"""The usual limit of an attempt."""


@asynccontextmanager
async def _limited(sent):
    """Limit the time of a request to a storage, as aiohttp does, which has no clock of the universe."""
    try:
        async with asyncio.timeout(None if sent.is_of_api else TIMEOUT):
            yield
    except TimeoutError as error:
        raise aiohttp.SocketTimeoutError("no byte came in time") from error


async def _copied(parts, body):
    async for part in parts:
        body += part
        yield part


def _is_json(body):
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _retry_after(head):
    """Return the seconds of the pause that a response asks for. None: it asks for none."""
    asked = head.headers.get("Retry-After")
    if asked is not None:
        return float(asked) if float(asked) <= OBEYED else None
    return 1.0 if head.status == 429 else None


def _refused(kind):
    error = ConnectionFailedError(f"the connection failed: {kind}")
    error.__cause__ = socket.gaierror(-3, "again") if kind == "unresolved" else ConnectionRefusedError(111, "refused")
    return error


class Limiter:
    """A limiter of a user, which lets one request through in a while."""

    def __init__(self, way):
        self._way, self._free_at = way, 0.0

    async def __aenter__(self):
        now = self._way.world.now
        free_at = max(now, self._free_at) + SPACING
        await asyncio.sleep(free_at - now)
        self._free_at = free_at  # a request that was cancelled in its wait has taken nothing
        self._way.limited += 1

    async def __aexit__(self, *_):
        self._way.limited -= 1
        await asyncio.sleep(0)


SPACING = 0.05
"""Seconds between two requests of a limiter."""


def connect(way, sandbox, **options):
    """Return a session of the universe."""
    way.connected()
    make = partial(Network, way, sandbox)
    return session_over(make, way.world.clock, api_key=sandbox.api_key, **options)
