"""All histories of a listing within a bound, on the real client: every change, every order of responses, every resume.

A history is a listing of a few items, what is created and removed between its requests, the order in which responses
arrive, and the item after which the walk is resumed from the text of its checkpoint. `explore` runs all of them. Each
is a list of choices. The client is run with one list after the other, and each run says where there was another choice.

The server is in this file, because it has to be believed. The session, the listing and the walk are the package's.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import define, evolve, field, frozen

from aiotofupilot import Checkpoint, DriftError, TofuPilotError
from aiotofupilot.sandbox.request import Delivery
from aiotofupilot.testing import FakeClock, session_in_process

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from typing import Self

    from aiotofupilot import Procedure, TofuPilotSession, Walk
    from aiotofupilot.sandbox import Request

_REQUESTS_AT_MOST = 60
"""A walk that makes more requests in so small a listing stands still."""

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_GAP = 1 << 12  # seconds between two items at first, so that others can be created between them


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

    def __str__(self) -> str:
        passed = f"after {self.passed} more, " if self.passed else ""
        resumes = ", resumed anywhere" if self.resumes else ""
        flight = f"{self.in_flight} in flight"
        return f"{self.items} items, {passed}{self.changes} changes, pages of {self.limit}, {flight}{resumes}"


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
    """An item, and the seconds that order it: the newest one comes first."""

    id: str
    at: int


@define
class Server:
    """A listing of procedures whose cursors are offsets. Before each response, the choices may change it."""

    bound: Bound
    choices: Choices
    rows: list[Row] = field(init=False)
    stayed: set[str] = field(init=False)
    """The items that were listed at first and were not removed."""
    events: list[str] = field(factory=list[str])
    """What has happened, for people."""
    changes: int = 0
    requests: int = 0
    api_key: str = "key"

    def __attrs_post_init__(self) -> None:
        names = [chr(ord("a") + at) for at in range(self.bound.passed + self.bound.items)]
        self.rows = [Row(name, (len(names) - at) * _GAP) for at, name in enumerate(names)]
        self.stayed = set(names[self.bound.passed :])

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
                newer = self.rows[place - 1].at if place else (self.rows[0].at if self.rows else 0) + 2 * _GAP
                older = self.rows[place].at if place < len(self.rows) else 0
                name, what = chr(ord("A") + self.changes - 1), "created"
                self.rows.insert(place, Row(name, (newer + older) // 2))
            self.events.append(f"{name} is {what}: {_names(self.rows)}")

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide a response when the request arrives. It takes a second, which lets the choices order the responses."""
        self.requests += 1
        if self.requests > _REQUESTS_AT_MOST:
            raise EndlessError
        self.change()
        cursor, limit = int(request.query.get("cursor", 0)), int(request.query["limit"])
        page = self.rows[cursor : cursor + limit]
        has_more = cursor + limit < len(self.rows)
        self.events.append(f"{limit} at {cursor}: {_names(page)}")
        meta = {"has_more": has_more, "next_cursor": cursor + limit if has_more else None}
        body = json.dumps({"data": [_document(row) for row in page], "meta": meta}).encode()
        response = Delivery.of(200, {"Content-Type": "application/json"}, body)
        yield Delivery((1.0, *response.steps))


class EndlessError(Exception):
    """The walk makes too many requests."""


def _names(rows: Sequence[Row]) -> str:
    return "".join(row.id for row in rows) or "-"


def _document(row: Row) -> dict[str, Any]:
    created_at = (_EPOCH + timedelta(seconds=row.at)).isoformat(timespec="milliseconds")
    return {"id": row.id, "name": row.id, "created_at": created_at.replace("+00:00", "Z")}


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
    """``exact``; ``refused``, with a `DriftError`; or ``wrong``."""
    size: tuple[int, int]
    """How much happens in it: the number of choices that were not the first of their kind, and that of all events."""
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
        self._runner = asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Idle(self._line)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    def start(self, bound: Bound) -> str:
        """Return the checkpoint at which the histories in a bound begin."""
        if not bound.passed:
            return "0"
        server = Server(evolve(bound, changes=0, limit=bound.passed, resumes=False), Choices())
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
        verdict, yielded = "exact", list[str]()
        walks: list[Walk[Procedure]] = []
        async with session_in_process(server, self._line) as session:
            try:
                await self._walk(session, server, start, yielded, walks)
            except DriftError as error:
                verdict = "refused"
                server.events.append(f"DriftError: {error}")
            except (TofuPilotError, EndlessError) as error:
                verdict = "wrong"
                server.events.append(f"{type(error).__name__}: {error}")
        stayed = [name for name in yielded if name in server.stayed]
        passed = [chr(ord("a") + at) for at in range(server.bound.passed)]
        is_doubled = len({*passed, *yielded}) < len(passed) + len(yielded)
        if is_doubled or (verdict == "exact" and stayed != sorted(server.stayed)):
            verdict = "wrong"
        size = sum(chosen > 0 for chosen, _ in server.choices.made), len(server.events)
        resyncs = sum(walk.stats.resyncs for walk in walks)
        return Outcome(verdict, size, resyncs, tuple(server.events), "".join(yielded))

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
    """The shortest one that is not exact. None: all are."""

    @classmethod
    def of(cls, bound: Bound, **options: Any) -> Tally:
        """Run all histories in a bound."""
        tally = cls(bound)
        with Lab(**options) as lab:
            for outcome in explore(lab, bound):
                tally.verdicts[outcome.verdict] += 1
                tally.resynced += outcome.resyncs > 0
                is_shorter = tally.shortest is None or outcome.size < tally.shortest.size
                if outcome.verdict != "exact" and is_shorter:
                    tally.shortest = outcome
        return tally

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(self.verdicts.items()))
        return f"{self.bound}: {verdicts}; {self.resynced:,} resynced"
