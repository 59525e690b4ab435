"""Runs any client's loop over a changing listing, and reports the items it missed or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from math import inf
from typing import Literal, cast

from attrs import frozen

from aiotofupilot._checks import integer, one_of
from aiotofupilot.sandbox import BusyLine, Factory, Request, Sandbox

from .serving import serve

__all__ = ["AuditReport", "audit"]

_PROCEDURES_THAT_RUN = 16
_MOST_SHOWN = 2
_Ids = Iterable[str] | AsyncIterable[str] | Awaitable[Iterable[str]]


@frozen(kw_only=True)
class AuditReport:
    """The result of a loop over a changing listing. ``str()`` gives a summary for people."""

    listing: Literal["procedures", "runs"]
    """The listing."""
    call: str
    """The call that gives the same result again."""
    requests: int
    """How many requests the loop sent."""
    created_items: int
    """How many items were created while the loop ran. The loop may get them or not."""
    removed_items: int
    """How many items were removed while the loop ran. The loop may get them or not."""
    stayed: int
    """How many items were in the listing all the time. The loop should get each once."""
    got: int
    """How many ids the loop got, including repeated ones."""
    missed: tuple[str, ...]
    """The ids that were in the listing all the time but that the loop did not get, in the listing's order."""
    doubled: tuple[str, ...]
    """The ids that the loop got again, once for each repetition, in order of arrival."""
    unknown: tuple[str, ...]
    """The ids that the loop got but that were never in the listing while it ran."""

    @property
    def is_exact(self) -> bool:
        """Whether no ids are missed, doubled or unknown."""
        return not (self.missed or self.doubled or self.unknown)

    def __str__(self) -> str:
        changes = f"{self.created_items:,} were created and {self.removed_items:,} removed"
        return (
            f"{self.got:,} {self.listing} in {self.requests:,} requests, while {changes}\n"
            f"missed:  {self._summary(self.missed)}\n"
            f"doubled: {self._summary(self.doubled)}\n"
            f"unknown: {self._summary(self.unknown)}\n"
            f"repeat:  {self.call}"
        )

    def _summary(self, ids: tuple[str, ...]) -> str:
        """Return the number of ids, their share of the items that stayed, and the first ids."""
        if not ids:
            return "none"
        more = f" and {len(ids) - _MOST_SHOWN:,} more" if len(ids) > _MOST_SHOWN else ""
        return f"{len(ids):,} ({len(ids) / max(self.stayed, 1):.2%}): {', '.join(ids[:_MOST_SHOWN])}{more}"


async def audit(
    read: Callable[[str, str], Iterable[str] | AsyncIterable[str] | Awaitable[Iterable[str]]],
    *,
    listing: Literal["procedures", "runs"] = "procedures",
    items: int = 1000,
    created: float = 1.0,
    removed: float = 2.0,
    seed: int = 0,
) -> AuditReport:
    """Let a loop read a changing listing, and report the items it missed or doubled.

    The loop may use any client. The server is a sandbox in its own thread, which creates and removes items before each
    response. A loop with one request at a time always gets the same report.

    Example:
        async def read(url: str, key: str) -> AsyncIterator[str]:
            async with TofuPilotSession(key, base_url=url) as session:
                async for procedure in session.procedures.list():
                    yield procedure.id


        report = await audit(read, seed=7)
        assert report.is_exact, report

    Args:
        read: The loop. It takes the base URL, such as ``http://127.0.0.1:49152/api``, and a key. It returns or yields
            the id of each item. It is a function or a generator, async or not. One that is not async runs in a thread
            and may block.
        listing: The listing to read: ``procedures`` or ``runs``.
        items: The number of items at first; at least 1.
        created: The average number of items created per request, at the head of the listing; at least 0. In all, at
            most `items` are created, so that every loop ends.
        removed: The average number of items removed per request, anywhere in the listing; at least 0.
        seed: The seed of the items and the changes.

    Raises:
        TypeError: The loop gave something other than ids, or an argument is of the wrong type.
        ValueError: An argument is out of bounds.
        Exception: An error of the loop.
    """
    one_of("listing", listing, ("procedures", "runs"))
    items = integer("items", items, low=1)
    for name, rate in (("created", created), ("removed", removed)):
        if not isinstance(rate, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - a claim of the user
            raise TypeError(f"{name} must be a number, got {rate!r}")
        if not 0 <= rate < inf:
            raise ValueError(f"{name} must be 0 or more and finite, got {rate!r}")
    if listing == "procedures":
        sandbox = Sandbox(items, runs=0, seed=seed)
        line = BusyLine(inserts=created, removals=removed, seed=seed)
    else:
        sandbox = Sandbox(_PROCEDURES_THAT_RUN, runs=items, seed=seed)
        line = BusyLine(runs=created, run_removals=removed, seed=seed)

    def rest(_factory: Factory, _request: Request) -> None:
        if len(line.inserted) + line.produced >= items:
            line.inserts = line.runs = 0.0

    sandbox.before_response += [rest, line]
    at_first = [item.id for item in sandbox.rows(listing)]
    with serve(sandbox):
        got = await _read(read, sandbox.url, sandbox.api_key)

    gone = {item.id for item in line.removed} | {item.id for item in line.removed_runs}
    ever = gone.union(at_first, (item.id for item in sandbox.rows(listing)))
    stayed = [identity for identity in at_first if identity not in gone]
    once, doubled = set[str](), list[str]()
    for identity in got:
        (doubled.append if identity in once else once.add)(identity)
    return AuditReport(
        listing=listing,
        call=f"audit(read, {listing=}, {items=}, {created=}, {removed=}, {seed=})",
        requests=len(sandbox.requests),
        created_items=len(ever) - len(at_first),
        removed_items=len(gone),
        stayed=len(stayed),
        got=len(got),
        missed=tuple(identity for identity in stayed if identity not in once),
        doubled=tuple(doubled),
        unknown=tuple(identity for identity in dict.fromkeys(got) if identity not in ever),
    )


async def _read(read: Callable[[str, str], _Ids], url: str, key: str) -> list[str]:
    """Return the ids of the loop. It begins in a thread, because it may block."""

    def begin() -> _Ids:
        ids = read(url, key)
        return list(ids) if isinstance(ids, Iterable) and not isinstance(ids, str) else ids

    ids = await asyncio.to_thread(begin)
    try:
        if isinstance(ids, AsyncIterable):
            ids = [identity async for identity in ids]
        elif isinstance(ids, Awaitable):
            ids = await ids
    finally:
        if isinstance(ids, AsyncGenerator):
            await ids.aclose()
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise TypeError(f"read must return or yield ids, got {ids!r}")
    got = list(cast("Iterable[object]", ids))
    for identity in got:
        if not isinstance(identity, str):
            raise TypeError(
                f"read must give ids, which are strings, got an object of the class {type(identity).__name__}"
            )
    return cast("list[str]", got)
