"""The test kit as type checkers see it: never run, only checked."""

from __future__ import annotations

from typing import assert_type

from aioresponses import aioresponses

from aiotofupilot import Page, Procedure, Repository, TofuPilotSession, UserRef
from aiotofupilot.sandbox import Listing, Sandbox
from aiotofupilot.testing import (
    MockResponse,
    make_page,
    make_procedure,
    make_repository,
    make_user,
    mock_procedures,
    serve,
    session_on,
)


def a_served_sandbox_is_a_sandbox() -> None:
    with serve(Sandbox(procedures=3)) as sandbox:
        assert_type(sandbox, Sandbox)
        assert_type(session_on(sandbox), TofuPilotSession)


def builders_make_models() -> None:
    assert_type(make_procedure("Burn-In", created_by_user=None), Procedure)
    assert_type(make_user(None), UserRef)
    assert_type(make_repository("org/repo", provider="gitlab"), Repository)
    assert_type(make_page([make_procedure()], next_cursor=1), Page[Procedure])


def mocks_take_procedures_or_their_number(mocked: aioresponses) -> None:
    assert_type(mock_procedures(mocked, [make_procedure()], limit=1), Listing)
    assert_type(mock_procedures(mocked, 250, seed=7), Listing)
    mocked.get("https://example.com/", response_class=MockResponse)  # pyright: ignore[reportUnknownMemberType] - aioresponses says of a pattern no more than that it is one
