"""The test kit as type checkers see it: never run, only checked."""

from __future__ import annotations

from typing import assert_type

from aiointercept import aiointercept
from aioresponses import aioresponses

from aiotofupilot import (
    Batch,
    Deployment,
    Log,
    Measurement,
    Part,
    Phase,
    Procedure,
    Repository,
    Run,
    Station,
    TofuPilotSession,
    Unit,
    User,
    UserRef,
)
from aiotofupilot.sandbox import Factory, Sandbox
from aiotofupilot.testing import (
    FakeClock,
    MockResponse,
    make,
    make_measurement,
    make_phase,
    make_run,
    mock_listing,
    serve,
    session_in_process,
    session_on,
)


def a_served_sandbox_is_a_sandbox() -> None:
    with serve(Sandbox(procedures=3)) as sandbox:
        assert_type(sandbox, Sandbox)
        assert_type(session_on(sandbox), TofuPilotSession)


def a_session_in_process_is_a_session() -> None:
    assert_type(session_in_process(Sandbox()), TofuPilotSession)
    assert_type(session_in_process(Sandbox(), FakeClock(seed=7), concurrency=4, timeout=None), TofuPilotSession)
    session_in_process(Sandbox(), proxy="http://proxy:1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - no network


def builders_make_models() -> None:
    assert_type(make(Procedure, name="Burn-In", created_by_user=None), Procedure)
    assert_type(make(User, name=None), User)
    assert_type(make(Repository, full_name="org/repo", provider="gitlab"), Repository)
    assert_type(make(Part, number="P"), Part)
    assert_type(make(Batch, number="B", created_by_user=make(UserRef)), Batch)
    assert_type(make(Station, procedures=[make(Procedure)]), Station)
    assert_type(make(Unit, serial_number="SN", part=make(Part), last_run=make_run()), Unit)
    assert_type(make_run("FAIL", unit=make(Unit, serial_number="SN"), created_by_user=make(User)), Run)
    assert_type(make(Log, message="text", run=make_run()), Log)
    assert_type(make_phase("Power Up", run=make_run()), Phase)
    assert_type(make_measurement("led_on", value=True, phase=make_phase()), Measurement)
    assert_type(make(Deployment, stations=[make(Station)]), Deployment)


def builders_check_what_they_are_made_of() -> None:
    make_run(procedure="P")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a procedure
    make_phase(run=make(Unit))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a run


def mocks_take_items_or_their_number(mocked: aioresponses) -> None:
    assert_type(mock_listing(mocked, [make(Procedure)]), Factory)
    factory = mock_listing(mocked, 250, runs=[make_run()], units=[make(Unit)], seed=7)
    assert_type(factory.procedures, list[Procedure])
    assert_type(factory.units, list[Unit])
    mock_listing(mocked, units=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - only two take a number
    assert_type(mock_listing(aiointercept(mock_external_urls=True)), Factory)
    mock_listing(aioresponses)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the class is not a mock
    mocked.get("https://example.com/", response_class=MockResponse)  # pyright: ignore[reportUnknownMemberType] - aioresponses says of a pattern no more than that it is one
