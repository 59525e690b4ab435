"""A session and its options as type checkers see them: never run, only checked."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import aiohttp
from tenacity import AsyncRetrying, stop_after_attempt

from aiotofupilot import (
    Attachment,
    BatchDetails,
    DeploymentDetails,
    Log,
    MeasurementDetails,
    PartDetails,
    PhaseDetails,
    ProcedureDetails,
    RetryPolicy,
    RevisionDetails,
    RunDetails,
    StationDetails,
    TofuPilotSession,
    UnitDetails,
    User,
    VersionDetails,
)


async def a_session_is_a_context_manager() -> None:
    async with TofuPilotSession() as session:
        assert_type(session, TofuPilotSession)
    assert_type(await session.close(), None)


def every_option_has_a_type(http_session: aiohttp.ClientSession, trace_config: aiohttp.TraceConfig) -> None:
    TofuPilotSession(
        "key",
        base_url="https://tofupilot.example/api",
        timeout=10,
        retry=RetryPolicy(attempts=3, max_elapsed=20, initial_wait=0.1, max_wait=5, max_retry_after=10),
        http_session=http_session,
        allow_insecure_http=False,
    )
    TofuPilotSession(concurrency=8)
    TofuPilotSession(timeout=None, retry=None, trace_configs=[trace_config])
    TofuPilotSession(retry=AsyncRetrying(stop=stop_after_attempt(3)))
    TofuPilotSession(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a policy
    TofuPilotSession("key", "https://tofupilot.example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - keyword-only


def other_options_are_a_session_again(session: TofuPilotSession) -> None:
    assert_type(session.with_options(timeout=5.0), TofuPilotSession)
    assert_type(session.with_options(concurrency=4), TofuPilotSession)
    assert_type(session.with_options(timeout=None, retry=None), TofuPilotSession)
    assert_type(session.with_options(retry=RetryPolicy(attempts=2)), TofuPilotSession)


async def attachments_are_files(session: TofuPilotSession, attachment: Attachment) -> None:
    assert_type(await session.download(attachment, "folder"), Path)
    await session.download("id", "folder")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - an attachment


async def one_item_has_the_model_of_its_listing(session: TofuPilotSession) -> None:
    assert_type(await session.procedures.get("p"), ProcedureDetails)
    assert_type(await session.procedures.get_version("p", "v3.2.0"), VersionDetails)
    assert_type(await session.runs.get("r"), RunDetails)
    assert_type(await session.units.get("SN/0042"), UnitDetails)
    assert_type(await session.parts.get("INV"), PartDetails)
    assert_type(await session.parts.get_revision("INV", "C"), RevisionDetails)
    assert_type(await session.batches.get("W47"), BatchDetails)
    assert_type(await session.stations.get("s"), StationDetails)
    assert_type(await session.stations.current(), StationDetails)
    assert_type(await session.users.current(), User)
    assert_type(await session.deployments.get("d"), DeploymentDetails)
    assert_type(await session.logs.get("l"), Log)
    assert_type(await session.measurements.get("m"), MeasurementDetails)
    assert_type(await session.phases.get("p"), PhaseDetails)
    await session.users.get("u")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - the API has none
    await session.units.get(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a text
    for phase in (await session.runs.get("r")).phases:
        for measurement in phase.measurements:
            for series in measurement.data_series or ():
                assert_type(series.data, tuple[float, ...])
