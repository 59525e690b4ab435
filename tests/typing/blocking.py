"""The session without asyncio as type checkers see it: never run, only checked."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from cattrs import Converter

from aiotofupilot import (
    Checkpoint,
    Identity,
    Page,
    RawItem,
    RetryPolicy,
    RevisionDetails,
    Run,
    RunDetails,
    Shard,
    StationDetails,
    Unit,
    UnitDetails,
    User,
    VersionDetails,
    WalkStats,
    Watermark,
)
from aiotofupilot.blocking import (
    BlockingDetails,
    BlockingFollowedListing,
    BlockingIncrementalWalk,
    BlockingIterator,
    BlockingPaginator,
    BlockingSession,
    BlockingWalk,
)
from aiotofupilot.testing import make_run


def a_session_takes_the_options_of_the_other() -> None:
    with BlockingSession("key", concurrency=8, retry=RetryPolicy(attempts=2)) as session:
        assert_type(session, BlockingSession)
        assert_type(session.base_url, str)
        assert_type(session.with_options(timeout=5.0), BlockingSession)
        assert_type(session.whoami(), Identity)
    assert_type(session.close(), None)
    BlockingSession(timeout="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a number
    BlockingSession("key", "https://tofupilot.example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - keyword-only
    session.with_options(nothing=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - no such option


def a_listing_keeps_its_filters_and_its_items(session: BlockingSession) -> None:
    listing = session.runs.list(outcomes=["FAIL"], duration_min=timedelta(seconds=1), limit=20)
    assert_type(listing, BlockingPaginator[Run])
    assert_type(listing.model, type[Run])
    for run in listing:
        assert_type(run, Run)
    assert_type(listing.collect(), list[Run])
    assert_type(listing.first(), Run | None)
    assert_type(listing.count(), int)
    assert_type(listing.pages(), BlockingIterator[Page[Run]])
    assert_type(next(listing.pages()).data, list[Run])
    assert_type(listing.raw(), BlockingPaginator[RawItem])
    assert_type(listing.into(timedelta), BlockingPaginator[timedelta])  # as of any class
    assert_type(listing.into(timedelta, converter=Converter()).details(), BlockingDetails[timedelta])
    for item in listing.into(timedelta):
        assert_type(item, timedelta)
    for shard in listing.shards(4):
        assert_type(shard, Shard[Run])
        assert_type(session.list(shard, limit=50), BlockingPaginator[Run])
    session.runs.list(outcomes=["PASSED"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType] - no outcome
    session.runs.list(outcome=["PASS"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - no such filter
    session.phases.list()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - a procedure is required


def its_walks_keep_the_type(session: BlockingSession, watermark: Watermark) -> None:
    listing = session.runs.list()
    with listing.walk() as walk:
        assert_type(walk, BlockingWalk[Run])
        assert_type(walk.checkpoint, Checkpoint)
        assert_type(walk.stats, WalkStats)
        assert_type(next(walk), Run)
        assert_type(walk.take(10), list[Run])
        for batch in walk.batches():
            assert_type(batch, list[Run])
    assert_type(walk.close(), None)
    with listing.since(watermark, overlap=120) as news:
        assert_type(news, BlockingIncrementalWalk[Run])
        assert_type(news.watermark, Watermark)
        assert_type(next(news), Run)
    with listing.follow(interval=2.5, max_outage=60) as stream:
        assert_type(stream, BlockingFollowedListing[Run])
        assert_type(stream.watermark, Watermark | None)
        assert_type(next(stream), Run)
    listing.since("runs.abcdefgh:-")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - parse it


def details_have_the_type_that_get_returns(session: BlockingSession) -> None:
    details = session.runs.list().details()
    assert_type(details, BlockingDetails[RunDetails])
    assert_type(details.collect(), list[RunDetails])
    assert_type(details.first(), RunDetails | None)
    assert_type(details.walk(), BlockingWalk[RunDetails])
    assert_type(details.since(), BlockingIncrementalWalk[RunDetails])
    assert_type(session.units.list().details(), BlockingDetails[UnitDetails])
    assert_type(session.units.list().raw().details(), BlockingDetails[RawItem])
    for unit in session.units.list().details():
        assert_type(unit, UnitDetails)


def one_item_has_the_model_of_its_listing(session: BlockingSession) -> None:
    assert_type(session.runs.get("r"), RunDetails)
    assert_type(session.units.list().first(), Unit | None)
    assert_type(session.procedures.get_version("p", "v3.2.0"), VersionDetails)
    assert_type(session.parts.get_revision("INV", "C"), RevisionDetails)
    assert_type(session.stations.current(), StationDetails)
    assert_type(session.users.current(), User)
    session.users.get("u")  # type: ignore[arg-type, misc]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - the API has none
    session.runs.get(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a text


async def it_is_not_awaited(session: BlockingSession) -> None:
    await session.runs.list()  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues] - that is asyncio's
    async for _ in session.runs.list():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - likewise
        pass


def a_function_can_name_what_it_takes(listing: BlockingPaginator[Run]) -> int:
    return sum(run.outcome == make_run().outcome for run in listing)
