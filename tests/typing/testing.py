"""The test kit as type checkers see it: never run, only checked."""

from __future__ import annotations

from typing import assert_type

from aioresponses import aioresponses

from aiotofupilot import (
    Batch,
    Deployment,
    Log,
    Measurement,
    Page,
    Part,
    Phase,
    Procedure,
    Repository,
    Run,
    Station,
    TofuPilotSession,
    Unit,
    User,
)
from aiotofupilot.sandbox import Factory, Sandbox
from aiotofupilot.testing import (
    MockResponse,
    make_batch,
    make_deployment,
    make_last_run,
    make_log,
    make_measurement,
    make_page,
    make_part,
    make_phase,
    make_procedure,
    make_repository,
    make_run,
    make_station,
    make_unit,
    make_user,
    make_user_ref,
    mock_listing,
    serve,
    session_on,
)


def a_served_sandbox_is_a_sandbox() -> None:
    with serve(Sandbox(procedures=3)) as sandbox:
        assert_type(sandbox, Sandbox)
        assert_type(session_on(sandbox), TofuPilotSession)


def builders_make_models() -> None:
    assert_type(make_procedure("Burn-In", created_by_user=None), Procedure)
    assert_type(make_user(None), User)
    assert_type(make_repository("org/repo", provider="gitlab"), Repository)
    assert_type(make_page([make_procedure()], next_cursor=1), Page[Procedure])
    assert_type(make_part("P"), Part)
    assert_type(make_batch("B", created_by_user=make_user_ref()), Batch)
    assert_type(make_station(procedures=[make_procedure()]), Station)
    assert_type(make_unit("SN", part=make_part(), last_run=make_last_run(make_run())), Unit)
    assert_type(make_run("FAIL", unit=make_unit("SN"), created_by_user=make_user()), Run)
    assert_type(make_log("text", run=make_run()), Log)
    assert_type(make_phase("Power Up", run=make_run()), Phase)
    assert_type(make_measurement("led_on", value=True, phase=make_phase()), Measurement)
    assert_type(make_deployment(stations=[make_station()]), Deployment)


def builders_check_what_they_are_made_of() -> None:
    make_run(unit="SN")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a unit
    make_phase(run=make_unit())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a run


def mocks_take_items_or_their_number(mocked: aioresponses) -> None:
    assert_type(mock_listing(mocked, [make_procedure()], limit=1), Factory)
    factory = mock_listing(mocked, 250, runs=[make_run()], units=[make_unit()], seed=7)
    assert_type(factory.procedures, list[Procedure])
    assert_type(factory.units, list[Unit])
    mock_listing(mocked, units=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - only two take a number
    mocked.get("https://example.com/", response_class=MockResponse)  # pyright: ignore[reportUnknownMemberType] - aioresponses says of a pattern no more than that it is one
