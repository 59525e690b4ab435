"""`audit`: what a loop misses and doubles while the listing changes.

- `audit` names every item that a loop of any client misses or doubles, and repeats it exactly.
"""

import asyncio
import json
import re
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from fakes.guides import blocks

from aiotofupilot import TofuPilotSession
from aiotofupilot.blocking import BlockingSession
from aiotofupilot.testing import audit


def pages(url, key, limit=100):
    """Yield the ids of each page of a plain loop that blocks."""
    at, cursor = urlsplit(url), 0
    connection = HTTPConnection(at.hostname, at.port, timeout=10)
    while cursor is not None:
        target = f"{at.path}/v2/procedures?limit={limit}&cursor={cursor}"
        connection.request("GET", target, headers={"Authorization": f"Bearer {key}"})
        page = json.loads(connection.getresponse().read())
        yield [item["id"] for item in page["data"]]
        cursor = page["meta"]["next_cursor"]
    connection.close()


def plain(url, key, **options):
    for page in pages(url, key, **options):
        yield from page


async def exact(url, key, **options):
    async with TofuPilotSession(key, base_url=url) as session:
        async for item in session.procedures.list(**options):
            yield item.id


async def test_a_plain_loop_loses_what_the_report_says():
    """What the loop got, together with what the report says, is the listing. The seed repeats all of it."""
    got = []

    def read(url, key):
        got[:] = plain(url, key, limit=40)
        return got

    report = await audit(read, items=200, seed=3)
    assert report.missed
    assert report.doubled
    assert not report.is_exact
    assert (report.got, report.stayed) == (len(got), 200 - 2 * report.requests)
    assert set(report.missed).isdisjoint(got)
    assert all(got.count(identity) > 1 for identity in report.doubled)
    assert len(got) - len(set(got)) == len(report.doubled)
    assert await audit(read, items=200, seed=3) == report
    assert (await audit(read, items=200, seed=4)).missed != report.missed


async def test_an_exact_loop_is_exact():
    report = await audit(partial(exact, concurrency=4, limit=20), items=200)
    assert report.is_exact, report
    assert report.stayed < 180


async def test_a_loop_may_have_any_form():
    """It is a function or an async generator. Functions that block run in a thread."""

    def returns(url, key):
        return list(plain(url, key))

    def with_a_blocking_session(url, key):
        with BlockingSession(key, base_url=url) as session:
            yield from (procedure.id for procedure in session.procedures.list())

    for read in (plain, returns, exact, with_a_blocking_session, partial(exact, concurrency=2)):
        report = await audit(read, items=10, created=0, removed=0)
        assert (report.got, report.is_exact) == (10, True)


async def test_what_a_loop_does_not_ask_for_is_missed():
    """So a loop that talks to another server, or to nobody, does not pass."""
    report = await audit(lambda _url, _key: ["an id of another server"] * 2, items=5)
    assert (report.requests, len(report.missed), report.got) == (0, 5, 2)
    assert report.doubled == ("an id of another server",)


async def test_a_loop_that_never_gets_ahead_comes_to_an_end():
    """More items are created than fit on its pages, until there are twice as many as at first."""
    report = await audit(partial(plain, limit=10), items=100, created=20, removed=0)
    assert report.got == 200
    assert report.doubled


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"items": 0}, "items must be at least 1, got 0"),
        ({"items": "9"}, "items must be an integer, got '9'"),
        ({"created": -1}, "created must be 0 or more and finite, got -1"),
        ({"created": float("inf")}, "created must be 0 or more and finite, got inf"),
        ({"removed": float("nan")}, "removed must be 0 or more and finite, got nan"),
        ({"removed": "1"}, "removed must be a number, got '1'"),
    ],
)
async def test_an_argument_out_of_bounds_is_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        await audit(plain, **options)


async def test_an_error_of_the_loop_is_raised_and_the_loop_is_closed():
    closed = []

    async def read(url, key):
        try:
            async for identity in exact(url, key):
                yield identity
                raise LookupError("of the loop")
        finally:
            closed.append(True)

    with pytest.raises(LookupError, match="of the loop"):
        await audit(read, items=3)
    assert closed == [True]


async def test_a_cancelled_audit_closes_the_loop_and_the_sandbox():
    begun, closed = asyncio.Event(), []

    async def read(url, _key):
        try:
            yield url
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append(url)

    task = asyncio.create_task(audit(read, items=3))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ((url),) = closed
    with pytest.raises(ConnectionRefusedError):
        next(pages(url, "key"))


def test_the_guide_shows_what_its_loop_loses(capsys):
    (program,) = [block for block in blocks("python program") if "audit(" in block.text]
    (shown,) = [block.text for block in blocks("text") if block.text in program.guide.read_text("utf-8")]
    exec(compile(program.numbered, program.guide, "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102 - the README's own text
    assert capsys.readouterr().out == shown
