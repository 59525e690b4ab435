"""``aiotofupilot doctor``: how a server lists, by a few requests, as a table or as JSON."""

from __future__ import annotations

import json as codec
import sys
from typing import TYPE_CHECKING, Annotated

from attrs import asdict
from cyclopts import Parameter

from .messages import ExitCode, is_terminal, put
from .options import OUTPUT, Server, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.doctor import Diagnosis, ListingFacts


@unwrapped
async def doctor(
    *,
    json: Annotated[bool, Parameter(group=OUTPUT, show_default=False)] = False,
    server: Server = Server(),  # noqa: B008 - a value
) -> ExitCode:
    """Look at how the server lists, and say whether it is as this package expects.

    It makes at most 40 requests with your key, two a second at most. None changes anything, none goes beyond cursor
    20,000, and none is sent again.

    The table has a line for each listing: how a walk continues after a page; the time that sorts the listing; whether
    items of one time keep their order or move; how a filter compares this time with a bound; the largest cursor at
    which items were seen, with "+" if there may be more; and how long the first page and the one at that cursor took.
    "!" marks what the package does not expect, and "-" what it can handle.

    The exit code is 0 if everything is as the package expects, and 7 if something is not.

    Args:
        json: Write the facts as JSON, to send in. They are versions, response times, how many items the listings have
            up to 20,000, and words of this package. They have no names, IDs, keys or addresses of yours, and no text
            of the server.
        server: Which server gets the requests.
    """
    from aiotofupilot.doctor import READS_AT_MOST, diagnose  # noqa: PLC0415 - help need not wait for asyncio

    from .progress import Progress  # noqa: PLC0415 - which imports it too

    progress = Progress(to_standard_output=True)

    def note(number: int, name: str) -> None:
        progress.note("", number, READS_AT_MOST, f"requests, now {name}")

    async with server.session() as session, progress.until(server.deadline):
        with progress:
            diagnosis = await diagnose(session, note)
    if json:
        text = codec.dumps(asdict(diagnosis), indent=2 if is_terminal(sys.stdout) else None) + "\n"
    else:
        text = _shown(diagnosis)
    put(sys.stdout, text)
    return ExitCode.UNEXPECTED if diagnosis.findings else ExitCode.DONE


def _depth(facts: ListingFacts) -> str:
    if not facts.deepest and facts.beyond is None:
        return ""
    is_exact = facts.beyond is not None and facts.beyond - facts.deepest <= facts.longest_page
    return f"{facts.deepest:,}{'' if is_exact else '+'}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f} ms"


_COLUMNS: dict[str, Callable[[ListingFacts], str]] = {
    "listing": lambda facts: facts.name,
    "walk": lambda facts: facts.follows or "",
    "sorted by": lambda facts: facts.sorted_by or "",
    "ties": lambda facts: {None: "", True: "keep", False: "move"}[facts.keeps_ties],
    "filter": lambda facts: facts.filter or "",
    "depth": _depth,
    "head": lambda facts: _milliseconds(facts.head_seconds),
    "deep": lambda facts: _milliseconds(facts.deep_seconds),
}
"""The cell of each column for a listing, by heading."""

_NUMBERS = ("depth", "head", "deep")


def _shown(diagnosis: Diagnosis) -> str:
    """Return the text for people."""
    columns = [[heading, *map(text, diagnosis.listings)] for heading, text in _COLUMNS.items()]
    columns = [
        [f"{cell:{'>' if cells[0] in _NUMBERS else ''}{max(map(len, cells))}}" for cell in cells] for cells in columns
    ]
    ahead = diagnosis.clock_ahead
    lines = [
        f"aiotofupilot {diagnosis.package}, Python {diagnosis.python}, aiohttp {diagnosis.aiohttp}",
        f"key: {diagnosis.key or 'unknown'}, server's clock: {'unknown' if ahead is None else f'{ahead:+.0f} s'}",
        "",
        *(" ".join(cells) for cells in zip(*columns, strict=True)),
        "",
        *(f"! {text}" for text in diagnosis.findings),
        *(f"- {text}" for text in diagnosis.notes),
        f"{_counted(len(diagnosis.findings))} as this package expects ({diagnosis.reads} requests).",
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _counted(count: int) -> str:
    return {0: "Everything is", 1: "One thing is not"}.get(count, f"{count} things are not")
