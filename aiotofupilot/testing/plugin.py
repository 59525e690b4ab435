"""The pytest plugin: a sandbox, a session on it and an environment that points to it, for every test that asks.

    @pytest.mark.tofupilot(procedures=3)
    def test_sync_imports_every_procedure(tofupilot_sandbox): ...

It is imported in every test run, so it imports nothing but pytest; all else waits for a test that uses a fixture.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.sandbox import Sandbox

_MARKER = (
    "tofupilot(**options): the options of aiotofupilot.sandbox.Sandbox that the test's sandbox is made with, such as "
    "procedures=3, runs=[make_run()], stations=[] and seed=7; and faults, a list of those that its first requests "
    "meet, or a function that is given sandbox.faults; and waits=False, so that no session of the test's process waits "
    "before it tries again; options of a test go before those of its class and module"
)

_NO_EVENT_LOOP = (
    "tofupilot_session needs pytest-asyncio, which is not installed or not enabled: "
    "pip install 'aiotofupilot[testing]'; or use tofupilot_sandbox, which needs no event loop, and your own session"
)

_NOT_ASYNCIO = (
    "tofupilot_session is a session of asyncio's, and anyio runs this test on {backend}: let the fixture anyio_backend "
    'return "asyncio"'
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and what only pytest-asyncio can run."""
    config.addinivalue_line("markers", _MARKER)
    if _has_asyncio(config):
        from . import asyncio_session  # noqa: PLC0415 - it needs pytest-asyncio

        config.pluginmanager.register(asyncio_session, "tofupilot-asyncio")


@pytest.fixture
def tofupilot_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """A TofuPilot for this test alone, on a loopback port, in a thread of its own; `tofupilot` markers shape it."""
    from .marker import sandbox_of  # noqa: PLC0415 - for tests that use it
    from .serving import serve  # noqa: PLC0415 - likewise
    from .waiting import without_waits  # noqa: PLC0415 - likewise

    try:
        sandbox, waits = sandbox_of(request.node.iter_markers("tofupilot"))
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None  # whose cause would repeat the sentence
    with serve(sandbox), nullcontext() if waits else without_waits():
        yield sandbox


@pytest.fixture
def tofupilot_session(request: pytest.FixtureRequest) -> TofuPilotSession:
    """A session on the sandbox, open for as long as this test runs in an event loop of pytest-asyncio or anyio."""
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend_name")
        if backend != "asyncio":
            pytest.fail(_NOT_ASYNCIO.format(backend=backend), pytrace=False)
        fixture = "_tofupilot_session_in_anyio"
    elif _has_asyncio(request.config):
        fixture = f"_tofupilot_session_in_{_loop_scope(request)}_loop"
    else:
        pytest.fail(_NO_EVENT_LOOP, pytrace=False)
    session: TofuPilotSession = request.getfixturevalue(fixture)
    return session


@pytest.fixture(name="_tofupilot_session_in_anyio")
async def session_in_anyio(tofupilot_sandbox: Sandbox) -> AsyncGenerator[TofuPilotSession]:
    """An open session on the sandbox."""
    from .serving import session_on  # noqa: PLC0415 - for tests that use it

    async with session_on(tofupilot_sandbox) as session:
        yield session


@pytest.fixture
def tofupilot_environment(tofupilot_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment variables that lead to the sandbox, set for this test; as a mapping for other processes."""
    environment = {"TOFUPILOT_API_KEY": tofupilot_sandbox.api_key, "TOFUPILOT_URL": tofupilot_sandbox.url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def _has_asyncio(config: pytest.Config) -> bool:
    """Tell whether pytest-asyncio is at work, by its option: it can be enabled under more than one name."""
    return hasattr(config.option, "asyncio_mode")


def _loop_scope(request: pytest.FixtureRequest) -> str:
    """Tell which of pytest-asyncio's event loops runs a test."""
    marker = request.node.get_closest_marker("asyncio")
    scope: str | None = marker.kwargs.get("loop_scope") if marker else None
    return scope or request.config.getini("asyncio_default_test_loop_scope")
