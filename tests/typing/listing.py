"""A listing as type checkers see it: never run, only checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar, assert_type

from cattrs import Converter

from aiotofupilot import (
    Batch,
    BatchDetails,
    Checkpoint,
    Deployment,
    DeploymentDetails,
    Details,
    DetailsWalk,
    FollowedListing,
    IncrementalDetailsWalk,
    IncrementalWalk,
    Log,
    Measurement,
    MeasurementDetails,
    Page,
    Paginator,
    Part,
    PartDetails,
    Phase,
    PhaseDetails,
    Procedure,
    ProcedureDetails,
    RawItem,
    Run,
    RunDetails,
    Shard,
    Station,
    StationDetails,
    TofuPilotSession,
    Unit,
    UnitDetails,
    Walk,
    WalkStats,
    Watermark,
)


def without_async_it_cannot_be_iterated(session: TofuPilotSession) -> None:
    for _ in session.procedures.list():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - async for
        pass


async def iterated_it_gives_procedures(session: TofuPilotSession) -> None:
    async for procedure in session.procedures.list(search_query="battery"):
        assert_type(procedure, Procedure)


async def awaited_it_gives_a_page(session: TofuPilotSession) -> None:
    page = await session.procedures.list(
        limit=20,
        cursor=50,
        search_query="battery test",
        created_after=datetime.fromisoformat("2024-01-01T00:00:00.000Z"),
        created_before=datetime.fromisoformat("2024-12-31T23:59:59.999Z"),
    )
    assert_type(page, Page[Procedure])
    assert_type(page.data, list[Procedure])
    assert_type(page.meta.has_more, bool)
    assert_type(page.meta.next_cursor, int | None)


async def its_other_uses_keep_the_type(session: TofuPilotSession) -> None:
    listing = session.procedures.list(max_items=10)
    assert_type(listing, Paginator[Procedure])
    assert_type(listing.model, type[Procedure])
    assert_type(await listing.first(), Procedure | None)
    assert_type(await listing.collect(), list[Procedure])
    assert_type(await listing.count(), int)
    async for page in listing.pages():
        assert_type(page, Page[Procedure])
    assert_type([procedure.name async for procedure in listing], list[str])


async def a_walk_is_an_iterator_to_be_closed(session: TofuPilotSession) -> None:
    async with session.procedures.list(concurrency=16, on_drift="resync").walk() as walk:
        assert_type(walk, Walk[Procedure])
        assert_type(walk.checkpoint, Checkpoint)
        assert_type(walk.stats, WalkStats)
        async for procedure in walk:
            assert_type(procedure, Procedure)
        assert_type(await anext(walk, None), Procedure | None)
    await walk.aclose()
    session.procedures.list(cursor=Checkpoint.parse(str(walk.checkpoint)))


async def its_options_are_checked(session: TofuPilotSession) -> None:
    session.procedures.list(20)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - keyword-only
    session.procedures.list(extra_query={"team": "a", "sizes": ["1", "2"]})
    session.procedures.list(extra_query={"team": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType] - texts
    session.procedures.list(limit="20")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a number
    session.procedures.list(created_after="2024-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a datetime
    session.procedures.list(on_drift=None)
    session.procedures.list(on_drift="wait")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - one of three
    async for procedure in session.procedures.list():
        _ = procedure.fpy  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - gone


async def every_listing_gives_its_own_items(session: TofuPilotSession) -> None:
    assert_type(session.runs.list(outcomes=["FAIL"], duration_min=timedelta(seconds=1)), Paginator[Run])
    assert_type(session.units.list(run_count_min=2, metadata={"lot": {"contains": "L"}}), Paginator[Unit])
    assert_type(session.parts.list(sort_by="name", sort_order="asc"), Paginator[Part])
    assert_type(session.batches.list(numbers=("A", "B")), Paginator[Batch])
    assert_type(session.stations.list(include_metadata=True), Paginator[Station])
    assert_type(session.deployments.list(build_statuses=["ready"], pushed=True), Paginator[Deployment])
    assert_type(session.logs.list(levels=["ERROR"], samples=["golden"]), Paginator[Log])
    assert_type(session.measurements.list(procedure_id="p", value_min=1), Paginator[Measurement])
    assert_type(session.phases.list(procedure_id="p", outcomes=["SKIP"]), Paginator[Phase])
    assert_type((await session.phases.list(procedure_id="p")).data, list[Phase])
    async for run in session.runs.list():
        assert_type(run.unit.serial_number, str)


def their_arguments_are_checked(session: TofuPilotSession) -> None:
    session.phases.list()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - a procedure is required
    session.measurements.list("p")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue] - keyword-only
    session.phases.list(procedure_id="p", outcomes=["TIMEOUT"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType] - that is a run's
    session.logs.list(samples=["production"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType] - not of logs
    session.units.list(sort_by="id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no order of units
    session.runs.list(duration_min=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a timedelta


async def what_is_new_keeps_the_type(session: TofuPilotSession) -> None:
    listing = session.runs.list(outcomes=["FAIL"])
    watermark = Watermark.parse("runs.abcdefgh:-:x8tWIQ")
    assert_type(watermark, Watermark)
    assert_type(watermark.floor, datetime | None)
    async with listing.since(watermark, overlap=120) as news:
        assert_type(news, IncrementalWalk[Run])
        assert_type(await anext(news), Run)
        assert_type(await news.take(10), list[Run])
        async for batch in news.batches():
            assert_type(batch, list[Run])
        assert_type(news.watermark, Watermark)
        assert_type(news.stats, WalkStats)
    async with listing.follow(interval=2.5, since=None) as stream:
        assert_type(stream, FollowedListing[Run])
        assert_type(stream.watermark, Watermark | None)
        async for run in stream:
            assert_type(run, Run)


def a_watermark_has_to_be_one(session: TofuPilotSession) -> None:
    session.runs.list().since("runs.abcdefgh:-")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - parse it
    session.runs.list().follow(since=Checkpoint())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no place


async def a_shard_keeps_the_type(session: TofuPilotSession) -> None:
    for shard in await session.runs.list().shards(4):
        assert_type(shard, Shard[Run])
        assert_type(session.list(shard, limit=50), Paginator[Run])


T = TypeVar("T")


class MyRun:
    """A class without an ID."""


class Box(Generic[T]):
    """A generic class."""


async def ones_own_class_is_that_of_the_items(session: TofuPilotSession) -> None:
    listing = session.runs.list().into(MyRun)
    assert_type(listing, Paginator[MyRun])
    assert_type(listing.model, type[MyRun])
    async for run in listing:
        assert_type(run, MyRun)
    assert_type(await listing.collect(), list[MyRun])
    assert_type(await listing.first(), MyRun | None)
    assert_type(listing.walk(), Walk[MyRun])
    assert_type(listing.since(), IncrementalWalk[MyRun])
    assert_type(listing.follow(), FollowedListing[MyRun])
    async for page in listing.pages():
        assert_type(page, Page[MyRun])
    assert_type(await listing, Page[MyRun])
    assert_type(listing.details(), Details[MyRun])
    assert_type(listing.raw(), Paginator[RawItem])
    assert_type(session.runs.list().into(Box[int], converter=Converter()), Paginator[Box[int]])
    session.runs.list().into("MyRun")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no class


async def details_have_the_type_that_get_returns(session: TofuPilotSession) -> None:
    assert_type(session.runs.list().details(), Details[RunDetails])
    assert_type(session.units.list().details(), Details[UnitDetails])
    assert_type(session.logs.list().details(), Details[Log])
    assert_type(session.runs.list().raw().details(), Details[RawItem])
    assert_type(await session.procedures.list().details().first(), ProcedureDetails | None)
    assert_type(await session.parts.list().details().collect(), list[PartDetails])
    async for batch in session.batches.list().details():
        assert_type(batch, BatchDetails)
    async with session.stations.list().details().walk() as walk:
        assert_type(walk, DetailsWalk[StationDetails])
        assert_type(walk.checkpoint, Checkpoint)
    async with session.deployments.list().details().since() as news:
        assert_type(news, IncrementalDetailsWalk[DeploymentDetails])
        assert_type(news.watermark, Watermark)
    assert_type(session.measurements.list(procedure_id="p").details().model, type[MeasurementDetails])
    assert_type(session.phases.list(procedure_id="p").details().model, type[PhaseDetails])
