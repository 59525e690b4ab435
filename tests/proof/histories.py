"""All histories of a listing within a bound, on the real client: every change, every order of responses, every resume.

A history is a listing of a few items, what is created and removed between its requests, the order in which responses
arrive, and the item after which the walk is resumed from the text of its checkpoint. `explore` runs all of them. Each
is a list of choices. The client is run with one list after the other, and each run says where there was another choice.

The server is in this file, because it has to be believed. How it orders equal times and reads its filters is in
``fakes/database.py``. The session, the listing and the walk are the package's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import selectors
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import define, evolve, field, frozen
from fakes.database import FILTERS, MILLISECOND, ORDERS, Listed, shown

from aiotofupilot import Checkpoint, DriftError, TofuPilotError
from aiotofupilot.sandbox.request import Delivery
from aiotofupilot.testing import FakeClock, session_in_process

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from typing import Self

    from aiotofupilot import Procedure, TofuPilotSession, Walk
    from aiotofupilot.sandbox import Request

_log = logging.getLogger("aiotofupilot")

_REQUESTS_AT_MOST = 100
"""A walk that makes more requests in so small a listing stands still."""

_FAR_OFF = {"to the day", "of another time"}
"""Filters that take a search with several bounds."""

_FAILURES_AT_MOST = 100
"""A walk that is wrong can make the histories in a bound endlessly many."""

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR = timedelta(seconds=1 << 12)  # it can be halved often, so that items can be created between two others


@frozen
class Bound:
    """Which histories there are."""

    items: int
    """How many items are listed at first."""
    changes: int
    """The most items that are created and removed, in all."""
    limit: int
    """Items per page."""
    in_flight: int
    """The most requests in flight."""
    resumes: bool = False
    """Whether the walk may be resumed once, after any of its items."""
    passed: int = 0
    """How many more items are listed before these. A walk has yielded them, and the history begins at its checkpoint.
    After more than eight of them, the walk does not know where the listing began."""
    alike: int = 1
    """How many items in a row have one time at first."""
    order: str = "index"
    """How the server orders equal times."""
    filter: str = "inclusive"
    """How it reads ``created_after`` and ``created_before``."""
    gap: timedelta = _HOUR
    """The time between two items at first that do not have the same one."""

    def __str__(self) -> str:
        passed = f"after {self.passed} more, " if self.passed else ""
        resumes = ", resumed anywhere" if self.resumes else ""
        alike = f", {self.alike} at one time" if self.alike > 1 else ""
        order = f", {self.order}" if self.order != "index" else ""
        filtered = f", filter {self.filter}" if self.filter != "inclusive" else ""
        gap = f", {self.gap / MILLISECOND:g} ms between" if self.gap != _HOUR else ""
        listed = f"{self.items} items, {passed}{self.changes} changes{alike}{gap}{order}{filtered}"
        return f"{listed}, pages of {self.limit}, {self.in_flight} in flight{resumes}"


class Choices:
    """The choices of one history. Those that are not given are the first of their kind, such as no change."""

    def __init__(self, given: Sequence[int] = ()) -> None:
        self.made: list[tuple[int, int]] = []
        """What was chosen, and of how many."""
        self._given = given

    def choose(self, count: int) -> int:
        """Return one of so many possibilities."""
        at = len(self.made)
        chosen = self._given[at] if at < len(self._given) else 0
        self.made.append((chosen, count))
        return chosen

    def following(self) -> list[int] | None:
        """Return the choices of the next history. None: there is no other one."""
        made = list(self.made)
        while made:
            chosen, count = made.pop()
            if chosen + 1 < count:
                return [*(choice for choice, _ in made), chosen + 1]
        return None


class Row(NamedTuple):
    """An item."""

    id: str
    at: datetime
    """Its time, which orders the listing: the newest one comes first."""
    stored: int
    """How many items were stored before it."""


@define
class Server:
    """A listing of procedures whose cursors are offsets. Before each response, the choices may change it."""

    bound: Bound
    choices: Choices
    rows: list[Row] = field(init=False)
    """In the order of the listing. Those with one time are in the order of an index."""
    times: dict[str, datetime] = field(init=False)
    """The time of every item that there ever was."""
    stayed: set[str] = field(init=False)
    """The items that were listed at first and were not removed."""
    longest: int = field(init=False)
    """The most items that ever had one time, as JSON shows it."""
    shows_order: bool = field(init=False, default=True)
    """Whether a response has shown which of two times comes first. A resumed walk has to see it again."""
    unsorted: int = 0
    """How many pages were not in the order of their times. Those in flight may be dropped when the walk ends."""
    events: list[str] = field(factory=list[str])
    """What has happened, for people."""
    changes: int = 0
    requests: int = 0
    api_key: str = "key"

    def __attrs_post_init__(self) -> None:
        bound = self.bound
        names = [chr(ord("a") + at) for at in range(bound.passed + bound.items)]
        places = [bound.passed + (at - bound.passed) // bound.alike for at in range(len(names))]
        newest = _EPOCH + len(names) * bound.gap
        self.rows = [
            Row(name, newest - place * bound.gap, len(names) - at)
            for at, (name, place) in enumerate(zip(names, places, strict=True))
        ]
        self.times = {row.id: row.at for row in self.rows}
        self.stayed = set(names[bound.passed :])
        self.longest = _longest(self.rows)

    def change(self) -> None:
        """Create and remove items as the choices say."""
        while self.changes < self.bound.changes:
            chosen = self.choices.choose(2 * len(self.rows) + 2)
            if not chosen:
                return
            self.changes += 1
            place, is_removal = divmod(chosen - 1, 2)
            if is_removal:
                name, what = self.rows.pop(place).id, "removed"
                self.stayed.discard(name)
            else:
                name, what = chr(ord("A") + self.changes - 1), "created"
                self.rows.insert(place, Row(name, self._time_at(place), len(self.times) + 1))
                self.times[name] = self.rows[place].at
                self.longest = max(self.longest, _longest(self.rows))
            self.events.append(f"{name} is {what}: {self._drawn(self.rows)}")

    def _time_at(self, place: int) -> datetime:
        """Return a time between those of two neighbours. Between two equal ones, it is the same."""
        older = self.rows[place].at if place < len(self.rows) else _EPOCH
        newer = self.rows[place - 1].at if place else max(older, _EPOCH) + 2 * self.bound.gap
        return older + (newer - older) / 2

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide a response when the request arrives. It takes a second, which lets the choices order the responses."""
        self.requests += 1
        if self.requests > _REQUESTS_AT_MOST:
            raise EndlessError
        self.change()
        cursor, limit = int(request.query.get("cursor", 0)), int(request.query["limit"])
        selected = [row for row in self.rows if self._selects(row, request)]
        page = self._page(selected, cursor, cursor + limit)
        has_more = cursor + limit < len(selected)
        bounds = "".join(f", {name} {request.query[name]}" for name in _BOUNDS if name in request.query)
        self.events.append(f"{limit} at {cursor}{bounds}: {self._drawn(page)}")
        self.unsorted += any(older.at > newer.at for newer, older in pairwise(page))
        self.shows_order |= len({shown(row.at) for row in page}) > 1
        meta = {"has_more": has_more, "next_cursor": cursor + limit if has_more else None}
        body = json.dumps({"data": [_document(row) for row in page], "meta": meta}).encode()
        response = Delivery.of(200, {"Content-Type": "application/json"}, body)
        yield Delivery((1.0, *response.steps))

    def _selects(self, row: Row, request: Request) -> bool:
        """Return whether a row meets the filters of a request."""
        manner = FILTERS[self.bound.filter]
        # The other time is what a late upload has: the item had begun before, and is in the place of its beginning.
        time = row.at + 1.5 * self.bound.gap if manner.is_of_another_time else row.at
        return all(
            manner.selects(time, datetime.fromisoformat(request.query[name]), is_before=is_before)
            for name, is_before in _BOUNDS.items()
            if name in request.query
        )

    def _page(self, selected: Sequence[Row], start: int, stop: int) -> list[Row]:
        """Return the rows of a page, as the database orders them for it."""
        ranks = {time: rank for rank, time in enumerate(dict.fromkeys(row.at for row in selected))}
        listed = [Listed(row, ranks[row.at], row.stored) for row in selected]
        return [row for row, *_ in ORDERS[self.bound.order](listed, start, stop, self.choices.choose)]

    def _drawn(self, rows: Sequence[Row]) -> str:
        """Write the names of rows. Where some have one time, a stroke separates the times."""
        groups = ["".join(row.id for row in group) for _, group in groupby(rows, lambda row: shown(row.at))]
        return ("|" if self.longest > 1 else "").join(groups) or "-"

    def is_right(self, yielded: Sequence[str], *, resumed: Sequence[str]) -> bool:
        """Return whether each item that stayed came, in the order of the times, and none came twice."""
        once = {*resumed, *yielded}
        stayed = [shown(self.times[name]) for name in yielded if name in self.stayed]
        is_in_order = self.bound.order == "unsorted" or stayed == sorted(stayed, reverse=True)
        return len(once) == len(resumed) + len(yielded) and self.stayed <= once and is_in_order

    def allowed(self, on_drift: str | None) -> set[str]:
        """Return how this history may end.

        Items of one time are a set, so no order of them and no filter may cost an item. There are three exceptions, of
        which a walk has to warn, or to raise an error with ``resync``. Procedures have no other order, which would tell
        the items of a long group apart. A listing without an order has no position; one whose pages happened to be
        sorted did not show that. And a resumed walk that sees items of a single time does not know which come first.
        """
        bound, allowed = self.bound, {"exact"}
        is_still = bound.order == "index" and not self.changes
        if bound.filter != "inclusive" or not self.shows_order:
            allowed |= {"warned"}
        if self.longest >= bound.limit or bound.order == "unsorted":
            allowed |= {"warned"} if is_still else {"warned", "unchecked"}
        if bound.order == "unsorted" and self.unsorted < bound.in_flight:
            allowed |= {"wrong", "refused"}
        return allowed - {"warned", "unchecked"} | {"refused"} if on_drift and len(allowed) > 1 else allowed


_BOUNDS = {"created_after": False, "created_before": True}
"""The filters by time, and whether each is a latest time."""


def _longest(rows: Sequence[Row]) -> int:
    return max(Counter(shown(row.at) for row in rows).values(), default=0)


class EndlessError(Exception):
    """The walk makes too many requests."""


def _document(row: Row) -> dict[str, Any]:
    created_at = row.at.isoformat(timespec="milliseconds")
    return {"id": row.id, "name": row.id, "created_at": created_at.replace("+00:00", "Z")}


class Warnings(logging.Handler):
    """Counts the warnings of the package."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


class Line(FakeClock):
    """The clock of a history. A response arrives when the choices say so, and then only if nothing else can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices()
        self._on_the_way: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float) -> None:
        arrived = asyncio.get_running_loop().create_future()
        self._on_the_way.append(arrived)
        await arrived

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        return asyncio.timeout(None)

    def arrive(self) -> None:
        """Let one of the responses arrive."""
        self._on_the_way = [arrived for arrived in self._on_the_way if not arrived.done()]
        at = self.choices.choose(len(self._on_the_way)) if len(self._on_the_way) > 1 else 0
        self._on_the_way.pop(at).set_result(None)


class Idle(selectors.SelectSelector):
    """Calls a function when nothing in the event loop can go on. There is nothing else to wait for."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout != 0:
            self._line.arrive()
        return []


@frozen
class Outcome:
    """How a history ended."""

    verdict: str
    """``exact``; ``warned``, which is exact after a warning that it may not be; ``unchecked``, which is not exact after
    one; ``refused``, with a `DriftError`; or ``wrong``, which is not exact, and says nothing."""
    is_allowed: bool
    """Whether such a history may end like this."""
    size: tuple[int, int]
    """How much happens in it: the number of choices that were not the first of their kind, and that of all events."""
    cost: int
    """How many requests there were, less what the changes and a resume may cost."""
    resyncs: int
    events: tuple[str, ...]
    yielded: str

    def __str__(self) -> str:
        return "\n  ".join([f"{self.verdict}:", *self.events, f"yielded: {self.yielded}"])


class Lab:
    """Runs histories, one after the other, in an event loop of its own.

    Args:
        options: Other options of ``list()`` than those of the bound.
    """

    def __init__(self, **options: Any) -> None:
        self._line = Line()
        self._options = options
        self._warnings = Warnings()
        self._runner = asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Idle(self._line)))

    def __enter__(self) -> Self:
        _log.addHandler(self._warnings)
        return self

    def __exit__(self, *_: object) -> None:
        _log.removeHandler(self._warnings)
        self._runner.close()

    def start(self, bound: Bound) -> str:
        """Return the checkpoint at which the histories in a bound begin."""
        if not bound.passed:
            return "0"
        server = Server(evolve(bound, changes=0, limit=bound.passed, resumes=False, order="index"), Choices())
        return self._runner.run(self._checkpoint(server))

    async def _checkpoint(self, server: Server) -> str:
        session = session_in_process(server, self._line)
        async with session, session.procedures.list(limit=server.bound.limit).walk() as walk:
            await walk.take(server.bound.passed)
            return str(walk.checkpoint)

    def run(self, bound: Bound, start: str, given: Sequence[int] = ()) -> tuple[Outcome, Choices]:
        """Run one history from a checkpoint on."""
        choices = self._line.choices = Choices(given)
        return self._runner.run(self._history(Server(bound, choices), start)), choices

    async def _history(self, server: Server, start: str) -> Outcome:
        failure, yielded = "", list[str]()
        walks: list[Walk[Procedure]] = []
        self._warnings.count = 0
        async with session_in_process(server, self._line) as session:
            try:
                await self._walk(session, server, start, yielded, walks)
            except (TofuPilotError, EndlessError) as error:
                failure = "refused" if isinstance(error, DriftError) else "wrong"
                server.events.append(f"{type(error).__name__}: {error}")
        verdict = failure or self._verdict(server, walks, yielded)
        allowed = server.allowed(self._options.get("on_drift"))
        size = sum(chosen > 0 for chosen, _ in server.choices.made), len(server.events)
        resyncs = sum(walk.stats.resyncs for walk in walks)
        each = 6 if server.bound.filter in _FAR_OFF else 3
        cost = server.requests - each * (server.changes + len(walks) - 1)
        return Outcome(verdict, verdict in allowed, size, cost, resyncs, tuple(server.events), "".join(yielded))

    def _verdict(self, server: Server, walks: Sequence[Walk[Procedure]], yielded: Sequence[str]) -> str:
        """Return the verdict on walks that came to the end."""
        unchecked = sum(walk.stats.is_unchecked for walk in walks)
        if self._warnings.count != unchecked:
            server.events.append(f"{self._warnings.count} warnings of {unchecked} walks that are unchecked")
            return "wrong"
        passed = [chr(ord("a") + at) for at in range(server.bound.passed)]
        if server.is_right(yielded, resumed=passed):
            return "warned" if unchecked else "exact"
        return "unchecked" if unchecked else "wrong"

    async def _walk(
        self, session: TofuPilotSession, server: Server, start: str, yielded: list[str], walks: list[Walk[Procedure]]
    ) -> None:
        bound = server.bound
        options: dict[str, Any] = {"limit": bound.limit, "concurrency": bound.in_flight, **self._options}
        text, may_resume = start, bound.resumes
        while text:
            async with session.procedures.list(cursor=Checkpoint.parse(text), **options).walk() as walk:
                walks.append(walk)
                text = ""
                async for item in walk:
                    yielded.append(item.id)
                    if may_resume and server.choices.choose(2):
                        text, may_resume = str(walk.checkpoint), False
                        server.events.append(f"resumed after {item.id}")
                        server.shows_order = False
                        break


def explore(lab: Lab, bound: Bound) -> Iterator[Outcome]:
    """Yield the outcome of every history in a bound."""
    start, given = lab.start(bound), list[int]()
    while given is not None:
        outcome, choices = lab.run(bound, start, given)
        yield outcome
        given = choices.following()


@define
class Tally:
    """What became of the histories in a bound."""

    bound: Bound
    verdicts: Counter[str] = field(factory=Counter[str])
    resynced: int = 0
    """In how many the walk noticed that the listing had moved."""
    shortest: Outcome | None = None
    """The shortest one that ends as none may. None: there is none."""

    @classmethod
    def of(cls, bound: Bound, **options: Any) -> Tally:
        """Run all histories in a bound, or until a number of them have failed. In the first one, nothing happens."""
        tally, failures, least = cls(bound), 0, 0
        with Lab(**options) as lab:
            for outcome in explore(lab, bound):
                tally.verdicts[outcome.verdict] += 1
                tally.resynced += outcome.resyncs > 0
                least = least or outcome.cost
                if outcome.is_allowed and outcome.cost < least + bound.in_flight:
                    continue
                if tally.shortest is None or outcome.size < tally.shortest.size:
                    tally.shortest = outcome
                failures += 1
                if failures == _FAILURES_AT_MOST:
                    break
        return tally

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(self.verdicts.items()))
        return f"{self.bound}: {verdicts}; {self.resynced:,} resynced"
