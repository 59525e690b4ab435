"""Runs the client on a server, and judges what came."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from postgres.tables import PROCEDURE

from aiotofupilot import Checkpoint, DriftError
from aiotofupilot.testing import session_in_process

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from postgres.server import Server

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.listings import Paginator


def listed(session: TofuPilotSession, listing: str, **options: Any) -> Paginator[Any]:
    """Return a listing in pages of 100, with the filter that it requires."""
    required = {"procedure_id": PROCEDURE} if listing in ("measurements", "phases") else {}
    return getattr(session, listing).list(**{"limit": 100, **required, **options})


async def walk(server: Server, listing: str, **options: Any) -> list[str]:
    """Return the IDs that a walk yields."""
    async with session_in_process(server) as session:
        return [item.id async for item in listed(session, listing, **options)]


async def walk_and_resume(server: Server, listing: str, pieces: Iterable[int], **options: Any) -> list[str]:
    """Return the IDs that a walk yields that is left after so many items each, and resumed from a checkpoint's text.

    It is also resumed where a `DriftError` says, as the guide has it.
    """
    came: list[str] = []
    text: str | None = None
    left, errors = iter(pieces), 0
    while True:
        start = {} if text is None else {"cursor": Checkpoint.parse(text)}
        async with session_in_process(server) as session, listed(session, listing, **start, **options).walk() as walk:
            try:
                if piece := next(left, None):
                    came += [item.id for item in await walk.take(piece)]
                    text = str(walk.checkpoint)
                    continue
                async for item in walk:
                    came.append(item.id)
            except DriftError as error:
                errors += 1
                if errors > 5:
                    raise
                text = str(error.checkpoint)
            else:
                return came


def check(came: Collection[str], stayed: Collection[str]) -> None:
    """Check that what stayed listed came, and that nothing came twice."""
    counts = Counter(came)
    missed, doubled = len(set(stayed) - counts.keys()), counts.total() - len(counts)
    assert (missed, doubled) == (0, 0), "missed and doubled"
