"""``aiotofupilot doctor`` finds out by a few requests how a server lists, and writes a table or JSON."""

from __future__ import annotations

import json as codec
import sys
from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING, Annotated

from attrs import asdict
from cyclopts import Parameter

from aiotofupilot import __version__

from .messages import ExitCode, aligned, is_terminal, put, say
from .options import OUTPUT, Server, unwrapped

if TYPE_CHECKING:
    from aiotofupilot.doctor import Diagnosis, ListingFacts


@unwrapped
async def doctor(
    *,
    json: Annotated[bool, Parameter(group=OUTPUT, show_default=False)] = False,
    server: Server = Server(),  # noqa: B008 - a value
) -> ExitCode:
    """Find out whether the server lists as this package expects.

    It makes at most 40 requests with your key, and at most two a second. They change nothing, none goes beyond cursor
    20,000, and none is sent again, whatever --retries says.

    The table has a line for each listing: how a walk continues after a page; the time that sorts the listing; whether
    items of the same time keep their order; how a filter compares this time with a bound; the largest of three cursors
    that has items, with "+" if there may be more; and how long the first page and the page at that cursor took. "!"
    marks what the package does not expect, and "-" what it can handle.

    The exit code is 0 if everything is as the package expects, and otherwise 7.

    Args:
        json: Write the facts as JSON, to send them to us. They are versions, response times, the number of items of
            each listing up to 20,000, and words of this package. They have no names, IDs, keys or addresses of yours,
            and no text of the server.
        server: Which server gets the requests.
    """
    from aiotofupilot.doctor import READS_AT_MOST, diagnose  # noqa: PLC0415 - help need not wait for asyncio

    async with server.session() as session:
        say(f"at most {READS_AT_MOST} requests, which take about 20 seconds")
        diagnosis = await diagnose(session)
    versions = {"aiotofupilot": __version__, "python": python_version(), "aiohttp": version("aiohttp")}
    if json:
        text = codec.dumps(versions | asdict(diagnosis), indent=2 if is_terminal(sys.stdout) else None) + "\n"
    else:
        text = _shown(diagnosis, versions)
    put(sys.stdout, text)
    return ExitCode.UNEXPECTED if diagnosis.findings else ExitCode.DONE


def _shown(diagnosis: Diagnosis, versions: dict[str, str]) -> str:
    """Return the text for people."""
    ahead, count = diagnosis.clock_ahead, len(diagnosis.findings)
    headings = ("listing", "walk", "sorted by", "ties", "filter", "depth", "head", "deep")
    things = {0: "Everything is", 1: "One thing is not"}.get(count, f"{count} things are not")
    return "\n".join(
        [
            ", ".join(f"{name} {each}" for name, each in versions.items()),
            f"key: {diagnosis.key or 'unknown'}, server's clock: {'unknown' if ahead is None else f'{ahead:+.0f} s'}",
            "",
            aligned([headings, *map(_cells, diagnosis.listings)], numbers=headings[5:]),
            *(f"! {text}" for text in diagnosis.findings),
            *(f"- {text}" for text in diagnosis.notes),
            f"{things} as this package expects ({diagnosis.reads} requests).\n",
        ]
    )


def _cells(facts: ListingFacts) -> tuple[str, ...]:
    ties = {None: "", True: "keep", False: "move"}[facts.keeps_ties]
    is_last = facts.beyond is not None and facts.beyond - facts.deepest <= facts.longest_page
    depth = f"{facts.deepest:,}{'' if is_last else '+'}" if facts.deepest else ""
    times = ("" if each is None else f"{each * 1000:,.0f} ms" for each in (facts.head_seconds, facts.deep_seconds))
    return facts.name, facts.follows or "", facts.sorted_by or "", ties, facts.filter or "", depth, *times
