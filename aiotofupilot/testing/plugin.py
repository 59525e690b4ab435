"""The pytest plugin, with fixtures for a sandbox, a session, and environment variables.

    @pytest.mark.tofupilot(procedures=3)
    def test_sync_imports_every_procedure(tofupilot_sandbox): ...

Every test run imports it, so it imports only pytest until a test uses a fixture.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.sandbox import Sandbox

_MARKER = (
    "tofupilot(**options): options of the test's aiotofupilot.sandbox.Sandbox, such as procedures=3, "
    "runs=[make_run()], stations=[] and seed=7. faults is a list of faults for the first requests, or a function that "
    "takes sandbox.faults. With waits=False, no session of the test's process waits before a retry. Options of a test "
    "replace those of its class and module."
)

_NO_EVENT_LOOP = (
    "tofupilot_session needs pytest-asyncio, which is not installed or not enabled: "
    "install the extra 'testing'; or use tofupilot_sandbox, which needs no event loop, and your own session"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, if pytest-asyncio is enabled, the fixtures that need it."""
    config.addinivalue_line("markers", _MARKER)
    if _has_asyncio(config):
        import pytest_asyncio  # noqa: PLC0415 - it may not be installed

        # A session lives in the event loop of its test, and its fixture must name the scope of that loop.
        fixtures = {
            scope: pytest_asyncio.fixture(_session(), name=f"_tofupilot_session_in_{scope}_loop", loop_scope=scope)
            for scope in ("function", "class", "module", "package", "session")
        }
        sessions = ModuleType("tofupilot_sessions")
        vars(sessions).update(fixtures)
        config.pluginmanager.register(sessions, "tofupilot-asyncio")


@pytest.fixture
def tofupilot_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """A sandbox for this test, in its own thread. The marker `tofupilot` sets its options."""
    from .serving import sandbox_of, serve, without_waits  # noqa: PLC0415 - for tests that use it

    try:
        sandbox, waits = sandbox_of(request.node.iter_markers("tofupilot"))
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None  # the cause repeats the text
    with serve(sandbox), nullcontext() if waits else without_waits():
        yield sandbox


@pytest.fixture
def tofupilot_session(request: pytest.FixtureRequest) -> TofuPilotSession:
    """An open session with the sandbox, for a test that pytest-asyncio or anyio runs."""
    if "anyio_backend" in request.fixturenames:
        fixture = "_tofupilot_session_in_anyio"
    elif _has_asyncio(request.config):
        fixture = f"_tofupilot_session_in_{_loop_scope(request)}_loop"
    else:
        pytest.fail(_NO_EVENT_LOOP, pytrace=False)
    session: TofuPilotSession = request.getfixturevalue(fixture)
    return session


@pytest.fixture
def tofupilot_environment(tofupilot_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment variables that point to the sandbox, set for this test."""
    environment = {"TOFUPILOT_API_KEY": tofupilot_sandbox.api_key, "TOFUPILOT_URL": tofupilot_sandbox.url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def _session() -> Callable[[Sandbox], AsyncGenerator[TofuPilotSession]]:

    async def session(tofupilot_sandbox: Sandbox) -> AsyncGenerator[TofuPilotSession]:
        """An open session on the sandbox."""
        from .serving import session_on  # noqa: PLC0415 - for tests that use it

        async with session_on(tofupilot_sandbox) as session:
            yield session

    return session


session_in_anyio: object = pytest.fixture(_session(), name="_tofupilot_session_in_anyio")


def _has_asyncio(config: pytest.Config) -> bool:
    """Return whether pytest-asyncio is enabled. Its name as a plugin varies, but its option does not."""
    return hasattr(config.option, "asyncio_mode")


def _loop_scope(request: pytest.FixtureRequest) -> str:
    marker = request.node.get_closest_marker("asyncio")
    scope: str | None = marker.kwargs.get("loop_scope") if marker else None
    return scope or request.config.getini("asyncio_default_test_loop_scope")
